import { SecureChatError } from '../errors.js'
import { type AccountId, type DeviceId, ID_BYTES, idToBytes, type MessageId, type Timestamp, toBase64Url } from '../ids.js'
import { LIMITS } from '../limits.js'
import { readU16, readU32, readU64, writeU32, writeU64 } from '../transcript.js'

/**
 * The hot path has fixed layouts, no msgpack.
 *
 *   send        = u8 1 ‖ sendId 16 ‖ u32 bodyLength ‖ body ‖ u16 n ‖ n × (account 16 ‖ u32 device ‖ u32 manifestVersion ‖ u32 length ‖ envelope)
 *   deliver     = u8 1 ‖ u16 n ‖ n × row
 *   row         = u64 sequence ‖ u64 time ‖ u8 flags ‖ [sender account 16 ‖ u32 sender device] ‖ u32 length ‖ envelope ‖ u32 bodyLength ‖ body
 *   flags       bit 0: the sender is named (absent: sealed sender, later). Other bits are zero.
 *   sent, acknowledge = u64
 *
 * `body` is one ciphertext for all recipients (docs/protocol/09-bodies-and-franking.md); empty where it is not used.
 */
const LAYOUT = 1
const NO_BODY = new Uint8Array(0)

export interface SendRecipient {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  /** Manifest version of the recipient's account that the sender encrypted to; a newer one at the server refuses the send. */
  readonly manifestVersion: number
  readonly envelope: Uint8Array
}
export interface SendFrame {
  /** Client id: a repeated send with the same id from one device is answered again and stored once. */
  readonly sendId: MessageId
  readonly body?: Uint8Array
  readonly recipients: readonly SendRecipient[]
}
export interface MailboxRow {
  /** Ascending in one mailbox, never reused; gaps are allowed. */
  readonly sequence: number
  /** When the server stored it. */
  readonly time: Timestamp
  readonly sender?: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  readonly envelope: Uint8Array
  readonly body?: Uint8Array
}

const malformed = (detail: string): never => {
  throw new SecureChatError('protocol/malformed', { detail })
}

