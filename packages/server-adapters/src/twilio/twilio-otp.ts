import { SecureChatError } from '@securechat/protocol'
import { type OtpSender, type OtpTextOptions, otpText } from '@securechat/server'

export interface TwilioOtpOptions extends OtpTextOptions {
  /** Begins with AC. */
  readonly accountSid: string
  /** The account's auth token, or an API key of it (which can be taken back alone). */
  readonly credentials: { readonly authToken: string } | { readonly apiKey: string; readonly apiSecret: string }
  /** The sending number (E.164) or name, or a messaging service (MG…) that chooses one. */
  readonly sender: { readonly from: string } | { readonly messagingService: string }
  /** Default: https://api.twilio.com. */
  readonly url?: string
  readonly fetch?: typeof globalThis.fetch
}

const TIMEOUT_MS = 10_000

/** What Twilio says of a refusal: a number that its documentation lists. Nothing else of the answer is passed on, since it repeats the phone number. */
async function codeOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined)
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
  return typeof code === 'number' ? ` (${code})` : ''
}

/**
 * One-time codes as text messages over Twilio's Messages resource. Rejects with `server/unavailable`, whose detail has the status and Twilio's own code. A message is not sent
 * twice for one call: whether one that was not answered has gone out is not known, and the person asks for another code.
 */
export function twilioOtp({
  accountSid,
  credentials,
  sender,
  url = 'https://api.twilio.com',
  fetch = globalThis.fetch,
  ...texts
}: TwilioOtpOptions): OtpSender {
  if (!/^AC[0-9a-fA-F]{32}$/.test(accountSid)) throw new SecureChatError('client/invalid-argument', { detail: 'Twilio account: AC and 32 hexadecimal digits' })
  const [user, password] = 'authToken' in credentials ? [accountSid, credentials.authToken] : [credentials.apiKey, credentials.apiSecret]
  const authorization = `Basic ${btoa(`${user}:${password}`)}`
  const from: Record<string, string> = 'from' in sender ? { From: sender.from } : { MessagingServiceSid: sender.messagingService }
  const endpoint = `${url}/2010-04-01/Accounts/${accountSid}/Messages.json`
  return {
    async send({ phone, code }) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ To: phone, ...from, Body: otpText(code, texts) }).toString(),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (!response.ok) throw new SecureChatError('server/unavailable', { detail: `Twilio: ${response.status}${await codeOf(response)}` })
    },
  }
}
