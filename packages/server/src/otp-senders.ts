import { SecureChatError } from '@securechat/protocol'
import type { OtpSender } from './ports/otp.js'

/** Prints codes with their numbers, for development: whoever reads the output can sign in as anybody. */
export function consoleOtp(print: (line: string) => void): OtpSender {
  return {
    async send({ phone, code }) {
      print(`code for ${phone}: ${code}`)
    },
  }
}

/**
 * Hands codes to a service of yours: POST `url` with JSON `{ phone, code }` and, where given, `Authorization: Bearer <token>`. Any
 * status but 2xx, or no answer in 10 s, is a failure.
 */
export function webhookOtp({
  url,
  token,
  fetch = globalThis.fetch,
}: {
  readonly url: string
  readonly token?: string
  readonly fetch?: typeof globalThis.fetch
}): OtpSender {
  return {
    async send({ phone, code }) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ phone, code }),
        redirect: 'error',
        signal: AbortSignal.timeout(10_000),
      })
      if (!response.ok) throw new SecureChatError('server/unavailable', { detail: 'sender of one-time codes' })
    },
  }
}
