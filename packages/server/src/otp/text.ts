export interface OtpTextOptions {
  /** As people know it. Default: SecureChat. */
  readonly app?: string
  /** Host of the web app: browsers then fill the code in on its pages alone (WebOTP, "Origin-bound one-time codes delivered via SMS"). */
  readonly domain?: string
}

/** The text message for a one-time code. The line for browsers has to be the last one. */
export function otpText(code: string, { app = 'SecureChat', domain }: OtpTextOptions = {}): string {
  const text = `${code} is your ${app} code. Give it to nobody.`
  return domain === undefined ? text : `${text}\n\n@${domain} #${code}`
}
