import { type AccountId, type DeviceId, decodeValue, encodeValue, ID_BYTES, idFromBytes, idToBytes, isDeviceId, isIdText } from '@securechat/protocol'
import type { BusMessage } from '@securechat/server'

/**
 * What one node publishes at once: version 1, the node's id (16 bytes), then messages one after the other.
 * - 1: a stored row: account (16), device (u32), sequence (u64, below 2^53). The frequent one.
 * - 2: any other: length (u32), msgpack of the message.
 */
const VERSION = 1
const MAILBOX = 1
const OTHER = 2
const MAILBOX_BYTES = 1 + ID_BYTES + 4 + 8
const HIGH = 0x100000000

export function encodeBatch(node: Uint8Array, messages: readonly BusMessage[]): Buffer {
  const others = new Map<BusMessage, Uint8Array>()
  let size = 1 + ID_BYTES
  for (const message of messages) {
    if (message.type === 'mailbox') {
      size += MAILBOX_BYTES
      continue
    }
    const bytes = encodeValue(message)
    others.set(message, bytes)
    size += 5 + bytes.length
  }
  const out = Buffer.allocUnsafe(size)
  let at = out.writeUInt8(VERSION, 0)
  out.set(node, at)
  at += ID_BYTES
  for (const message of messages) {
    if (message.type === 'mailbox') {
      at = out.writeUInt8(MAILBOX, at)
      out.set(idToBytes(message.accountId), at)
      at = out.writeUInt32BE(message.deviceId, at + ID_BYTES)
      at = out.writeUInt32BE(Math.floor(message.sequence / HIGH), at)
      at = out.writeUInt32BE(message.sequence % HIGH, at)
      continue
    }
    const bytes = others.get(message)!
    at = out.writeUInt8(OTHER, at)
    at = out.writeUInt32BE(bytes.length, at)
    out.set(bytes, at)
    at += bytes.length
  }
  return out
}

/** `undefined` for what is no batch of this version. Messages of a kind that is not known here (a newer node's) are left out. */
export function decodeBatch(bytes: Buffer): { readonly node: Buffer; readonly messages: BusMessage[] } | undefined {
  if (bytes.length < 1 + ID_BYTES || bytes[0] !== VERSION) return undefined
  const messages: BusMessage[] = []
  try {
    for (let at = 1 + ID_BYTES; at < bytes.length; ) {
      const kind = bytes.readUInt8(at++)
      if (kind === MAILBOX) {
        const accountId = idFromBytes<AccountId>(bytes.subarray(at, at + ID_BYTES))
        const deviceId = bytes.readUInt32BE(at + ID_BYTES) as DeviceId
        const sequence = bytes.readUInt32BE(at + ID_BYTES + 4) * HIGH + bytes.readUInt32BE(at + ID_BYTES + 8)
        messages.push({ type: 'mailbox', accountId, deviceId, sequence })
        at += MAILBOX_BYTES - 1
        continue
      }
      if (kind !== OTHER) return undefined
      const length = bytes.readUInt32BE(at)
      at += 4
      if (at + length > bytes.length) return undefined
      const message = decodeValue(bytes.subarray(at, at + length))
      if (isOther(message)) messages.push(message)
      at += length
    }
  } catch {
    // Cut off, or not msgpack.
    return undefined
  }
  return { node: bytes.subarray(1, 1 + ID_BYTES), messages }
}

function isOther(value: unknown): value is BusMessage {
  if (typeof value !== 'object' || value === null) return false
  const { type, accountId, deviceId, sessionId, connection, event } = value as Record<string, unknown>
  if (type === 'missed') return true
  if (!isIdText(accountId) || (deviceId !== undefined && !isDeviceId(deviceId))) return false
  if (type === 'revoked') return sessionId === undefined || typeof sessionId === 'string'
  if (type === 'connected') return deviceId !== undefined && typeof connection === 'string'
  return type === 'event' && typeof (event as { type?: unknown } | undefined)?.type === 'string'
}
