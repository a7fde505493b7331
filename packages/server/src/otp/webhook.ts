import { type Random, SecureChatError, systemRandom, text, toBase64Url } from '@securechat/protocol'
import type { OtpSender } from '../ports/otp.js'

export interface WebhookOtpOptions {
  readonly url: string
  /** Sent as `Authorization: Bearer <token>`. */
  readonly token?: string
  /** `whsec_` and 24 to 64 bytes as base64: every request is signed (Standard Webhooks, symmetric signatures). */
  readonly secret?: string
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds. Default: the host's. */
  readonly now?: () => number
  readonly random?: Random
}

const TIMEOUT_MS = 10_000
const SECRET_BYTES = { least: 24, most: 64 } as const

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const invalid = (): never => {
    throw new SecureChatError('client/invalid-argument', { detail: 'webhook secret: whsec_ and 24 to 64 bytes as base64' })
  }
  if (!secret.startsWith('whsec_')) return invalid()
  let binary: string
  try {
    binary = atob(secret.slice('whsec_'.length))
  } catch {
    return invalid()
  }
  if (binary.length < SECRET_BYTES.least || binary.length > SECRET_BYTES.most) return invalid()
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** The headers by which the receiver knows that the request is this server's, and that it is a new one. */
async function signature(
  secret: Uint8Array<ArrayBuffer>,
  body: string,
  { now, random }: { readonly now: number; readonly random: Random },
): Promise<Record<string, string>> {
  const id = `msg_${toBase64Url(random(16))}`
  const timestamp = String(Math.floor(now / 1_000))
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, text(`${id}.${timestamp}.${body}`) as Uint8Array<ArrayBuffer>)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${base64(new Uint8Array(mac))}` }
}

/**
 * Hands codes to a service of yours: POST `url` with JSON `{ phone, code }`. Any status but 2xx, or no answer in 10 s, is a failure (`server/unavailable`). Throws
 * `client/invalid-argument` for a secret that is none.
 */
export function webhookOtp({ url, token, secret, fetch = globalThis.fetch, now = Date.now, random = systemRandom }: WebhookOtpOptions): OtpSender {
  const key = secret === undefined ? undefined : secretBytes(secret)
  return {
    async send({ phone, code }) {
      const body = JSON.stringify({ phone, code })
      const signed = key && (await signature(key, body, { now: now(), random }))
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }), ...signed },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (!response.ok) throw new SecureChatError('server/unavailable', { detail: 'sender of one-time codes' })
    },
  }
}
