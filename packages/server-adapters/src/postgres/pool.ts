/**
 * What the store uses of `pg` (node-postgres 8): a `pg.Pool` fits. Structural, so that this package needs neither pg nor its types. The JavaScript client
 * is meant; the native binding does not take binary parameters.
 */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
  /** With an error the connection is ended instead of used again. */
  release(error?: Error | boolean): void
}

export interface PostgresQuery {
  readonly text: string
  /** Prepared once in each connection under this name. */
  readonly name?: string
  readonly values?: unknown[]
  /** Milliseconds. */
  readonly query_timeout?: number
  readonly types?: { getTypeParser(oid: number, format?: string): (text: string) => unknown }
}
