import { ERRORS, encodeValue, type Logger } from '@securechat/protocol'
import { errorBodyOf } from '../error-body.js'
import { toJson } from './json.js'

export const MSGPACK = 'application/msgpack'
export type Format = 'json' | 'msgpack'

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export function answer(
  format: Format,
  value: unknown,
  { status = 200, headers = {} }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const body = format === 'json' ? JSON.stringify(toJson(value)) : (encodeValue(value) as Uint8Array<ArrayBuffer>)
  return new Response(body, { status, headers: { ...SECURITY_HEADERS, 'content-type': format === 'json' ? 'application/json' : MSGPACK, ...headers } })
}

/** `{ error: { code, message, retry, retryAfterSeconds?, detail? } }` with the status of the code. */
export function errorAnswer(format: Format, error: unknown, logger: Logger): Response {
  const { code, detail, retryAfterSeconds } = errorBodyOf(error, logger)
  const { status, retry, text } = ERRORS[code as keyof typeof ERRORS]
  const body = { code, message: text, retry, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }), ...(detail !== undefined && { detail }) }
  return answer(format, { error: body }, { status, headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) } })
}
