import { SecureChatError } from '@securechat/protocol'
import { type OtpSender, type OtpTextOptions, otpText } from '@securechat/server'

/** What is used of `nodemailer` (10): what its `createTransport` gives fits. Structural, so that this package needs neither nodemailer nor its types. */
export interface SmtpTransport {
  sendMail(message: { readonly from: string; readonly to: string; readonly subject: string; readonly text: string }): Promise<unknown>
}

export interface SmtpOtpOptions extends OtpTextOptions {
  readonly transport: SmtpTransport
  /** The sender's address, with or without a name. */
  readonly from: string
  /**
   * Where the code for a number goes: the carrier's gateway from mail to text messages, or the address that your own directory has for it. `undefined`: there is none, and the person is
   * told what everybody is told.
   */
  readonly addressOf: (phone: string) => string | undefined | Promise<string | undefined>
}

/** An SMTP reply code is all that is passed on: servers repeat addresses in their texts. */
const replyOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'responseCode' in error && typeof error.responseCode === 'number' ? ` ${error.responseCode}` : ''

/** One-time codes by mail. Rejects with `server/unavailable`, whose detail has the server's reply code. */
export function smtpOtp({ transport, from, addressOf, ...texts }: SmtpOtpOptions): OtpSender {
  return {
    async send({ phone, code }) {
      const to = await addressOf(phone)
      // Who can have a code and who cannot must not be told apart.
      if (to === undefined) return
      try {
        await transport.sendMail({ from, to, subject: `${texts.app ?? 'SecureChat'}: your code`, text: otpText(code, texts) })
      } catch (error) {
        throw new SecureChatError('server/unavailable', { detail: `SMTP:${replyOf(error)}` })
      }
    },
  }
}
