import { type AccountId, asSecureChatError, SecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { readContact } from '../state/contacts.js'
import { PREFIX, secondPart } from '../state/keys.js'
import { firstOutbox, type OutboxRow, outboxPeers } from '../state/outbox.js'
import { backoffMs, Signal, sleep } from '../waiting.js'
import { type Changed, concludeRow, failRow, prepareRow, resetRow, transmitRow } from './deliver.js'
import { classifySendFailure, REFRESHES_AT_ONCE, type SendAction } from './failures.js'

export interface Sender {
  start(): void
  stop(): Promise<void>
  /** Something may have changed for this peer: look at once, pauses included. */
  wake(peer: AccountId): void
}

interface Worker {
  readonly signal: Signal
  pause: AbortController
  readonly done: Promise<void>
}

/**
 * Sends what is in the outbox: one worker a peer, one row at a time, so that the order is kept and a peer that fails blocks nobody else.
 * Workers come with the first row of a peer and end with the last. Commits of other tabs count too: the outbox is watched, not called.
 */
export function createSender(context: Context, { manifests, changed }: { manifests: Manifests; changed: Changed }): Sender {
  const { storage, db, network, logger, random, clock } = context
  const workers = new Map<AccountId, Worker>()
  let stopping: AbortController | undefined
  let unwatch: (() => void) | undefined

  const summon = (peer: AccountId, stopped: AbortController): void => {
    const present = workers.get(peer)
    if (present) return present.signal.wake()
    const worker = { signal: new Signal(), pause: new AbortController() }
    const done = work(peer, worker, stopped.signal).catch((error: unknown) => {
      logger.error('client.sender-failed', { code: asSecureChatError(error, 'server/internal').code })
      workers.delete(peer)
    })
    workers.set(peer, Object.assign(worker, { done }))
  }

  /** Ends when nothing is left for this peer. */
  const work = async (peer: AccountId, worker: Pick<Worker, 'signal'> & { pause: AbortController }, stopped: AbortSignal): Promise<void> => {
    let failures = 0
    let refreshes = 0
    const rest = async (milliseconds: number): Promise<void> => {
      if (stopped.aborted) return
      worker.pause = new AbortController()
      const end = (): void => worker.pause.abort()
      stopped.addEventListener('abort', end)
      await sleep(clock, milliseconds, worker.pause.signal)
      stopped.removeEventListener('abort', end)
    }
    while (!stopped.aborted) {
      await network.untilOnline(stopped)
      if (stopped.aborted) return
      let row: OutboxRow | undefined
      try {
        worker.signal.take()
        row = await firstOutbox(db, peer)
        if (!row) {
          if (worker.signal.take()) continue
          // In the same turn as the look at the signal, so that no wake-up falls between.
          workers.delete(peer)
          return
        }
        await step(row, stopped)
        failures = 0
        refreshes = 0
      } catch (cause) {
        if (stopped.aborted) return
        const { action, error } = await settle(asSecureChatError(cause, 'server/internal'), row)
        logger.debug('client.send-failed', { code: error.code, action })
        if (action === 'hold') await worker.signal.wait(stopped)
        else if (action === 'refresh' && ++refreshes <= REFRESHES_AT_ONCE) continue
        else if (action !== 'fail') await rest(backoffMs(++failures, { random, retryAfterSeconds: error.retryAfterSeconds }))
      }
    }
  }

  /** Does what a failure asks for and tells what happened; a failure in that is a failure of its own. */
  const settle = async (error: SecureChatError, row: OutboxRow | undefined): Promise<{ action: SendAction; error: SecureChatError }> => {
    const action = classifySendFailure(error)
    try {
      if (action === 'refresh' && row) await refresh(row)
      if (action === 'fail' && row) await failRow(context, row, { error, changed })
      return { action: row || action !== 'fail' ? action : 'later', error }
    } catch (cause) {
      const failed = asSecureChatError(cause, 'server/internal')
      if (action === 'refresh' && classifySendFailure(failed) === 'fail') return settle(failed, row)
      return { action: 'later', error: failed }
    }
  }

  const step = async (row: OutboxRow, stopped: AbortSignal): Promise<void> => {
    if (!row.record.recipients && row.record.expiresAt !== undefined && row.record.expiresAt < clock.now()) {
      await db.run(async (tx) => tx.delete(row.key))
      return
    }
    if ((await readContact(db, row.record.peer))?.relation === 'blocked') {
      const error = new SecureChatError('client/invalid-argument', { detail: 'the contact is blocked' })
      return failRow(context, row, { error, changed })
    }
    const prepared = await prepareRow(context, manifests, row)
    if (!prepared || stopped.aborted) return
    await transmitRow(context, prepared, stopped)
    await concludeRow(context, prepared, changed)
  }

  /** Both accounts: the server says that one of the lists is old, not which. */
  const refresh = async (row: OutboxRow): Promise<void> => {
    const { accountId } = await context.identity.self()
    await resetRow(context, row)
    await manifests.refresh(row.record.peer)
    if (row.record.recipients?.some((recipient) => recipient.accountId === accountId)) await manifests.refresh(accountId)
  }

  const summonAll = async (stopped: AbortController): Promise<void> => {
    for (const peer of await outboxPeers(db)) if (!stopped.signal.aborted) summon(peer, stopped)
  }
  const lookForAll = (stopped: AbortController): void => {
    summonAll(stopped).catch((error: unknown) => {
      logger.warn('client.outbox-unreadable', { code: asSecureChatError(error, 'storage/unavailable').code })
      void sleep(clock, backoffMs(1, { random }), stopped.signal).then(() => stopped.signal.aborted || lookForAll(stopped))
    })
  }

  return {
    start() {
      if (stopping) return
      const stopped = new AbortController()
      stopping = stopped
      unwatch = storage.watch(PREFIX.outbox, (keys) => {
        if (keys.length === 0) return lookForAll(stopped)
        for (const peer of new Set(keys.map((key) => secondPart(key) as AccountId))) summon(peer, stopped)
      })
      lookForAll(stopped)
    },
    async stop() {
      unwatch?.()
      stopping?.abort()
      stopping = undefined
      await Promise.all([...workers.values()].map(({ done }) => done))
      workers.clear()
    },
    wake(peer) {
      const worker = workers.get(peer)
      worker?.signal.wake()
      worker?.pause.abort()
      if (!worker && stopping) summon(peer, stopping)
    },
  }
}
