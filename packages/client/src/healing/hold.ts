import { envelopeHash } from '@securechat/crypto'
import { type AccountId, equalPublicBytes, LIMITS } from '@securechat/protocol'
import type { Context, Self } from '../context.js'
import type { Reader, Transaction } from '../state/database.js'
import { type Device, decodeSent, readSent, type SentRecord, sentKey, writeSent } from '../state/healing.js'
import { PREFIX, prefixOf } from '../state/keys.js'
import { type OutboxRow, preparedOutbox } from '../state/outbox.js'

/** Outbox rows that ask another device to send again. */
export const RETRY_TYPE = 'retry-request'
/** They say something about their moment only: who misses one is told that there is nothing. */
const NOT_HELD: readonly string[] = ['typing', 'empty']
/** Copies of one message that are remembered for a device; older ones are not asked for any more. */
const COPIES_OF_A_DEVICE = 4
/** Sent messages of one peer that are looked through for a request, and kept by the daily sweep. */
export const HELD_PER_PEER = 1_000

const sameDevice = (a: Device, b: Device): boolean => a.accountId === b.accountId && a.deviceId === b.deviceId

/** An outbox row as it will be held. */
function asSent(context: Pick<Context, 'provider'>, { record }: OutboxRow): SentRecord {
  const { peer, conversation, type, common, message, target, queuedAt, recipients = [] } = record
  return {
    peer,
    conversation,
    type,
    at: queuedAt,
    copies: recipients.map(({ accountId, deviceId, envelope }) => ({ accountId, deviceId, hash: envelopeHash(context.provider, envelope) })),
    ...(!NOT_HELD.includes(type) && { common }),
    ...(message && { message }),
    ...(target && { target }),
  }
}

/**
 * In the commit that takes a sent row out of the outbox: its body is kept, with the hashes of the envelopes it went out in. Gives where; a row
 * that was itself sent again is added to what it repeats.
 */
export async function holdSent(context: Context, tx: Transaction, row: OutboxRow): Promise<string | undefined> {
  const { type, recipients, sent: repeats } = row.record
  if (type === RETRY_TYPE || !recipients || recipients.length === 0) return undefined
  const made = asSent(context, row)
  if (repeats === undefined) {
    const key = sentKey(row.key)
    writeSent(tx, key, made)
    return key
  }
  const before = await readSent(tx, repeats)
  const [copy] = made.copies
  if (before && copy) {
    const ofDevice = before.copies.filter((other) => sameDevice(other, copy)).slice(1 - COPIES_OF_A_DEVICE)
    writeSent(tx, repeats, { ...before, copies: [...before.copies.filter((other) => !sameDevice(other, copy)), ...ofDevice, copy] })
  }
  return undefined
}

/** The text is gone here, so it is not sent again either; that there was something is still known. */
export async function forgetBody(tx: Transaction, key: string): Promise<void> {
  const before = await readSent(tx, key)
  if (!before) return
  const { common: _, ...rest } = before
  writeSent(tx, key, rest)
}

export interface Held {
  /** Where it is held, now or once it has left the outbox. */
  readonly key: string
  readonly record: SentRecord
  /** Hashes of the copies for the device. */
  readonly hashes: readonly Uint8Array[]
}

/** What was first addressed to this very device and is still held, oldest first. `reader` looks past an open transaction: it is much and changes nothing. */
export async function heldFor(context: Context, reader: Reader, { self, device }: { self: Self; device: Device }): Promise<Held[]> {
  const own = device.accountId === self.accountId
  const [sentPrefix, outboxPrefix] = own ? [PREFIX.sent, PREFIX.outbox] : [prefixOf.sent(device.accountId), prefixOf.outbox(device.accountId)]
  const oldest = context.clock.now() - LIMITS.retryDays * 86_400_000
  const found: Held[] = []
  const take = (key: string, record: SentRecord): void => {
    const hashes = record.copies.filter((copy) => sameDevice(copy, device)).map(({ hash }) => hash)
    if (hashes.length > 0 && record.at >= oldest) found.push({ key, record, hashes })
  }
  const entries = await reader.list(sentPrefix, { limit: HELD_PER_PEER, reverse: true })
  for (const { key, value } of entries.reverse()) take(key, decodeSent(value))
  for (const row of await preparedOutbox(reader, outboxPrefix, HELD_PER_PEER)) {
    // A repetition on its way belongs to what it repeats, which is in the list.
    if (row.record.type !== RETRY_TYPE && row.record.sent === undefined) take(sentKey(row.key), asSent(context, row))
  }
  return own ? found.sort((a, b) => a.record.at - b.record.at) : found
}

/**
 * What is sent again for a request: what it names, everything that went out behind the newest of these (it was on its way while the request
 * was), and changes of a message that is among it. Empty where it names nothing that this device sent to that one.
 */
export function chosenFor(held: readonly Held[], named: readonly Uint8Array[]): readonly Held[] {
  const isNamed = ({ hashes }: Held): boolean => hashes.some((hash) => named.some((other) => equalPublicBytes(hash, other)))
  const newest = held.findLastIndex(isNamed)
  if (newest < 0) return []
  const ids = new Set<string>()
  const chosen = held.filter((entry, index) => {
    const { message, target } = entry.record
    const taken = index > newest || isNamed(entry) || (target !== undefined && ids.has(target))
    if (taken && message) ids.add(message)
    return taken
  })
  return chosen.slice(0, LIMITS.retryMessages)
}

/** Peers with held bodies. One read each. */
export async function sentPeers(reader: Reader): Promise<AccountId[]> {
  const peers: AccountId[] = []
  for (let after: string = PREFIX.sent; ; ) {
    const [entry] = await reader.list(PREFIX.sent, { after, limit: 1 })
    if (!entry) return peers
    const peer = entry.key.slice(PREFIX.sent.length).split('/', 1)[0] as AccountId
    peers.push(peer)
    after = `${prefixOf.sent(peer)}~`
  }
}
