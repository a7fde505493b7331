import { SecureChatError } from '@securechat/protocol'

const DIGITS = /^\d{6}$/

/** What a person has read from the other screen and typed. Throws `devices/link-mismatch`. */
export function requireDigits(typed: string, shown: string): void {
  const digits = typed.replaceAll(/\s/g, '')
  if (!DIGITS.test(digits) || digits !== shown) throw new SecureChatError('devices/link-mismatch')
}
