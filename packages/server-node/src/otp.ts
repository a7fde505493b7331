import { existsSync, readFileSync } from 'node:fs'
import { SecureChatError } from '@securechat/protocol'
import { consoleOtp, type OtpSender, webhookOtp } from '@securechat/server'
import { smtpOtp } from '@securechat/server-adapters/smtp'
import { twilioOtp } from '@securechat/server-adapters/twilio'
import { createTransport } from 'nodemailer'
import type { Environment } from './settings/load.js'

const invalid = (detail: string): never => {
  throw new SecureChatError('client/invalid-argument', { detail })
}

/** A variable, or what is in the file that the variable with _FILE names. */
function text(env: Environment, name: string): string | undefined {
  const file = env[`${name}_FILE`]
  if (env[name] || !file) return env[name] || undefined
  if (!existsSync(file)) invalid(`${name}_FILE names no file`)
  return readFileSync(file, 'utf8').trim()
}

function twilio(env: Environment, accountSid: string): OtpSender {
  const [authToken, apiKey, apiSecret] = ['AUTH_TOKEN', 'API_KEY', 'API_SECRET'].map((name) => text(env, `SECURECHAT_TWILIO_${name}`))
  const credentials = apiKey && apiSecret ? { apiKey, apiSecret } : authToken ? { authToken } : undefined
  if (!credentials) return invalid('set SECURECHAT_TWILIO_API_KEY and SECURECHAT_TWILIO_API_SECRET, or SECURECHAT_TWILIO_AUTH_TOKEN (or …_FILE)')
  const { SECURECHAT_TWILIO_MESSAGING_SERVICE: messagingService, SECURECHAT_TWILIO_FROM: from, SECURECHAT_TWILIO_URL: url } = env
  const sender = messagingService ? { messagingService } : from ? { from } : undefined
  if (!sender) return invalid('set SECURECHAT_TWILIO_MESSAGING_SERVICE or SECURECHAT_TWILIO_FROM')
  const { SECURECHAT_OTP_APP: app, SECURECHAT_OTP_DOMAIN: domain } = env
  return twilioOtp({ accountSid, credentials, sender, ...(url && { url }), ...(app && { app }), ...(domain && { domain }) })
}

const SENDERS = 'SECURECHAT_OTP_WEBHOOK, SECURECHAT_TWILIO_ACCOUNT_SID and SECURECHAT_SMTP_URL'
/** Milliseconds of each step of a mail; the person waits for it. */
const SMTP_MS = 10_000

function smtp(env: Environment, url: string): OtpSender {
  const { SECURECHAT_SMTP_FROM: from, SECURECHAT_SMTP_TO: to, SECURECHAT_OTP_APP: app, SECURECHAT_OTP_DOMAIN: domain } = env
  if (!from || !to) return invalid('set SECURECHAT_SMTP_FROM and SECURECHAT_SMTP_TO')
  const transport = createTransport({ url, connectionTimeout: SMTP_MS, greetingTimeout: SMTP_MS, socketTimeout: SMTP_MS })
  return smtpOtp({ transport, from, addressOf: (phone) => to.replace('{number}', phone.slice(1)), ...(app && { app }), ...(domain && { domain }) })
}

/** Who sends one-time codes, by the environment; in development the terminal, where nothing is set. Throws `client/invalid-argument` and says what to set. */
export function otpSender(dev: boolean, env: Environment): OtpSender {
  const url = env.SECURECHAT_OTP_WEBHOOK
  const accountSid = env.SECURECHAT_TWILIO_ACCOUNT_SID
  const smtpUrl = text(env, 'SECURECHAT_SMTP_URL')
  if ([url, accountSid, smtpUrl].filter(Boolean).length > 1) return invalid(`set one of ${SENDERS}`)
  if (smtpUrl) return smtp(env, smtpUrl)
  if (accountSid) return twilio(env, accountSid)
  if (url) {
    const [token, secret] = [text(env, 'SECURECHAT_OTP_WEBHOOK_TOKEN'), text(env, 'SECURECHAT_OTP_WEBHOOK_SECRET')]
    return webhookOtp({ url, ...(token && { token }), ...(secret && { secret }) })
  }
  if (dev) return consoleOtp((line) => process.stdout.write(`${line}\n`))
  return invalid(`set one of ${SENDERS}, so that one-time codes are sent, or use --dev`)
}
