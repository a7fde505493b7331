import { type DeviceId, ID_BYTES, idToBytes, type MailboxRow, SecureChatError } from '@securechat/protocol'
import type { MailboxStore } from '@securechat/server'
import type { Database } from './database.js'
import { storeError } from './errors.js'
import { accountText } from './rows.js'
import { int4Array, int8Array } from './types.js'

type Query = Parameters<MailboxStore['readMailbox']>[0]

/** Pages that one statement brings. */
const MAX_QUERIES = 200
/** Bytes of the pages of one statement, should all of them be full. */
const MAX_BYTES = 8 * 1024 * 1024
/** Statements in progress; what comes meanwhile gathers for the next. */
const MAX_RUNNING = 2

interface Row {
  readonly o_query: number
  readonly o_sequence: number
  readonly o_time: number
  readonly o_account: Uint8Array
  readonly o_device: DeviceId
  readonly o_envelope: Uint8Array
  readonly o_body: Uint8Array | null
}
interface Job {
  readonly query: Query
  readonly resolve: (rows: MailboxRow[]) => void
  readonly reject: (error: unknown) => void
}

export interface MailboxReader {
  read(query: Query): Promise<MailboxRow[]>
  close(): Promise<void>
}

/** Reads of one turn of the event loop, and those that come while others run, share a statement: at rest nothing waits, under load nothing is asked alone. */
export function createMailboxReader(database: Database): MailboxReader {
  const statement = database.statement<Row>('mailbox_read_1', 'SELECT * FROM {s}.mailbox_read_1($1, $2, $3, $4, $5)')
  let queue: Job[] = []
  let planned: NodeJS.Immediate | undefined
  const running = new Set<Promise<void>>()
  let closed = false

  const plan = (): void => {
    if (running.size < MAX_RUNNING && queue.length > 0) planned ??= setImmediate(flush)
  }
  const flush = (): void => {
    clearImmediate(planned)
    planned = undefined
    let count = 0
    for (let bytes = 0; count < queue.length && count < MAX_QUERIES && (count === 0 || bytes < MAX_BYTES); count++) bytes += queue[count]!.query.maxBytes
    if (count === 0) return
    const jobs = queue.slice(0, count)
    queue = queue.slice(count)
    const done = run(jobs).finally(() => {
      running.delete(done)
      plan()
    })
    running.add(done)
    plan()
  }
  const run = async (jobs: readonly Job[]): Promise<void> => {
    try {
      const pages: MailboxRow[][] = jobs.map(() => [])
      for (const row of await database.raw(statement, argumentsOf(jobs))) pages[row.o_query - 1]!.push(rowOf(row))
      for (let i = 0; i < jobs.length; i++) jobs[i]!.resolve(pages[i]!)
    } catch (error) {
      const reason = storeError(error)
      for (const { reject } of jobs) reject(reason)
    }
  }

  return {
    read(query) {
      if (closed) return Promise.reject(new SecureChatError('server/unavailable', { detail: 'store closed' }))
      return new Promise((resolve, reject) => {
        queue.push({ query, resolve, reject })
        plan()
      })
    },
    async close() {
      closed = true
      flush()
      while (running.size > 0 || queue.length > 0) {
        await Promise.all(running)
        flush()
      }
    },
  }
}

function argumentsOf(jobs: readonly Job[]): Buffer[] {
  const accounts = Buffer.allocUnsafe(jobs.length * ID_BYTES)
  jobs.forEach(({ query }, i) => void accounts.set(idToBytes(query.accountId), i * ID_BYTES))
  const field = (name: 'deviceId' | 'after' | 'limit' | 'maxBytes'): number[] => jobs.map(({ query }) => query[name])
  return [accounts, int8Array(field('deviceId')), int8Array(field('after')), int4Array(field('limit')), int8Array(field('maxBytes'))]
}

const rowOf = ({ o_sequence, o_time, o_account, o_device, o_envelope, o_body }: Row): MailboxRow => ({
  sequence: o_sequence,
  time: o_time,
  sender: { accountId: accountText(o_account), deviceId: o_device },
  envelope: o_envelope,
  ...(o_body && { body: o_body }),
})
