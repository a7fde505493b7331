import { fromBase64Url, jsonSchemaOf, SecureChatError, toBase64Url } from '@securechat/protocol'
import type * as z from 'zod/mini'

/** Names that would reach an object's prototype. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
/** Nesting of a JSON body; schemas are far flatter. */
const MAX_DEPTH = 16

/** Throws `protocol/malformed`. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    refuseUnsafe(value, 1)
    return value
  } catch (cause) {
    throw new SecureChatError('protocol/malformed', { detail: 'json', cause })
  }
}

function refuseUnsafe(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > MAX_DEPTH) throw new SecureChatError('protocol/malformed', { detail: 'depth' })
  for (const [key, field] of Object.entries(value)) {
    if (FORBIDDEN.has(key)) throw new SecureChatError('protocol/malformed', { detail: 'key' })
    refuseUnsafe(field, depth + 1)
  }
}

interface SchemaDefinition {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodMiniType>>
  readonly innerType?: z.ZodMiniType
  readonly element?: z.ZodMiniType
}

/** A JSON value as the schema wants it: base64url text becomes bytes where the schema has bytes. What does not fit is left for the schema to refuse. */
export function fromJson(schema: z.ZodMiniType, value: unknown): unknown {
  if (jsonSchemaOf.get(schema)?.jsonSchema['contentEncoding'] === 'base64url') return typeof value === 'string' ? fromBase64Url(value) : value
  const { type, shape, innerType, element } = schema._zod.def as unknown as SchemaDefinition
  if (type === 'optional' && innerType) return value === undefined ? undefined : fromJson(innerType, value)
  if (type === 'array' && element && Array.isArray(value)) return value.map((item) => fromJson(element, item))
  if (type === 'object' && shape && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const out: Record<string, unknown> = { ...value }
    for (const [key, field] of Object.entries(shape)) if (Object.hasOwn(value, key)) out[key] = fromJson(field, out[key])
    return out
  }
  return value
}

/** Bytes become base64url text. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64Url(value)
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toJson(field)]))
}
