import { SecureChatError } from './errors.js'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** 16 random bytes as base64url without padding (22 characters). */
export type AccountId = Brand<string, 'AccountId'>
/** u32, unique in its account and never reused, not even after revocation. 0 is not a device. */
export type DeviceId = Brand<number, 'DeviceId'>
/** 16 random bytes as base64url; chosen by the sender, the same on every copy of a message. */
export type MessageId = Brand<string, 'MessageId'>
/** 16 random bytes as base64url; of a one-to-one chat it is derived from the two accounts by the client. */
export type ConversationId = Brand<string, 'ConversationId'>
/** Milliseconds since 1970-01-01 UTC; u64 on the wire. */
export type Timestamp = number

export const ID_BYTES = 16
const ID_LENGTH = 22
const ID_TEXT = /^[A-Za-z0-9_-]{21}[AQgw]$/

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Int16Array(128).fill(-1)
for (let i = 0; i < 64; i++) VALUES[ALPHABET.charCodeAt(i)] = i

/** RFC 4648 section 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = ''
  let i = 0
  for (; i + 2 < bytes.length; i += 3) {
    const n = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text += ALPHABET[n >> 18]! + ALPHABET[(n >> 12) & 63]! + ALPHABET[(n >> 6) & 63]! + ALPHABET[n & 63]!
  }
  if (bytes.length - i === 1) {
    const n = bytes[i]! << 16
    text += ALPHABET[n >> 18]! + ALPHABET[(n >> 12) & 63]!
  } else if (bytes.length - i === 2) {
    const n = (bytes[i]! << 16) | (bytes[i + 1]! << 8)
    text += ALPHABET[n >> 18]! + ALPHABET[(n >> 12) & 63]! + ALPHABET[(n >> 6) & 63]!
  }
  return text
}

/** Strict: the alphabet of RFC 4648 section 5, no padding, unused bits zero. Throws `protocol/malformed`. */
export function fromBase64Url(text: string): Uint8Array {
  const rest = text.length % 4
  if (rest === 1) throw new SecureChatError('protocol/malformed', { detail: 'base64url length' })
  const bytes = new Uint8Array((text.length * 3) >> 2)
  let at = 0
  let held = 0
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? VALUES[code]! : -1
    if (value < 0) throw new SecureChatError('protocol/malformed', { detail: 'base64url alphabet' })
    held = (held << 6) | value
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new SecureChatError('protocol/malformed', { detail: 'base64url tail' })
  return bytes
}

export const isIdText = (text: unknown): text is string => typeof text === 'string' && ID_TEXT.test(text)

/** 16 bytes → text id. Throws `protocol/malformed` on another length. */
export function idFromBytes<Id extends AccountId | MessageId | ConversationId>(bytes: Uint8Array): Id {
  if (bytes.length !== ID_BYTES) throw new SecureChatError('protocol/malformed', { detail: 'id length' })
  return toBase64Url(bytes) as Id
}

/** Text id → 16 bytes. Throws `protocol/malformed` unless it is the canonical text of 16 bytes. */
export function idToBytes(id: string): Uint8Array {
  // `fromBase64Url` is strict, so with the length every id is judged as `isIdText` would; this is on the way of every message.
  if (typeof id !== 'string' || id.length !== ID_LENGTH) throw new SecureChatError('protocol/malformed', { detail: 'id' })
  return fromBase64Url(id)
}

export function isDeviceId(value: unknown): value is DeviceId {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0xffffffff
}

/** E.164: a plus sign and 7 to 15 digits. */
export const isPhoneNumber = (text: unknown): text is string => typeof text === 'string' && /^\+[1-9]\d{6,14}$/.test(text)
