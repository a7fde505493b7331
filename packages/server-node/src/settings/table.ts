import { LIMITS } from '@securechat/protocol'
import { DEFAULT_LIMITS, type RateLimits } from '@securechat/server'
import type { LogLevel } from '../logger.js'

export const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']
export const DEFAULT_PORT = 8787

/** One setting: a variable of the environment, and the place of the same in the configuration file. */
export interface Setting {
  readonly variable: string
  /** In the file: names of the objects around it, and its own. */
  readonly place: string
  readonly what: string
  /** Secret: never shown; may be in a file that the variable with _FILE, or the place with File, names. */
  readonly secret?: true
  /** In the file a list of texts. */
  readonly list?: true
  readonly shownDefault?: string
  /** What is wrong with it, without repeating it. */
  readonly check?: (text: string) => string | undefined
}

const whole =
  (from: number, to: number) =>
  (text: string): string | undefined =>
    /^\d+$/.test(text) && Number(text) >= from && Number(text) <= to ? undefined : `takes a number from ${from} to ${to}`
const oneOf =
  (...values: readonly string[]) =>
  (text: string): string | undefined =>
    values.includes(text) ? undefined : `takes one of ${values.join(', ')}`
const url =
  (...protocols: readonly string[]) =>
  (text: string): string | undefined =>
    URL.canParse(text) && protocols.includes(new URL(text).protocol) ? undefined : `must be a URL: ${protocols.join('// or ')}//…`
const origins = (text: string): string | undefined =>
  text.split(',').every((origin) => URL.canParse(origin) && new URL(origin).origin === origin) ? undefined : 'takes origins such as https://app.example.com'
const rule = (text: string): string | undefined => (/^\d+\/\d+(\.\d+)?$/.test(text) ? undefined : 'takes burst/per second, such as 100/0.05')

/** `preKeyClaim`: PRE_KEY_CLAIM. */
const upper = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
export const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as (keyof RateLimits)[]
export const limitVariable = (name: string): string => `SECURECHAT_LIMIT_${upper(name)}`

