import { asSecureChatError, SecureChatError } from '@securechat/protocol/core'

/** For what sources and sinks of the caller throw: typed errors pass, others become `storage/unavailable` with their cause. */
export function contentFailure(error: unknown): never {
  throw asSecureChatError(error, 'storage/unavailable')
}

export function notAuthentic(detail: string): never {
  throw new SecureChatError('crypto/authentication-failed', { detail })
}

/** Rejects when the signal is given; `stop` takes the listener away again. */
export function abortion(signal: AbortSignal | undefined): { readonly promise: Promise<never>; stop(): void } {
  let onAbort = (): void => undefined
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(new SecureChatError('request/aborted', { cause: signal?.reason }))
  })
  promise.catch(() => undefined)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort)
  return { promise, stop: () => signal?.removeEventListener('abort', onAbort) }
}

/** One step that may hang, raced with the signal. */
export async function orAborted<Value>(signal: AbortSignal | undefined, step: Promise<Value>): Promise<Value> {
  const aborted = abortion(signal)
  try {
    return await Promise.race([step, aborted.promise])
  } finally {
    aborted.stop()
  }
}
