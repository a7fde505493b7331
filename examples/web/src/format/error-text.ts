import { isSecureChatError, type SecureChatError } from '@securechat/client'

type Code = SecureChatError['code']

/** What happened and what to do next, where a person can do something. For other codes the library's own text is shown, which is safe to show. */
const TEXTS: Partial<Record<Code, string>> = {
  'auth/code-wrong': 'That is not the code that was sent. Check it and type it again.',
  'auth/code-expired': 'This code has expired or was used already. Ask for a new one.',
  'auth/too-many-tries': 'Too many wrong codes. Wait a little, then ask for a new one.',
  'request/rate-limited': 'That was too often. Wait a moment, then try again.',
  'request/timeout': 'The server took too long to answer. Try again.',
  'request/aborted': 'Cancelled.',
  'request/invalid': 'The server did not accept this. Check what you entered.',
  'network/unreachable': 'The server cannot be reached. Check your internet connection and try again.',
  'network/closed': 'The connection broke off. Try again.',
  'server/internal': 'The server had a problem. Nothing was changed; try again in a moment.',
  'server/unavailable': 'The server is busy. Try again in a moment.',
  'server/draining': 'The server is restarting. Try again in a moment.',
  'protocol/unsupported-version': 'This version of the app is too old for the server. Reload the page to get the new one.',
  'auth/revoked': 'This device was signed out because the number was registered on another one.',
  'devices/link-mismatch': 'These are not the digits of the other screen. Read them again; if they stay different, cancel: somebody may be in between.',
  'devices/link-expired': 'The code has expired. Show a new one on the other device and scan it.',
  'devices/not-primary': 'Only your primary device can do this.',
  'devices/identity-changed': 'The safety number of this contact has changed. Review it before you send.',
  'mailbox/full': 'The other person has too many messages waiting. They have to come online first.',
  'mailbox/unknown-recipient': 'The other person no longer uses SecureChat.',
  'storage/full': 'This device has no room left. Free some space, then try again.',
  'storage/unavailable': 'The browser does not let this page store data. Private windows and blocked cookies can be the reason.',
  'storage/locked': 'Another tab is using your messages. Close or reload it and try again.',
  'storage/wrong-key': 'The messages stored in this browser cannot be unlocked.',
  'storage/corrupt': 'The messages stored in this browser are damaged.',
  'client/unsupported': 'This browser or device cannot do that.',
  'client/cancelled': 'Cancelled.',
  'client/not-found': 'There is nobody with this number here.',
}

/** The sentence to show for an error. */
export function errorText(error: unknown): string {
  if (isSecureChatError(error)) return TEXTS[error.code] ?? error.message
  return 'Something unexpected happened. Try again; if it stays, reload the page.'
}

export const hasCode = (error: unknown, code: Code): boolean => isSecureChatError(error, code)
