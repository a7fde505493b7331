/** Nothing is known yet: the store is being read. */
export interface Loading {
  readonly status: 'loading'
  readonly data: undefined
  readonly error: undefined
}
/** `data` keeps its reference until it changes. An empty list is ready. */
export interface Ready<T> {
  readonly status: 'ready'
  readonly data: T
  readonly error: undefined
}
/** There is no such object in this client. */
export interface Missing {
  readonly status: 'missing'
  readonly data: undefined
  readonly error: undefined
}
/** `error` is a `SecureChatError` for everything that the client threw. */
export interface Failed {
  readonly status: 'error'
  readonly data: undefined
  readonly error: Error
}

/** Of queries that cannot fail: the client keeps them up to date from its store. */
export type Live<T> = Loading | Ready<T>
/** Of queries that look something up first. */
export type Lookup<T> = Loading | Ready<T> | Missing | Failed

export const LOADING: Loading = Object.freeze({ status: 'loading', data: undefined, error: undefined })
export const MISSING: Missing = Object.freeze({ status: 'missing', data: undefined, error: undefined })
export const ready = <T>(data: T): Ready<T> => ({ status: 'ready', data, error: undefined })
export const failed = (error: unknown): Failed => ({ status: 'error', data: undefined, error: asError(error) })

/** What was thrown, or, where somebody threw no error, an error that says so. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error('A value that is no error was thrown.', { cause: thrown }))
