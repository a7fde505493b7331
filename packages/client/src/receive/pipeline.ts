import { peekEnvelope } from '@securechat/crypto'
import { type AccountId, asSecureChatError, isSecureChatError, type MailboxRow } from '@securechat/protocol'
import type { Context } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { readCursor } from '../state/inbox.js'
import { readPins } from '../state/pins.js'
import { backoffMs, Signal, sleep } from '../waiting.js'
import type { Effects } from './apply.js'
import { applyBatch } from './batch.js'

export interface Receiver {
  start(): void
  stop(): Promise<void>
  /** Rows from the connection, ascending; those that were delivered before are skipped. */
  deliver(rows: readonly MailboxRow[]): void
  /** Nothing waits to be applied. */
  readonly idle: boolean
  /** The connection was replaced or the situation has changed: do not wait any longer. */
  wake(): void
  onIdle(listener: () => void): void
}

/** Rows in one commit. More would keep a message that the user sends meanwhile waiting. */
const BATCH_ROWS = 64
/** A row on which the code itself fails so often is given up: it must not stop the mailbox for ever. */
const CODE_FAILURES = 3

export interface ReceiverParts {
  readonly manifests: Manifests
  readonly effects: Effects
  /** Before keys move; rejects where they must not yet. */
  readonly ready: () => Promise<void>
}

/** In order: apply a batch in one commit, THEN acknowledge it. What the network or the store cannot do now is tried again, unacknowledged. */
export function createReceiver(context: Context, { manifests, effects, ready }: ReceiverParts): Receiver {
  const { db, clock, random, logger, network, provider } = context
  const signal = new Signal()
  const settleAnyway = new Set<number>()
  const stalled = new Set<string>()
  let queue: MailboxRow[] = []
  let highest = 0
  let codeFailures = 0
  let stopping: AbortController | undefined
  let pause = new AbortController()
  let done: Promise<void> = Promise.resolve()
  let idleListener = (): void => {}

  const step = async (): Promise<void> => {
    await ready()
    const self = await context.identity.self()
    const rows = queue.slice(0, BATCH_ROWS)
    let outcome: Awaited<ReturnType<typeof applyBatch>>
    try {
      outcome = await db.run((tx) => applyBatch(context, tx, { rows, self, effects, manifests, settleAnyway, stalled }))
    } catch (error) {
      if (!isSecureChatError(error) || !error.code.startsWith('storage/')) noteCodeFailure(rows)
      throw error
    }
    codeFailures = 0
    queue = queue.slice(outcome.settled)
    for (const row of rows.slice(0, outcome.settled)) settleAnyway.delete(row.sequence)
    if (outcome.settled > 0) network.connection.acknowledge(await readCursor(db))
    if (outcome.stale) await fetchFor(outcome.stale.row, self.accountId)
  }

  /** Which row of a batch it was is not known: from then on one at a time, until the first of them is it. */
  const noteCodeFailure = (rows: readonly MailboxRow[]): void => {
    if (++codeFailures < CODE_FAILURES) return
    codeFailures = 0
    for (const row of rows) settleAnyway.add(row.sequence)
  }

  /** Fetches the lists that a row names. What the server does not have, or shows wrongly, will not come by waiting: the row is settled without. */
  const fetchFor = async (row: MailboxRow, self: AccountId): Promise<void> => {
    const accounts = row.sender && row.sender.accountId !== self ? [row.sender.accountId] : []
    const own = await readPins(db, provider, self)
    if (row.sender?.accountId === self || namesNewerOwn(row, own?.pin.manifest.version ?? 0)) accounts.push(self)
    for (const accountId of accounts) {
      try {
        await manifests.refresh(accountId)
      } catch (error) {
        const typed = asSecureChatError(error, 'server/internal')
        if (typed.retry === 'later' || typed.retry === 'now' || typed.code.startsWith('auth/')) throw typed
      }
    }
    settleAnyway.add(row.sequence)
  }

  const loop = async (stopped: AbortSignal): Promise<void> => {
    for (let failures = 0; !stopped.aborted; ) {
      if (queue.length === 0) {
        idleListener()
        await signal.wait(stopped)
        continue
      }
      try {
        await step()
        failures = 0
      } catch (error) {
        if (stopped.aborted) return
        const typed = asSecureChatError(error, 'server/internal')
        logger.warn('client.receive-failed', { code: typed.code })
        pause = new AbortController()
        const end = (): void => pause.abort()
        stopped.addEventListener('abort', end)
        await sleep(clock, backoffMs(++failures, { random, retryAfterSeconds: typed.retryAfterSeconds }), pause.signal)
        stopped.removeEventListener('abort', end)
      }
    }
  }

  return {
    start() {
      if (stopping) return
      stopping = new AbortController()
      done = loop(stopping.signal)
    },
    async stop() {
      stopping?.abort()
      stopping = undefined
      await done
      // They are not acknowledged and come again.
      queue = []
      highest = 0
      stalled.clear()
    },
    deliver(rows) {
      if (!stopping) return
      const fresh = rows.filter(({ sequence }) => sequence > highest)
      if (fresh.length === 0) return
      queue.push(...fresh)
      highest = fresh[fresh.length - 1]!.sequence
      signal.wake()
    },
    get idle() {
      return queue.length === 0
    },
    wake: () => pause.abort(),
    onIdle(listener) {
      idleListener = listener
    },
  }
}

function namesNewerOwn({ envelope }: MailboxRow, version: number): boolean {
  try {
    const peek = peekEnvelope(envelope)
    return peek.kind === 'preKeyMessage' && peek.recipientManifest.version > version
  } catch {
    // Malformed: it will be refused for that.
    return false
  }
}
