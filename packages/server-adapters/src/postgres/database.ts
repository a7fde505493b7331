import { SecureChatError } from '@securechat/protocol'
import { isTransient, storeError } from './errors.js'
import type { PostgresClient, PostgresPool } from './pool.js'
import { resultTypes } from './types.js'

/** Times that a transaction is begun anew after a deadlock or a serialization failure. */
const ATTEMPTS = 5

/** Prepared once in each connection; `{s}` in the text stands for the schema. */
export interface Statement<Row> {
  readonly name: string
  readonly text: string
  /** Only for the types. */
  readonly row?: Row
}

/** Runs statements in one connection. */
export interface Session {
  rows<Row>(statement: Statement<Row>, ...values: unknown[]): Promise<Row[]>
  row<Row>(statement: Statement<Row>, ...values: unknown[]): Promise<Row | undefined>
  /** Rows that were changed. */
  run(statement: Statement<unknown>, ...values: unknown[]): Promise<number>
}

export interface Database extends Session {
  statement<Row = unknown>(name: string, text: string): Statement<Row>
  /**
   * Durable when it resolves. READ COMMITTED: `work` takes the locks that its decisions need, and may be run again from the beginning when others
   * made it fail.
   */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** As it came from pg: for whoever decides by the SQLSTATE. */
  raw<Row>(statement: Statement<Row>, values: unknown[]): Promise<Row[]>
  /** Waits for what was begun, then refuses more. The pool is its owner's. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly pool: PostgresPool
  readonly schema: string
  /** Milliseconds after which a statement is given up and its connection ended. */
  readonly timeoutMs: number
  /** Before the first statement; again when it has failed. */
  readonly prepare: () => Promise<void>
}

/**
 * `synchronous_commit` may be off for a whole database; what this server acknowledges must not be lost with it. The two limits are for a node that stops in
 * the middle (paused, cut off): its locks must not hold up the others.
 */
const BEGIN = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = 5000; SET LOCAL lock_timeout = 5000;
SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`

const ignore = (): void => {}

export function createDatabase({ pool, schema, timeoutMs, prepare }: DatabaseOptions): Database {
  let prepared: Promise<void> | undefined
  let ready = false
  let closed = false
  let active = 0
  let idle = ignore

  const begin = async (): Promise<void> => {
    if (closed) throw new SecureChatError('server/unavailable', { detail: 'store closed' })
    active++
    if (ready) return
    prepared ??= prepare()
    try {
      await prepared
      ready = true
    } catch (error) {
      prepared = undefined
      end()
      throw error
    }
  }
  const end = (): void => {
    if (--active === 0) idle()
  }
  const execute = async (client: PostgresClient, { name, text }: Statement<unknown>, values: unknown[]) =>
    client.query({ name: `${schema}.${name}`, text, values, query_timeout: timeoutMs, types: resultTypes })

  const withClient = async <T>(work: (client: PostgresClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    // A connection that breaks between two statements says so by this event alone, which without a listener would end the process.
    client.on('error', ignore)
    let failed: unknown
    try {
      return await work(client)
    } catch (error) {
      failed = error
      throw error
    } finally {
      client.off('error', ignore)
      // Only the server's own errors leave a connection in a known state.
      client.release(failed !== undefined && !isStatementError(failed))
    }
  }
  const raw = async <Row>(statement: Statement<Row>, values: unknown[]): Promise<Row[]> => {
    await begin()
    try {
      return (await withClient((client) => execute(client, statement, values))).rows as Row[]
    } finally {
      end()
    }
  }
  const attempt = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    withClient(async (client) => {
      const session = sessionOf(async (statement, values) => execute(client, statement, values))
      await client.query({ text: BEGIN, query_timeout: timeoutMs })
      try {
        const result = await work(session)
        await client.query({ text: 'COMMIT', query_timeout: timeoutMs })
        return result
      } catch (error) {
        await client.query({ text: 'ROLLBACK', query_timeout: timeoutMs }).catch((cause: unknown) => {
          // Whatever it was before: this connection is not to be used again.
          throw cause instanceof Error && isStatementError(cause) ? new Error('rollback failed') : cause
        })
        throw error
      }
    })
  const outside = sessionOf(async (statement, values) => {
    await begin()
    try {
      return await withClient((client) => execute(client, statement, values))
    } catch (error) {
      throw storeError(error)
    } finally {
      end()
    }
  })

  return {
    ...outside,
    statement: (name, text) => ({ name, text: text.replaceAll('{s}', schema) }),
    raw,
    async transaction(work) {
      await begin()
      try {
        for (let tries = 1; ; tries++) {
          try {
            return await attempt(work)
          } catch (error) {
            if (tries >= ATTEMPTS || !isTransient(error)) throw storeError(error)
          }
        }
      } finally {
        end()
      }
    },
    async close() {
      closed = true
      if (active > 0)
        await new Promise<void>((done) => {
          idle = done
        })
    },
  }
}

/** Answered by the server about a statement: the connection goes on. */
const isStatementError = (error: unknown): boolean =>
  error instanceof SecureChatError || (error instanceof Error && /^(?!08|57P|58|XX)[0-9A-Z]{5}$/.test((error as Error & { code?: string }).code ?? ''))

type Execute = (statement: Statement<unknown>, values: unknown[]) => Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>

const sessionOf = (execute: Execute): Session => ({
  rows: async <Row>(statement: Statement<Row>, ...values: unknown[]) => (await execute(statement, values)).rows as Row[],
  row: async <Row>(statement: Statement<Row>, ...values: unknown[]) => (await execute(statement, values)).rows[0] as Row | undefined,
  run: async (statement, ...values) => (await execute(statement, values)).rowCount ?? 0,
})
