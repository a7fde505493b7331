/**
 * What a caller may do after an error.
 * never: the same call will fail again. now: at once. later: after `retryAfterSeconds`.
 * after-login: with a new session. after-refresh: once the state it was based on was fetched anew.
 */
export type RetryHint = 'never' | 'now' | 'later' | 'after-login' | 'after-refresh'

interface ErrorDefinition {
  readonly status: number
  readonly retry: RetryHint
  /** Fixed text: never built from input, so it is safe to log and to show. */
  readonly text: string
}

const define = <T extends Record<string, ErrorDefinition>>(table: T): T => table

/** The closed set of error codes. Codes are stable; a code is never given another meaning. */
export const ERRORS = define({
  'protocol/malformed': { status: 400, retry: 'never', text: 'The data is not well-formed.' },
  'protocol/too-large': { status: 413, retry: 'never', text: 'The data is larger than the limit for its kind.' },
  'protocol/unsupported-version': { status: 426, retry: 'never', text: 'This version of the format is not supported; an update is needed.' },
  'protocol/unknown-operation': { status: 404, retry: 'never', text: 'The server has no such operation.' },
  'protocol/out-of-order': { status: 400, retry: 'never', text: 'The frame is not allowed at this point of the connection.' },
  'request/invalid': { status: 400, retry: 'never', text: 'The input does not fit the operation.' },
  'request/not-found': { status: 404, retry: 'never', text: 'There is no such object, or it is not visible to this account.' },
  'request/conflict': { status: 409, retry: 'after-refresh', text: 'The object has changed since it was read.' },
  'request/aborted': { status: 499, retry: 'now', text: 'The call was cancelled.' },
  'request/timeout': { status: 504, retry: 'later', text: 'No answer came in time.' },
  'request/rate-limited': { status: 429, retry: 'later', text: 'Too many requests; wait before the next one.' },
  'auth/required': { status: 401, retry: 'after-login', text: 'This operation needs a signed-in device.' },
  'auth/invalid-token': { status: 401, retry: 'after-refresh', text: 'The access token is not valid.' },
  'auth/expired-token': { status: 401, retry: 'after-refresh', text: 'The access token has expired.' },
  'auth/invalid-proof': { status: 401, retry: 'never', text: 'The proof of possession of the device key is not valid.' },
  'auth/revoked': { status: 401, retry: 'after-login', text: 'This session or device was revoked.' },
  'auth/refresh-reused': { status: 401, retry: 'after-login', text: 'The refresh token was used before; the session has been revoked.' },
  'auth/code-wrong': { status: 403, retry: 'now', text: 'The code is not right.' },
  'auth/code-expired': { status: 403, retry: 'never', text: 'The code has expired or was used; ask for a new one.' },
  'auth/too-many-tries': { status: 429, retry: 'later', text: 'Too many wrong codes; ask for a new one later.' },
  'auth/pin-required': { status: 403, retry: 'now', text: 'The account has a registration lock: its PIN is needed.' },
  'auth/pin-wrong': { status: 403, retry: 'now', text: 'The PIN is not right.' },
  'auth/account-exists': { status: 409, retry: 'never', text: 'The number has an account; replacing its keys must be asked for.' },
  'auth/not-registered': { status: 409, retry: 'after-login', text: 'This client has no account yet.' },
  'auth/already-registered': { status: 409, retry: 'never', text: 'This client already has an account.' },
  'devices/stale-manifest': { status: 409, retry: 'after-refresh', text: 'The device list of a recipient has changed.' },
  'devices/invalid-manifest': { status: 400, retry: 'never', text: 'The device manifest is not valid.' },
  'devices/manifest-rollback': { status: 409, retry: 'never', text: 'The server showed an older device list than before.' },
  'devices/manifest-fork': { status: 409, retry: 'never', text: 'Two different device lists of one version were seen.' },
  'devices/identity-changed': { status: 409, retry: 'never', text: 'The account key of the contact has changed and must be accepted first.' },
  'devices/link-mismatch': { status: 403, retry: 'now', text: 'The digits are not those of the other screen.' },
  'devices/not-primary': { status: 403, retry: 'never', text: 'Only the primary device of the account can do this.' },
  'devices/limit-reached': { status: 409, retry: 'never', text: 'The account has as many devices as are allowed; one must be removed first.' },
  'devices/link-expired': { status: 410, retry: 'never', text: 'The linking code has expired; show a new one.' },
  'backup/damaged': { status: 409, retry: 'never', text: 'A part of the backup is missing or is not the one that was written.' },
  'backup/rolled-back': { status: 409, retry: 'never', text: 'The server showed another or an older backup than the one that is known.' },
  'backup/full': { status: 507, retry: 'never', text: 'The account has no room left for its backup on this server.' },
  'discovery/bucket-too-small': { status: 409, retry: 'never', text: 'The contact lookup would show too much of who is looked for, and is refused.' },
  'prekeys/invalid-bundle': { status: 400, retry: 'never', text: 'A prekey bundle is not valid.' },
  'mailbox/full': { status: 507, retry: 'later', text: 'The mailbox of a recipient is full.' },
  'mailbox/unknown-recipient': { status: 404, retry: 'after-refresh', text: 'A recipient device does not exist.' },
  'crypto/invalid-key': { status: 400, retry: 'never', text: 'A key is not valid.' },
  'crypto/invalid-signature': { status: 400, retry: 'never', text: 'A signature is not valid.' },
  'crypto/authentication-failed': { status: 400, retry: 'never', text: 'The ciphertext is not authentic.' },
  'crypto/duplicate-message': { status: 409, retry: 'never', text: 'The message was decrypted before.' },
  'crypto/no-session': { status: 409, retry: 'never', text: 'There is no session for this message.' },
  'crypto/limit-exceeded': { status: 400, retry: 'never', text: 'The message is too far ahead of the session.' },
  'crypto/unknown-prekey': { status: 409, retry: 'never', text: 'The message names a prekey that does not exist any more.' },
  'crypto/replayed-handshake': { status: 409, retry: 'never', text: 'The first message of a session was seen before.' },
  'groups/not-a-member': { status: 403, retry: 'never', text: 'The account is not a member of the group.' },
  'groups/not-allowed': { status: 403, retry: 'never', text: 'The member may not do this in the group.' },
  'groups/invalid-operation': { status: 400, retry: 'never', text: 'The group operation is not valid.' },
  'groups/stale-state': { status: 409, retry: 'after-refresh', text: 'The group has changed since.' },
  'groups/renewal-due': { status: 409, retry: 'now', text: 'The sender key of the group must be renewed first.' },
  'groups/frozen': { status: 409, retry: 'never', text: 'Members were shown different groups; an administrator must resolve it.' },
  'storage/conflict': { status: 409, retry: 'now', text: 'The stored data was changed by someone else.' },
  'storage/unavailable': { status: 503, retry: 'later', text: 'The local store cannot be used right now.' },
  'storage/corrupt': { status: 500, retry: 'never', text: 'A stored record cannot be read.' },
  'storage/wrong-key': { status: 403, retry: 'never', text: 'The store is sealed with another key.' },
  'storage/unlock-needed': { status: 401, retry: 'never', text: 'The store has a lock; give what opens it.' },
  'storage/locked': { status: 423, retry: 'later', text: 'Another tab or process is using this store.' },
  'storage/full': { status: 507, retry: 'later', text: 'The local store has no room.' },
  'storage/closed': { status: 503, retry: 'never', text: 'The store was closed.' },
  'network/unreachable': { status: 503, retry: 'later', text: 'The server cannot be reached.' },
  'network/closed': { status: 503, retry: 'later', text: 'The connection was closed.' },
  'server/internal': { status: 500, retry: 'later', text: 'The server failed; nothing was changed.' },
  'server/unavailable': { status: 503, retry: 'later', text: 'The server cannot do this right now.' },
  'server/draining': { status: 503, retry: 'now', text: 'This server is about to stop; connect again.' },
  'client/closed': { status: 503, retry: 'never', text: 'The client was closed.' },
  'client/invalid-argument': { status: 400, retry: 'never', text: 'An argument is not valid.' },
  'client/unsupported': { status: 501, retry: 'never', text: 'This browser or device cannot do that.' },
  'client/cancelled': { status: 499, retry: 'never', text: 'It was cancelled here.' },
  'client/not-found': { status: 404, retry: 'never', text: 'There is no such object in this client.' },
})

