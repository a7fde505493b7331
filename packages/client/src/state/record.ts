import { decodeValue, encodeValue, SecureChatError } from '@securechat/protocol'
import { STORAGE_LIMITS } from '@securechat/storage'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'

/**
 * A typed, versioned row: msgpack with the version in `v`. Schemas are loose objects and updates spread the old value, so that fields
 * that a newer version has added survive being read and written here.
 */
export interface RecordType<T> {
  encode(value: T): Uint8Array
  /** Throws `storage/corrupt`, or `protocol/unsupported-version` for a row of a newer, incompatible version. */
  decode(bytes: Uint8Array): T
  read(reader: Pick<Reader, 'get'>, key: string): Promise<T | undefined>
  write(tx: Pick<Transaction, 'put'>, key: string, value: T): void
}

const VERSION = 1

export function defineRecord<S extends z.ZodMiniType<object>>(name: string, schema: S): RecordType<z.output<S>> {
  type T = z.output<S>
  const encode = (value: T): Uint8Array => encodeValue({ ...value, v: VERSION })
  const decode = (bytes: Uint8Array): T => {
    let value: unknown
    try {
      value = decodeValue(bytes, STORAGE_LIMITS.valueBytes)
    } catch (cause) {
      throw new SecureChatError('storage/corrupt', { detail: name, cause })
    }
    const version = (value as { v?: unknown } | null)?.v
    if (typeof version === 'number' && version > VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: name })
    const result = z.safeParse(schema, value)
    if (version !== VERSION || !result.success) throw new SecureChatError('storage/corrupt', { detail: name })
    return result.data
  }
  return {
    encode,
    decode,
    async read(reader, key) {
      const bytes = await reader.get(key)
      return bytes && decode(bytes)
    },
    write: (tx, key, value) => tx.put(key, encode(value)),
  }
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
export const bytes = z.custom<Uint8Array>(isBytes)
export const id = <Id extends string>() => z.custom<Id>((value) => typeof value === 'string')
export const count = z.number().check(z.nonnegative())
