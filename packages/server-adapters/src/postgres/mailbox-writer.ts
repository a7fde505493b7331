import { SecureChatError } from '@securechat/protocol'
import type { Append, AppendOutcome } from '@securechat/server'
import type { Database } from './database.js'
import { isRefused, isTransient, storeError } from './errors.js'
import { type Acknowledgement, encodeWrite, sizeOf } from './write-batch.js'

/** Sends and bytes of one statement. More would make the first of them wait for the last. */
const MAX_SENDS = 1_000
const MAX_BYTES = 4 * 1024 * 1024
/** Bytes that wait for a database which does not answer; beyond it sends are refused instead of filling the memory. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** Milliseconds that an acknowledgement waits for a batch of sends to ride in. */
const LAZY_MS = 10
const ATTEMPTS = 5

interface Row {
  readonly o_send: number
  readonly o_kind: number
  readonly o_time: number
  readonly o_sequences: string
}
interface Job {
  readonly send: Append
  readonly key: string
  readonly bytes: number
  readonly resolve: (outcome: AppendOutcome) => void
  readonly reject: (error: unknown) => void
}
interface PendingAcknowledgement extends Acknowledgement {
  upTo: number
  readonly waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[]
}

const REFUSALS = { 2: 'revoked', 3: 'unknown-recipient', 4: 'stale-manifest', 5: 'full' } as const
const AGAIN = 6

export interface MailboxWriter {
  append(send: Append): Promise<AppendOutcome>
  acknowledge(acknowledgement: Acknowledgement): Promise<void>
  /** Writes what waits. */
  close(): Promise<void>
}

/**
 * Group commit: sends of many callers become one statement after a short linger, one after the other, so that sends of one device keep their order; what is
 * acknowledged rides along. While a statement runs the next batch gathers, so the batches grow with the load.
 */
export function createMailboxWriter(database: Database, { lingerMs }: { readonly lingerMs: number }): MailboxWriter {
  const write = database.statement<Row>(
    'mailbox_write_1',
    `SELECT o_send, o_kind, o_time, o_sequences FROM {s}.mailbox_write_1(${Array.from({ length: 14 }, (_, i) => `$${i + 1}`).join(', ')})`,
  )
  let queue: Job[] = []
  let queuedBytes = 0
  let acknowledgements = new Map<string, PendingAcknowledgement>()
  let timer: NodeJS.Timeout | undefined
  let lazy: NodeJS.Timeout | undefined
  let due = false
  let running: Promise<void> | undefined
  let closed = false

  /** The next batch: each send id once, since only the answer to the first tells what becomes of the second. */
  const takeMutable = (): Job[] => {
    const taken: Job[] = []
    const left: Job[] = []
    const keys = new Set<string>()
    let bytes = 0
    for (const job of queue) {
      if (keys.has(job.key) || taken.length >= MAX_SENDS || (taken.length > 0 && bytes + job.bytes > MAX_BYTES)) {
        left.push(job)
        continue
      }
      keys.add(job.key)
      bytes += job.bytes
      taken.push(job)
    }
    queue = left
    queuedBytes -= bytes
    return taken
  }
  const flush = (): void => {
    clearTimeout(timer)
    clearTimeout(lazy)
    timer = lazy = undefined
    if (running) {
      due = true
      return
    }
    const jobs = takeMutable()
    due = queue.length > 0
    const acks = [...acknowledgements.values()]
    acknowledgements = new Map()
    if (jobs.length === 0 && acks.length === 0) return
    running = run(jobs, acks).finally(() => {
      running = undefined
      if (due) flush()
    })
  }
  const execute = async (values: Buffer[]): Promise<Row[]> => {
    for (let tries = 1; ; tries++) {
      try {
        return await database.raw(write, values)
      } catch (error) {
        if (tries >= ATTEMPTS || !isTransient(error)) throw error
      }
    }
  }
  const run = async (jobs: readonly Job[], acks: readonly PendingAcknowledgement[]): Promise<void> => {
    let values: Buffer[] | undefined
    try {
      values = encodeWrite(
        jobs.map(({ send }) => send),
        acks,
      )
      settle(jobs, await execute(values))
      for (const { waiting } of acks) for (const { resolve } of waiting) resolve()
    } catch (error) {
      if ((!values || isRefused(error)) && jobs.length + acks.length > 1) {
        // One bad send must not fail its neighbours: again, each alone.
        for (const job of jobs) await run([job], [])
        for (const ack of acks) await run([], [ack])
        return
      }
      const reason = storeError(error)
      for (const { reject } of jobs) reject(reason)
      for (const { waiting } of acks) for (const { reject } of waiting) reject(reason)
    }
  }
  const settle = (jobs: readonly Job[], rows: readonly Row[]): void => {
    const again: Job[] = []
    for (const { o_send, o_kind, o_time, o_sequences } of rows) {
      const job = jobs[o_send - 1]!
      if (o_kind === AGAIN) again.push(job)
      else if (o_kind === 0) job.resolve({ kind: 'stored', time: o_time, sequences: o_sequences === '' ? [] : o_sequences.split(',').map(Number) })
      else if (o_kind === 1) job.resolve({ kind: 'repeated', time: o_time })
      else job.resolve({ kind: REFUSALS[o_kind as keyof typeof REFUSALS] })
    }
    if (again.length === 0) return
    for (const { bytes } of again) queuedBytes += bytes
    queue = [...again, ...queue]
    due = true
  }
  const refuse = (): Promise<never> =>
    Promise.reject(new SecureChatError('server/unavailable', { detail: closed ? 'store closed' : 'database does not keep up' }))

  return {
    append(send) {
      const bytes = sizeOf(send)
      if (closed || queuedBytes + bytes > MAX_WAITING_BYTES) return refuse()
      queuedBytes += bytes
      return new Promise((resolve, reject) => {
        queue.push({ send, key: `${send.sender.accountId}.${send.sender.deviceId}.${send.sendId}`, bytes, resolve, reject })
        if (lingerMs === 0 || queue.length === MAX_SENDS) flush()
        else timer ??= setTimeout(flush, lingerMs)
      })
    },
    acknowledge({ accountId, deviceId, upTo }) {
      if (closed) return refuse()
      return new Promise((resolve, reject) => {
        const key = `${accountId}.${deviceId}`
        const pending = acknowledgements.get(key)
        if (pending) {
          pending.upTo = Math.max(pending.upTo, upTo)
          pending.waiting.push({ resolve, reject })
        } else acknowledgements.set(key, { accountId, deviceId, upTo, waiting: [{ resolve, reject }] })
        if (!timer) lazy ??= setTimeout(flush, LAZY_MS)
      })
    },
    async close() {
      closed = true
      flush()
      while (running) await running
    },
  }
}