export const SETTINGS: readonly Setting[] = [
  { variable: 'PORT', place: 'port', what: 'Port to listen on; 0: a free one', shownDefault: String(DEFAULT_PORT), check: whole(0, 65_535) },
  { variable: 'HOST', place: 'host', what: 'Address to listen on', shownDefault: '127.0.0.1' },
  { variable: 'SECURECHAT_DATA', place: 'data', what: 'Folder of database and generated secrets', shownDefault: './data' },
  { variable: 'SECURECHAT_STATIC', place: 'static', what: 'Folder of a built web app to serve' },
  { variable: 'SECURECHAT_LOG_LEVEL', place: 'logLevel', what: `One of ${LEVELS.join(', ')}`, shownDefault: 'info', check: oneOf(...LEVELS) },
  { variable: 'SECURECHAT_ORIGINS', place: 'origins', list: true, what: 'Other origins whose pages may use the server', check: origins },
  {
    variable: 'SECURECHAT_TRUSTED_PROXIES',
    place: 'trustedProxies',
    list: true,
    what: 'Addresses or networks whose X-Forwarded-For is believed; none by default',
  },
  { variable: 'SECURECHAT_ISSUER', place: 'issuer', what: 'Issuer and audience of access tokens', shownDefault: 'securechat' },
  {
    variable: 'SECURECHAT_MAILBOX_DAYS',
    place: 'mailboxDays',
    what: 'Days that an undelivered message is kept',
    shownDefault: String(LIMITS.mailboxDays),
    check: whole(1, LIMITS.mailboxDays),
  },
  { variable: 'SECURECHAT_MAX_CONNECTIONS', place: 'maxConnections', what: 'Sockets of this process', shownDefault: '50000', check: whole(1, 10_000_000) },
  { variable: 'SECURECHAT_METRICS_PORT', place: 'metrics.port', what: 'Port of Prometheus metrics; none by default', check: whole(0, 65_535) },
  { variable: 'SECURECHAT_METRICS_HOST', place: 'metrics.host', what: 'Address of that port', shownDefault: '127.0.0.1' },
  { variable: 'SECURECHAT_TOKEN_KEY', place: 'secrets.tokenKey', secret: true, what: '32 random bytes as base64url; signs access tokens' },
  { variable: 'SECURECHAT_PHONE_PEPPER', place: 'secrets.phonePepper', secret: true, what: '32 random bytes as base64url; keys the hashes of phone numbers' },
  {
    variable: 'SECURECHAT_DATABASE_URL',
    place: 'database.url',
    secret: true,
    what: 'PostgreSQL 15 or newer, instead of the SQLite file',
    check: url('postgres:', 'postgresql:'),
  },
  {
    variable: 'SECURECHAT_MIGRATIONS',
    place: 'database.migrations',
    what: 'apply: at the start; require: do not start where some are pending',
    shownDefault: 'apply',
    check: oneOf('apply', 'require'),
  },
  { variable: 'SECURECHAT_REDIS_URL', place: 'redis.url', secret: true, what: 'Redis 7 or Valkey, for several nodes', check: url('redis:', 'rediss:') },
  { variable: 'SECURECHAT_OTP_WEBHOOK', place: 'codes.webhook.url', what: 'Gets phone and code, and sends the message', check: url('https:', 'http:') },
  { variable: 'SECURECHAT_OTP_WEBHOOK_SECRET', place: 'codes.webhook.secret', secret: true, what: 'whsec_…: signs what is sent to it' },
  { variable: 'SECURECHAT_OTP_WEBHOOK_TOKEN', place: 'codes.webhook.token', secret: true, what: 'Bearer token that is sent to it' },
  { variable: 'SECURECHAT_TWILIO_ACCOUNT_SID', place: 'codes.twilio.accountSid', what: 'Text messages over Twilio' },
  { variable: 'SECURECHAT_TWILIO_API_KEY', place: 'codes.twilio.apiKey', secret: true, what: 'Its API key' },
  { variable: 'SECURECHAT_TWILIO_API_SECRET', place: 'codes.twilio.apiSecret', secret: true, what: 'Its API secret' },
  { variable: 'SECURECHAT_TWILIO_AUTH_TOKEN', place: 'codes.twilio.authToken', secret: true, what: 'Or the account’s token' },
  { variable: 'SECURECHAT_TWILIO_MESSAGING_SERVICE', place: 'codes.twilio.messagingService', what: 'Sends the messages' },
  { variable: 'SECURECHAT_TWILIO_FROM', place: 'codes.twilio.from', what: 'Or a number or name that does' },
  { variable: 'SECURECHAT_TWILIO_URL', place: 'codes.twilio.url', what: 'Another address of Twilio’s interface', check: url('https:', 'http:') },
  { variable: 'SECURECHAT_SMTP_URL', place: 'codes.smtp.url', secret: true, what: 'Mail server that takes the messages', check: url('smtp:', 'smtps:') },
  { variable: 'SECURECHAT_SMTP_FROM', place: 'codes.smtp.from', what: 'Their sender' },
  {
    variable: 'SECURECHAT_SMTP_TO',
    place: 'codes.smtp.to',
    what: 'Gateway to text messages; {number} is the number without its plus',
    check: (text) => (/^[^\s@]*\{number\}[^\s@]*@[^\s@]+$/.test(text) ? undefined : 'takes an address with {number} before the @'),
  },
  { variable: 'SECURECHAT_OTP_APP', place: 'codes.app', what: 'The app’s name in the message' },
  { variable: 'SECURECHAT_OTP_DOMAIN', place: 'codes.domain', what: 'Host on whose pages browsers fill the code in' },
  ...LIMIT_NAMES.map((name) => ({
    variable: limitVariable(name),
    place: `limits.${name}`,
    what: `Limit ${name}: burst/per second`,
    shownDefault: `${DEFAULT_LIMITS[name].burst}/${DEFAULT_LIMITS[name].perSecond}`,
    check: rule,
  })),
]
