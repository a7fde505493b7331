import { type ErrorCode, isSecureChatError } from '@securechat/protocol'

/** The code that `action` throws; fails where it throws anything untyped, or nothing. */
export function codeOf(action: () => unknown): ErrorCode {
  try {
    action()
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  throw new Error('expected a typed error, but nothing was thrown')
}