class Reader {
  at = 0
  constructor(readonly bytes: Uint8Array) {}
  need(n: number): number {
    if (n > this.bytes.length - this.at) malformed('truncated')
    const at = this.at
    this.at += n
    return at
  }
  // Methods and not arrow fields: one reader is made per frame, and fields would be closures made with it.
  u8(): number {
    return this.bytes[this.need(1)]!
  }
  u16(): number {
    return readU16(this.bytes, this.need(2))
  }
  u32(): number {
    return readU32(this.bytes, this.need(4))
  }
  u64(): number {
    return readU64(this.bytes, this.need(8))
  }
  slice(n: number): Uint8Array {
    const at = this.need(n)
    return this.bytes.subarray(at, at + n)
  }
  id<Id extends string>(): Id {
    return toBase64Url(this.slice(ID_BYTES)) as Id
  }
  device(): DeviceId {
    const value = this.u32()
    if (value === 0) malformed('device id')
    return value as DeviceId
  }
  envelope(): Uint8Array {
    const n = this.u32()
    if (n > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
    return this.slice(n)
  }
  layout(): void {
    if (this.u8() !== LAYOUT) throw new SecureChatError('protocol/unsupported-version', { detail: 'mailbox layout' })
  }
  end(): void {
    if (this.at !== this.bytes.length) malformed('surplus bytes')
  }
}

export function encodeSend(send: SendFrame): Uint8Array {
  const body = send.body ?? NO_BODY
  if (send.recipients.length > LIMITS.recipientsPerSend) throw new SecureChatError('protocol/too-large', { detail: 'recipients' })
  let size = 1 + ID_BYTES + 4 + body.length + 2
  for (const { envelope } of send.recipients) size += ID_BYTES + 12 + envelope.length
  const out = new Uint8Array(size)
  out[0] = LAYOUT
  out.set(idToBytes(send.sendId), 1)
  writeU32(out, 17, body.length)
  out.set(body, 21)
  let at = 21 + body.length
  out[at] = send.recipients.length >> 8
  out[at + 1] = send.recipients.length & 0xff
  at += 2
  for (const { accountId, deviceId, manifestVersion, envelope } of send.recipients) {
    out.set(idToBytes(accountId), at)
    writeU32(out, at + 16, deviceId)
    writeU32(out, at + 20, manifestVersion)
    writeU32(out, at + 24, envelope.length)
    out.set(envelope, at + 28)
    at += 28 + envelope.length
  }
  return out
}

/** The byte strings are views into `bytes`. Throws `protocol/malformed`, `protocol/too-large`, `protocol/unsupported-version`. */
export function decodeSend(bytes: Uint8Array): SendFrame {
  const reader = new Reader(bytes)
  reader.layout()
  const sendId = reader.id<MessageId>()
  const body = reader.envelope()
  const count = reader.u16()
  if (count === 0 || count > LIMITS.recipientsPerSend) malformed('recipients')
  const recipients: SendRecipient[] = []
  for (let i = 0; i < count; i++) {
    recipients.push({ accountId: reader.id<AccountId>(), deviceId: reader.device(), manifestVersion: reader.u32(), envelope: reader.envelope() })
  }
  reader.end()
  return body.length > 0 ? { sendId, body, recipients } : { sendId, recipients }
}

/** Bytes that `writeDeliver` writes. */
export function deliverLength(rows: readonly MailboxRow[]): number {
  let size = 3
  for (const row of rows) size += 17 + (row.sender ? 20 : 0) + 8 + row.envelope.length + (row.body?.length ?? 0)
  return size
}

/** Writes a deliver body at `at` of a buffer of the caller, who on a busy server has one for many frames. */
export function writeDeliver(out: Uint8Array, start: number, rows: readonly MailboxRow[]): void {
  out[start] = LAYOUT
  out[start + 1] = rows.length >> 8
  out[start + 2] = rows.length & 0xff
  let at = start + 3
  for (const row of rows) {
    writeU64(out, at, row.sequence)
    writeU64(out, at + 8, row.time)
    out[at + 16] = row.sender ? 1 : 0
    at += 17
    if (row.sender) {
      out.set(idToBytes(row.sender.accountId), at)
      writeU32(out, at + 16, row.sender.deviceId)
      at += 20
    }
    writeU32(out, at, row.envelope.length)
    out.set(row.envelope, at + 4)
    at += 4 + row.envelope.length
    const body = row.body ?? NO_BODY
    writeU32(out, at, body.length)
    out.set(body, at + 4)
    at += 4 + body.length
  }
}

export function encodeDeliver(rows: readonly MailboxRow[]): Uint8Array {
  const out = new Uint8Array(deliverLength(rows))
  writeDeliver(out, 0, rows)
  return out
}

/** The byte strings are views into `bytes`. Sequences ascend strictly. Throws as `decodeSend`. */
export function decodeDeliver(bytes: Uint8Array): MailboxRow[] {
  const reader = new Reader(bytes)
  reader.layout()
  const count = reader.u16()
  const rows: MailboxRow[] = []
  let last = -1
  for (let i = 0; i < count; i++) {
    const sequence = reader.u64()
    if (sequence <= last) malformed('sequence')
    last = sequence
    const time = reader.u64()
    if (time > LIMITS.latestTime) malformed('time')
    const flags = reader.u8()
    if (flags > 1) malformed('row flags')
    const sender = flags === 1 ? { accountId: reader.id<AccountId>(), deviceId: reader.device() } : undefined
    const envelope = reader.envelope()
    const body = reader.envelope()
    rows.push({ sequence, time, envelope, ...(sender && { sender }), ...(body.length > 0 && { body }) })
  }
  reader.end()
  return rows
}

export function encodeCounter(value: number): Uint8Array {
  const out = new Uint8Array(8)
  writeU64(out, 0, value)
  return out
}

export function decodeCounter(bytes: Uint8Array): number {
  if (bytes.length !== 8) malformed('counter')
  return readU64(bytes, 0)
}
