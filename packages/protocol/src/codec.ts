import { Packr, Unpackr } from 'msgpackr'
import * as z from 'zod/mini'
import { SecureChatError } from './errors.js'
import { LIMITS } from './limits.js'
import { scanMessagePack } from './scanner.js'

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: false, largeBigIntToFloat: false })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** msgpackr writes integers above 2^32 as floats; the format has them as 8-byte integers. Absent, never undefined. */
function canonical(value: unknown): unknown {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && (value > 0xffffffff || value < -0x80000000)) {
      if (!Number.isSafeInteger(value)) throw new SecureChatError('client/invalid-argument', { detail: 'integer above 2^53' })
      return BigInt(value)
    }
    return value
  }
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(canonical)
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key]
    if (field !== undefined) out[key] = canonical(field)
  }
  return out
}

/** A value of maps with text keys, arrays, text, bytes, booleans, null and numbers → canonical msgpack. */
export function encodeValue(value: unknown): Uint8Array {
  const packed = packr.pack(canonical(value))
  return new Uint8Array(packed)
}

/**
 * Strictly decodes msgpack: the scanner refuses everything that msgpackr alone would let through (duplicate or prototype
 * keys, non-shortest forms, extensions, invalid UTF-8, excess depth) before it is asked. Throws `protocol/malformed` or
 * `protocol/too-large`. Byte strings are copies.
 */
export function decodeValue(bytes: Uint8Array, maxBytes: number = LIMITS.frameBytes): unknown {
  if (bytes.length > maxBytes) throw new SecureChatError('protocol/too-large')
  scanMessagePack(bytes)
  // A plain copy: Node's Buffer would leak pooled memory and its own type into the result.
  return unpackr.unpack(new Uint8Array(bytes))
}

/** As `decodeValue`, then the schema. Throws `protocol/malformed` when the value does not fit. */
export function decodeAs<S extends z.ZodMiniType>(schema: S, bytes: Uint8Array, maxBytes?: number): z.output<S> {
  return checkAs(schema, decodeValue(bytes, maxBytes), 'protocol/malformed')
}

/** Checks an already decoded value. The error names the path of the first misfit, never its value. */
export function checkAs<S extends z.ZodMiniType>(schema: S, value: unknown, code: 'protocol/malformed' | 'request/invalid' = 'request/invalid'): z.output<S> {
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  const { path } = result.error.issues[0]!
  // Only names of the schema and indexes, so that no input reaches a log.
  const detail = path.map((part) => (typeof part === 'number' ? '#' : String(part))).join('.')
  throw new SecureChatError(code, { detail: /^[A-Za-z0-9.#_-]{1,80}$/.test(detail) ? detail : 'value' })
}
