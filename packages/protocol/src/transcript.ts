import { equalPublicBytes } from './equality.js'
import { SecureChatError } from './errors.js'
import type { Label } from './labels.js'

const utf8 = new TextEncoder()
const encodedLabels = new Map<string, Uint8Array>()

function labelBytes(label: string): Uint8Array {
  let bytes = encodedLabels.get(label)
  if (!bytes) {
    bytes = utf8.encode(label)
    encodedLabels.set(label, bytes)
  }
  return bytes
}

/**
 * T(label, f1 … fn) = u8 len ‖ label ‖ u16be n ‖ Σ(u32be len ‖ f). Injective: two different lists never give the same bytes.
 * Whatever is signed, hashed, authenticated or derived from goes through it (docs/protocol/01-encodings.md).
 */
export function T(label: Label, ...fields: readonly Uint8Array[]): Uint8Array {
  const name = labelBytes(label)
  return write(new Uint8Array(sizeOf(name, fields)), name, fields)
}

/**
 * `T` for an input of the very next hash, not for what is kept or sent: a view into a block that it shares with other such views, which keeps it off the
 * allocator (about 1.3 µs for more than 64 bytes in V8). No byte is handed out twice.
 */
export function transientT(label: Label, ...fields: readonly Uint8Array[]): Uint8Array {
  const name = labelBytes(label)
  return write(transientBytes(sizeOf(name, fields)), name, fields)
}

/** Bytes that `T` of these takes. */
export const sizeOfT = (label: Label, ...fields: readonly Uint8Array[]): number => sizeOf(labelBytes(label), fields)

/** `T` at the start of `out`, which has at least `sizeOfT` bytes. */
export function writeT(out: Uint8Array, label: Label, ...fields: readonly Uint8Array[]): void {
  write(out, labelBytes(label), fields)
}

const BLOCK = 16_384
let block = new Uint8Array(0)
let used = 0

/** `size` zero bytes, as a view into a shared block: see `transientT`. */
export function transientBytes(size: number): Uint8Array {
  if (size > BLOCK / 8) return new Uint8Array(size)
  if (used + size > block.length) {
    block = new Uint8Array(BLOCK)
    used = 0
  }
  used += size
  return viewOf(block, used - size, used)
}

/**
 * `bytes.subarray(from, to)` without the look-up of a subclass, which takes half its time; both indices within the array. Not for short arrays of one's own:
 * V8 keeps up to 64 bytes inside the object, and any view forces them out of it for 1 µs.
 */
export const viewOf = (bytes: Uint8Array, from: number, to: number): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)

// `T` field by field, for hot paths whose fields are not at hand as arrays: each function writes at `at` of `out` and gives where the next one writes. The caller
// sees to the number of fields, their lengths and the space. Functions and no class: the hidden class of an object that never lives long is lost at every
// full garbage collection, and all optimised code that knew it with it.

/** Bytes of a `T` before its first field. */
export const sizeOfTHead = (label: Label): number => 3 + labelBytes(label).length

/** What comes before the first of `count` fields; also of a `T` that is the field of another, after `writeFieldLength`. */
export function writeTHead(out: Uint8Array, at: number, label: Label, count: number): number {
  const name = labelBytes(label)
  const end = at + 1 + name.length
  out[at] = name.length
  out.set(name, at + 1)
  out[end] = count >> 8
  out[end + 1] = count & 0xff
  return end + 2
}
/** The length of a field that is written next. */
export function writeFieldLength(out: Uint8Array, at: number, length: number): number {
  writeU32(out, at, length)
  return at + 4
}
export function writeField(out: Uint8Array, at: number, field: Uint8Array): number {
  writeU32(out, at, field.length)
  out.set(field, at + 4)
  return at + 4 + field.length
}
/** The first `length` bytes of `source`, without a view of them. */
export function writeFieldStart(out: Uint8Array, at: number, source: Uint8Array, length: number): number {
  writeU32(out, at, length)
  for (let i = 0; i < length; i++) out[at + 4 + i] = source[i]!
  return at + 4 + length
}
export function writeU32Field(out: Uint8Array, at: number, n: number): number {
  writeU32(out, at, 4)
  writeU32(out, at + 4, n)
  return at + 8
}
export function writeU64Field(out: Uint8Array, at: number, n: number): number {
  writeU32(out, at, 8)
  writeU64(out, at + 4, n)
  return at + 12
}

function sizeOf(name: Uint8Array, fields: readonly Uint8Array[]): number {
  let size = 3 + name.length
  for (const field of fields) size += 4 + field.length
  return size
}

function write(out: Uint8Array, name: Uint8Array, fields: readonly Uint8Array[]): Uint8Array {
  out[0] = name.length
  out.set(name, 1)
  let at = 1 + name.length
  out[at++] = fields.length >> 8
  out[at++] = fields.length & 0xff
  for (const field of fields) {
    const n = field.length
    out[at] = n >>> 24
    out[at + 1] = (n >>> 16) & 0xff
    out[at + 2] = (n >>> 8) & 0xff
    out[at + 3] = n & 0xff
    out.set(field, at + 4)
    at += 4 + n
  }
  return out
}

/** Reads what `T` wrote. The fields are views into `bytes`. Throws `protocol/malformed` on another label or any surplus byte. */
export function parseT(bytes: Uint8Array, label: Label): Uint8Array[] {
  const name = labelBytes(label)
  const malformed = (): never => {
    throw new SecureChatError('protocol/malformed', { detail: 'transcript' })
  }
  if (bytes.length < 3 + name.length || bytes[0] !== name.length || !equalPublicBytes(bytes.subarray(1, 1 + name.length), name)) malformed()
  let at = 1 + name.length
  const count = (bytes[at]! << 8) | bytes[at + 1]!
  at += 2
  const fields: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    // Past the end it reads zeros, and less than none is left then.
    const n = readU32(bytes, at)
    at += 4
    if (n > bytes.length - at) malformed()
    fields.push(viewOf(bytes, at, at + n))
    at += n
  }
  if (at !== bytes.length) malformed()
  return fields
}

export const u8 = (n: number): Uint8Array => Uint8Array.of(n & 0xff)
export const u16 = (n: number): Uint8Array => Uint8Array.of((n >>> 8) & 0xff, n & 0xff)
export function u32(n: number): Uint8Array {
  const out = new Uint8Array(4)
  writeU32(out, 0, n)
  return out
}
/** Big-endian; `n` is a non-negative safe integer (2^53 is enough for milliseconds and counters). */
export function u64(n: number): Uint8Array {
  const out = new Uint8Array(8)
  writeU64(out, 0, n)
  return out
}
export const text = (value: string): Uint8Array => utf8.encode(value)

export function writeU32(out: Uint8Array, at: number, n: number): void {
  out[at] = n >>> 24
  out[at + 1] = (n >>> 16) & 0xff
  out[at + 2] = (n >>> 8) & 0xff
  out[at + 3] = n & 0xff
}
export function writeU64(out: Uint8Array, at: number, n: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new SecureChatError('client/invalid-argument', { detail: 'u64' })
  writeU32(out, at, Math.floor(n / 0x100000000))
  writeU32(out, at + 4, n % 0x100000000)
}
export const readU16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!
export const readU32 = (bytes: Uint8Array, at: number): number => ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
/** Throws `protocol/malformed` above 2^53 − 1. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at)
  if (high > 0x1fffff) throw new SecureChatError('protocol/malformed', { detail: 'u64' })
  return high * 0x100000000 + readU32(bytes, at + 4)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const out = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
