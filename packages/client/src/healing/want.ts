import { believedDevices, envelopeHash, sessionTagOf } from '@securechat/crypto'
import { equalPublicBytes, type MailboxRow, type SecureChatError } from '@securechat/protocol'
import { type Context, directConversationId, type Self } from '../context.js'
import { readContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'
import { type Device, listWanted, readRetry, type Slot, writeRetry, writeWanted } from '../state/healing.js'
import type { MessageRecord } from '../state/messages.js'
import { readPins } from '../state/pins.js'
import { reserveSlot, takeSlot } from './slots.js'

/** Envelopes of one device that are missed at a time; what comes above that is shown and not asked for. */
const WANTED_LIMIT = 256

export interface Wanted {
  /** A row that is to be told of; absent where it is counted in one that is there. */
  readonly placeholder?: MessageRecord
}

/**
 * Notes in the commit of a row that it could not be read and is to be asked for, and keeps its place. undefined: nobody is asked. Only devices
 * of the believed list are, and only those of accepted contacts: a request tells that somebody is here. It resets nothing.
 */
export async function wantAgain(
  context: Context,
  tx: Transaction,
  { self, row, error }: { self: Self; row: MailboxRow; error: SecureChatError },
): Promise<Wanted | undefined> {
  const { sender, sequence, envelope } = row
  if (!sender) return undefined
  const mine = sender.accountId === self.accountId
  if (!mine && (await readContact(tx, sender.accountId))?.relation !== 'accepted') return undefined
  const pins = await readPins(tx, context.provider, sender.accountId)
  if (!pins || pins.candidate || !believedDevices(pins.pin).some(({ deviceId }) => deviceId === sender.deviceId)) return undefined
  if ((await listWanted(tx, sender, WANTED_LIMIT)).length >= WANTED_LIMIT) return undefined
  const hash = envelopeHash(context.provider, envelope)
  const tag = sessionTagOf(envelope)
  const reserved = mine
    ? undefined
    : await reserveSlot(context, tx, {
        id: directConversationId(context.provider, self.accountId, sender.accountId),
        sender: sender.accountId,
        sentAt: row.time,
        code: error.code,
      })
  writeWanted(tx, sender, { sequence, record: { hash, at: context.clock.now(), ...(tag && { tag }), ...(reserved && { slot: reserved.slot }) } })
  return reserved?.placeholder ? { placeholder: reserved.placeholder } : {}
}

/** Most copies of one message that a resent one may name. */
const NAMED = 8

/**
 * What was missed has come, under new keys: the peer says which envelopes the message stands for. Gives the place that was kept for it, if
 * it is one of a conversation. The word of an authenticated device about its own messages, and worth no more than that.
 */
export async function settleWanted(
  tx: Transaction,
  { sender, hashes, now }: { sender: Device; hashes: readonly Uint8Array[]; now: number },
): Promise<Slot | undefined> {
  if (hashes.length === 0 || hashes.length > NAMED) return undefined
  let place: Slot | undefined
  let settled = false
  for (const { key, record } of await listWanted(tx, sender, WANTED_LIMIT)) {
    if (!hashes.some((hash) => equalPublicBytes(hash, record.hash))) continue
    // A list does not see what was deleted in this very commit.
    if ((await tx.get(key)) === undefined) continue
    tx.delete(key)
    settled = true
    if (record.slot && (await takeSlot(tx, record.slot))) place ??= record.slot
  }
  // The peer answers once an hour too, and counts from its answer.
  if (settled) writeRetry(tx, sender, { ...(await readRetry(tx, sender)), tries: 0, askedAt: now })
  return place
}
