// 01 Encodings: integers, transcripts, text ids.
export const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'))
export const toHex = (bytes) => Buffer.from(bytes).toString('hex')
export const utf8 = (text) => new Uint8Array(Buffer.from(text, 'utf8'))
export const concat = (...parts) => new Uint8Array(Buffer.concat(parts))
export const EMPTY = new Uint8Array(0)
export const same = (a, b) => Buffer.compare(a, b) === 0

/** Unsigned big-endian integer of `length` bytes. */
export function uint(length, value) {
  const out = new Uint8Array(length)
  let rest = BigInt(value)
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n)
  return out
}
export const readUint = (bytes) => Number(bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n))

export class Refused extends Error {}
export function refuse(why) {
  throw new Refused(why)
}
export function requireEqual(actual, expected, what) {
  const text = (value) => (value instanceof Uint8Array ? toHex(value) : JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? toHex(part) : part)))
  if (text(actual) !== text(expected)) refuse(`${what}: ${text(actual).slice(0, 200)} instead of ${text(expected).slice(0, 200)}`)
}

/** T(label, f1 … fn) = u8 length(label) ‖ label ‖ u16 n ‖ Σ (u32 length(f) ‖ f) */
export const T = (label, ...fields) =>
  concat(uint(1, label.length), utf8(label), uint(2, fields.length), ...fields.flatMap((field) => [uint(4, field.length), field]))

/** The fields of a `T` with this label, and nothing after it. */
export function readT(bytes, label) {
  const { fields, rest } = readTPrefix(bytes, label)
  if (rest.length > 0) refuse(`surplus bytes after ${label}`)
  return fields
}

/** The same where something follows, such as a signature. */
export function readTPrefix(bytes, label) {
  const from = cursor(bytes)
  if (!same(from.take(1 + label.length), concat(uint(1, label.length), utf8(label)))) refuse(`not a ${label}`)
  const count = from.uint(2)
  const fields = []
  for (let i = 0; i < count; i++) fields.push(from.take(from.uint(4)))
  return { fields, read: bytes.subarray(0, bytes.length - from.rest().length), rest: from.rest() }
}

/** Reads fields one after another; anything missing is refused. */
export function cursor(bytes) {
  let at = 0
  const take = (length) => {
    if (at + length > bytes.length) refuse('truncated')
    at += length
    return bytes.subarray(at - length, at)
  }
  return {
    take,
    uint: (length) => readUint(take(length)),
    rest: () => bytes.subarray(at),
    end() {
      if (at !== bytes.length) refuse('surplus bytes')
    },
  }
}

export const idText = (bytes) => Buffer.from(bytes).toString('base64url')
export const idBytes = (text) => new Uint8Array(Buffer.from(text, 'base64url'))

const KEY_NAMES = { ed25519: [1, 32], x25519: [2, 32], mlkem768: [3, 1184] }
/** key(K): type byte and key. */
export const key = (kind, bytes) => concat(uint(1, KEY_NAMES[kind][0]), bytes)
export function readKey(kind, bytes) {
  const [type, length] = KEY_NAMES[kind]
  if (bytes.length !== length + 1 || bytes[0] !== type) refuse(`not a ${kind} key`)
  return bytes.subarray(1)
}
