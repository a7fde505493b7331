import { isSecureChatError, SecureChatError } from '@securechat/protocol'

/** SQLSTATE of an error of the server (5 characters), or Node's code of one of the connection. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** The whole transaction was undone because of others (deadlock, serialization): the same again may succeed. */
export const isTransient = (error: unknown): boolean => {
  const state = sqlState(error)
  return state === '40001' || state === '40P01'
}

/** The statement itself was refused, as any other of the same content would be; the connection and its neighbours are well. */
export const isRefused = (error: unknown): boolean => /^(2[0-9A-Z]|42|P0)[0-9A-Z]{3}$/.test(sqlState(error) ?? '')

/**
 * As the port has it. The server's error is not kept as the cause: its text quotes keys and values. Its SQLSTATE says what operators need.
 */
export function storeError(error: unknown): unknown {
  // A mistake in our own code is not an outage.
  if (isSecureChatError(error) || error instanceof TypeError || error instanceof RangeError) return error
  const state = sqlState(error)
  if (state === '53100') return new SecureChatError('storage/full', { detail: 'postgres' })
  return new SecureChatError('server/unavailable', { detail: state ? `postgres ${state}` : 'postgres connection' })
}