export type ErrorCode = keyof typeof ERRORS

export interface ErrorOptions {
  /** A fixed phrase of the code that throws (a field's name, a rule), never input, keys, numbers or contents. */
  readonly detail?: string
  /** Seconds until it is worth trying again; for `retry: 'later'`. */
  readonly retryAfterSeconds?: number
  /** Tries that are left; for wrong PINs. */
  readonly triesLeft?: number
  readonly cause?: unknown
}

/** The one error class of every package. `message` holds only fixed texts and is safe to log. */
export class SecureChatError extends Error {
  override readonly name: string = 'SecureChatError'
  readonly code: ErrorCode
  readonly retry: RetryHint
  readonly detail: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly triesLeft: number | undefined

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.detail ? `${ERRORS[code].text} (${options.detail})` : ERRORS[code].text, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = ERRORS[code].retry
    this.detail = options.detail
    this.retryAfterSeconds = options.retryAfterSeconds
    this.triesLeft = options.triesLeft
  }

  /** HTTP status that stands for the code. */
  get status(): number {
    return ERRORS[this.code].status
  }
}

export const isErrorCode = (value: unknown): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERRORS, value)

/** Works across duplicate copies of the package (ESM beside CommonJS), where `instanceof` does not. */
export function isSecureChatError(error: unknown, code?: ErrorCode): error is SecureChatError {
  return (
    error instanceof Error &&
    error.name === 'SecureChatError' &&
    isErrorCode((error as SecureChatError).code) &&
    (code === undefined || (error as SecureChatError).code === code)
  )
}

/** A typed error stays as it is; anything else becomes `fallback` with the original as its cause. */
export function asSecureChatError(error: unknown, fallback: ErrorCode): SecureChatError {
  return isSecureChatError(error) ? error : new SecureChatError(fallback, { cause: error })
}
