import { type Clock, type ErrorCode, isSecureChatError, type OperationName } from '@securechat/protocol'
import type { RateLimits } from '../config.js'

/** What a server counts, if somebody wants to know. Nothing in it names anybody: operations and codes are closed sets. The calls are made on hot paths, and must not throw. */
export interface Metrics {
  /** A call was answered. `code`: ok, or the error's; unexpected faults are `server/internal`. */
  call(operation: OperationName, outcome: { readonly code: ErrorCode | 'ok'; readonly seconds: number }): void
  /** Rows that were put into mailboxes, and rows that were handed to sockets. */
  rows(way: 'stored' | 'delivered', count: number): void
  /** A call was refused by the limit of a class. */
  limited(name: keyof RateLimits): void
  /** One-time codes, given to their sender. */
  code(result: 'sent' | 'failed'): void
}

/** Counts a call when it has ended, whichever way. */
export function countCall<Output>(
  { metrics, clock }: { readonly metrics?: Metrics; readonly clock: Clock },
  operation: OperationName,
  work: Promise<Output>,
): Promise<Output> {
  if (!metrics) return work
  const begun = clock.now()
  const seconds = (): number => Math.max(0, clock.now() - begun) / 1000
  work.then(
    () => metrics.call(operation, { code: 'ok', seconds: seconds() }),
    (error: unknown) => metrics.call(operation, { code: isSecureChatError(error) ? error.code : 'server/internal', seconds: seconds() }),
  )
  return work
}
