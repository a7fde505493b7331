import { believedDevices, createRetryRequest } from '@securechat/crypto'
import { LIMITS } from '@securechat/protocol'
import { type Context, cryptoDeps, directConversationId, newMessageId, type Self } from '../context.js'
import { readContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'
import { type Device, listWanted, readRetry, writeRetry } from '../state/healing.js'
import { addOutbox, type OutboxRow, readOutbox, writeOutbox } from '../state/outbox.js'
import { readPins } from '../state/pins.js'
import { RETRY_TYPE } from './hold.js'

const DAY = 86_400_000
const NOTHING = new Uint8Array(0)
/** Whoever does not answer is asked at longer and longer intervals, up to a day. */
const LONGEST_INTERVAL_MS = DAY

const intervalAfter = (tries: number): number => Math.min(LIMITS.retryIntervalMs * 2 ** Math.min(Math.max(tries - 1, 0), 8), LONGEST_INTERVAL_MS)

/**
 * Queues a request to a device of which something is missed, at most one an hour; the counter is written in the same commit. Gives when it is
 * worth looking again; undefined: nothing is missed any more.
 */
export async function askAgain(context: Context, tx: Transaction, { self, device }: { self: Self; device: Device }): Promise<number | undefined> {
  const now = context.clock.now()
  const missing = await listWanted(tx, device, LIMITS.retryEnvelopes)
  const late = missing.filter(({ record }) => now - record.at > LIMITS.retryDays * DAY)
  // Held nowhere any more. The placeholder stays.
  for (const { key } of late) tx.delete(key)
  const [oldest] = missing.slice(late.length)
  if (!oldest) return late.length > 0 ? now : undefined
  const state = await readRetry(tx, device)
  const dueAt = state.askedAt === 0 ? 0 : state.askedAt + intervalAfter(state.tries)
  if (now < dueAt) return dueAt
  const queued = state.outbox !== undefined && (await readOutbox(tx, state.outbox)) !== undefined
  if (!queued) {
    const outbox = await addOutbox(tx, {
      peer: device.accountId,
      conversation: directConversationId(context.provider, self.accountId, device.accountId),
      type: RETRY_TYPE,
      common: NOTHING,
      sendId: newMessageId(context),
      queuedAt: now,
      device: { accountId: device.accountId, deviceId: device.deviceId },
    })
    writeRetry(tx, device, { ...state, askedAt: now, tries: state.tries + 1, outbox })
  }
  return now + LIMITS.retryIntervalMs
}

/**
 * Names and signs what is missed at this moment, in the commit from which on these bytes are sent and nothing else. undefined: nothing is
 * missed any more, or the device is not one to ask; the row is gone.
 */
export async function prepareRequest(context: Context, row: OutboxRow): Promise<OutboxRow | undefined> {
  const { db, provider, clock } = context
  const self = await context.identity.self()
  return db.run(async (tx) => {
    const record = await readOutbox(tx, row.key)
    if (!record?.device || record.recipients) return record && { key: row.key, record }
    const { device } = record
    const pins = await readPins(tx, provider, device.accountId)
    const believed = pins && !pins.candidate && believedDevices(pins.pin).some(({ deviceId }) => deviceId === device.deviceId)
    const welcome = device.accountId === self.accountId || (await readContact(tx, device.accountId))?.relation === 'accepted'
    const missing = await listWanted(tx, device, LIMITS.retryEnvelopes)
    const newest = missing.at(-1)
    if (!believed || !welcome || !newest) {
      tx.delete(row.key)
      return undefined
    }
    const state = await readRetry(tx, device)
    const time = Math.max(clock.now(), state.requestTime + 1)
    const envelope = createRetryRequest(cryptoDeps(context), {
      local: self,
      peer: device,
      envelopes: missing.map(({ record: { hash } }) => hash),
      sessionTag: newest.record.tag,
      time,
    })
    writeRetry(tx, device, { ...state, requestTime: time })
    const recipients = [{ accountId: device.accountId, deviceId: device.deviceId, manifestVersion: pins.pin.manifest.version, envelope }]
    const next: OutboxRow = { key: row.key, record: { ...record, recipients } }
    writeOutbox(tx, next)
    return next
  })
}
