import type { AccountId, ConversationId, DeviceId, MessageId } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS, keyOf, PREFIX, prefixOf } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

/** What healing remembers (docs/protocol/14-healing.md): what is missed, what was asked and answered, what is held to be sent again. */
export interface Device {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
}

const deviceId = z.custom<DeviceId>((value) => typeof value === 'number')

const wanted = defineRecord(
  'wanted',
  z.looseObject({
    /** Of the envelope that could not be read. */
    hash: bytes,
    /** Of the session that it named. */
    tag: z.optional(bytes),
    at: count,
    /** Its place in the conversation, kept free by a placeholder; absent for copies of own messages. */
    slot: z.optional(z.looseObject({ conversation: id<ConversationId>(), placeholder: id<MessageId>(), order: count })),
  }),
)
export type WantedRecord = ReturnType<typeof wanted.decode>
export type Slot = NonNullable<WantedRecord['slot']>

const retry = defineRecord(
  'retry',
  z.looseObject({
    /** When we last asked, how often without an answer, the time in the newest request, and its outbox row. */
    askedAt: count,
    tries: count,
    requestTime: count,
    outbox: z.optional(z.string()),
    /** When we last answered, and the time in the newest request that was judged. */
    answeredAt: count,
    newestRequest: count,
  }),
)
export type RetryRecord = ReturnType<typeof retry.decode>

const renewals = defineRecord(
  'renewals',
  z.looseObject({
    due: z.array(z.looseObject({ accountId: id<AccountId>(), deviceId, /** Next generation of the record when it became due. */ above: count })),
  }),
)
export type Renewal = ReturnType<typeof renewals.decode>['due'][number]

const sent = defineRecord(
  'sent',
  z.looseObject({
    peer: id<AccountId>(),
    conversation: id<ConversationId>(),
    type: z.string(),
    /** The encoded body as it was sent; absent for what is not worth sending again, and for what was deleted. */
    common: z.optional(bytes),
    message: z.optional(id<MessageId>()),
    target: z.optional(id<MessageId>()),
    at: count,
    /** Every envelope in which it went out. */
    copies: z.array(z.looseObject({ accountId: id<AccountId>(), deviceId, hash: bytes })),
  }),
)
export type SentRecord = ReturnType<typeof sent.decode>

const NEVER: RetryRecord = { askedAt: 0, tries: 0, requestTime: 0, answeredAt: 0, newestRequest: 0 }

export const readRetry = async (reader: Reader, device: Device): Promise<RetryRecord> =>
  (await retry.read(reader, keyOf.retry(device.accountId, device.deviceId))) ?? NEVER
export const writeRetry = (tx: Transaction, { accountId, deviceId }: Device, value: RetryRecord): void =>
  retry.write(tx, keyOf.retry(accountId, deviceId), value)

/** Under the sequence in the mailbox: a row that comes twice is missed once. */
export const writeWanted = (tx: Transaction, { accountId, deviceId }: Device, { sequence, record }: { sequence: number; record: WantedRecord }): void =>
  wanted.write(tx, keyOf.wanted(accountId, deviceId, sequence), record)

/** Oldest first. Reads past the transaction, since it is only ever looked at and then deleted. */
export async function listWanted(reader: Reader, device: Device, limit: number): Promise<{ key: string; record: WantedRecord }[]> {
  const entries = await reader.list(prefixOf.wanted(device.accountId, device.deviceId), { limit })
  return entries.map(({ key, value }) => ({ key, record: wanted.decode(value) }))
}

/** Devices of which something is missed. One read each, however much it is. */
export async function wantedDevices(reader: Reader): Promise<Device[]> {
  const devices: Device[] = []
  for (let after: string = PREFIX.wanted; ; ) {
    const [entry] = await reader.list(PREFIX.wanted, { after, limit: 1 })
    if (!entry) return devices
    const [accountId, number] = entry.key.slice(PREFIX.wanted.length).split('/') as [AccountId, string]
    const device = { accountId, deviceId: Number(number) as DeviceId }
    devices.push(device)
    // '~' comes behind every digit.
    after = `${prefixOf.wanted(accountId, device.deviceId)}~`
  }
}

/** Devices for which the next message starts a new session. */
export const readRenewals = async (reader: Reader): Promise<readonly Renewal[]> => (await renewals.read(reader, KEYS.renewals))?.due ?? []

export function writeRenewals(tx: Transaction, due: readonly Renewal[]): void {
  if (due.length === 0) tx.delete(KEYS.renewals)
  else renewals.write(tx, KEYS.renewals, { due: due.map((entry) => ({ ...entry })) })
}

/** Where the outbox row of this key is held once it is sent. */
export const sentKey = (outboxKey: string): string => PREFIX.sent + outboxKey.slice(PREFIX.outbox.length)
export const readSent = (reader: Reader, key: string): Promise<SentRecord | undefined> => sent.read(reader, key)
export const writeSent = (tx: Transaction, key: string, value: SentRecord): void => sent.write(tx, key, value)
export const decodeSent = sent.decode
