import { type ErrorCode, isSecureChatError, SecureChatError } from '@securechat/protocol'

/** DOMException names of IndexedDB (https://w3c.github.io/IndexedDB/#exceptions) whose meaning is not "cannot be used right now". */
const CODES: Readonly<Record<string, ErrorCode>> = {
  QuotaExceededError: 'storage/full',
  // The database exists without our object store: somebody else made it.
  NotFoundError: 'storage/corrupt',
  // Chromium: the file behind a large value is gone.
  NotReadableError: 'storage/corrupt',
  VersionError: 'protocol/unsupported-version',
}

/** A typed error stays; a DOMException becomes one, `storage/unavailable` unless its name says more. */
export function storageError(error: unknown): SecureChatError {
  if (isSecureChatError(error)) return error
  const name = typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : ''
  return new SecureChatError(Object.hasOwn(CODES, name) ? CODES[name]! : 'storage/unavailable', { detail: 'indexeddb', cause: error })
}
