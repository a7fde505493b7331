import { ERRORS, isSecureChatError, type Logger, SecureChatError } from '@securechat/protocol'

export interface ErrorBody {
  readonly code: string
  readonly retryAfterSeconds?: number
  readonly detail?: string
}

/** Seconds to wait where the code says "later" and nobody knows better. */
const DEFAULT_RETRY_SECONDS = 5

/** What the store's port promises not to throw, and what an adapter may throw all the same. */
const isStoreTrouble = (code: string): boolean => code.startsWith('storage/')

/**
 * An error as a client sees it. What is not typed is a fault of the server: it is logged by the place where it was thrown, without its
 * message (which may hold input), and answered as `server/internal`.
 */
export function typedError(error: unknown, logger: Logger): SecureChatError {
  if (isSecureChatError(error) && !isStoreTrouble(error.code)) return error
  if (isSecureChatError(error)) {
    logger.error('store-failed', { code: error.code })
    return new SecureChatError('server/unavailable', { cause: error })
  }
  const place = error instanceof Error ? (/^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? '') : ''
  logger.error('unexpected-error', { name: error instanceof Error ? error.name : typeof error, place })
  return new SecureChatError('server/internal', { cause: error })
}

export function errorBodyOf(error: unknown, logger: Logger): ErrorBody {
  const { code, detail, retryAfterSeconds } = typedError(error, logger)
  const later = ERRORS[code].retry === 'later' ? (retryAfterSeconds ?? DEFAULT_RETRY_SECONDS) : retryAfterSeconds
  return { code, ...(later !== undefined && { retryAfterSeconds: later }), ...(detail !== undefined && { detail }) }
}
