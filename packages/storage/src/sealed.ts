import { equalPublicBytes, isSecureChatError, LABELS, SecureChatError, T, text } from '@securechat/protocol'
import { checkCommit, checkKey, checkKeys, checkPrefix } from './checks.js'
import type { ClientStorage, StoredEntry } from './port.js'

/**
 * Authenticated encryption under the store's key. `@securechat/crypto` makes one.
 * `seal` must never use a nonce twice; `open` throws unless `sealed` came from `seal` with the same key and associated data.
 * Neither keeps nor returns its input's buffer.
 */
export interface Sealer {
  seal(plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array
  open(sealed: Uint8Array, associatedData: Uint8Array): Uint8Array
}

/** The row that tells whether the key is the right one. Callers can neither see nor write it. */
export const SEAL_CHECK_KEY = '!seal'
const SEAL_VERSION = 1
const CHECK_PLAINTEXT = text('SecureChat sealed store')
/** Two processes may create one store at once; the loser reads what the winner wrote. */
const OPEN_TRIES = 5

/** Bound to the key, so that two rows that were exchanged are refused. */
const associatedData = (key: string): Uint8Array => T(LABELS.sealedRow, text(key))

/** u8 format version ‖ sealed. */
function sealRow(sealer: Sealer, key: string, value: Uint8Array): Uint8Array {
  const sealed = sealer.seal(value, associatedData(key))
  const row = new Uint8Array(1 + sealed.length)
  row[0] = SEAL_VERSION
  row.set(sealed, 1)
  return row
}

function openRow(sealer: Sealer, key: string, row: Uint8Array): Uint8Array {
  if (row.length === 0) throw new SecureChatError('storage/corrupt', { detail: 'sealed record' })
  if (row[0] !== SEAL_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'sealed record' })
  try {
    return sealer.open(row.subarray(1), associatedData(key))
  } catch (cause) {
    throw new SecureChatError('storage/corrupt', { detail: 'sealed record', cause })
  }
}

async function checkSealKey(inner: ClientStorage, sealer: Sealer): Promise<void> {
  for (let left = OPEN_TRIES; left > 0; left--) {
    const row = await inner.get(SEAL_CHECK_KEY)
    if (row) {
      let plaintext: Uint8Array
      try {
        plaintext = openRow(sealer, SEAL_CHECK_KEY, row.value)
      } catch (cause) {
        if (isSecureChatError(cause, 'protocol/unsupported-version')) throw cause
        throw new SecureChatError('storage/wrong-key', { cause })
      }
      if (!equalPublicBytes(plaintext, CHECK_PLAINTEXT)) throw new SecureChatError('storage/wrong-key')
      return
    }
    const others = await inner.list('', { limit: 1 })
    if (others.length > 0) {
      // Rows without the check row: either another process has just created the store, or these rows were never sealed.
      if (left > 1 && (await inner.get(SEAL_CHECK_KEY))) continue
      throw new SecureChatError('storage/corrupt', { detail: 'rows without a key check' })
    }
    const value = sealRow(sealer, SEAL_CHECK_KEY, CHECK_PLAINTEXT)
    try {
      await inner.commit([{ put: SEAL_CHECK_KEY, value }], { expect: [{ key: SEAL_CHECK_KEY, version: null }] })
      return
    } catch (error) {
      if (!isSecureChatError(error, 'storage/conflict')) throw error
    }
  }
  throw new SecureChatError('storage/conflict', { detail: 'key check' })
}

function refuseCheckKey(key: string): void {
  if (key === SEAL_CHECK_KEY) throw new SecureChatError('client/invalid-argument', { detail: 'reserved storage key' })
}

/**
 * A store whose values are sealed in `inner`; keys, sizes and versions stay readable there. It owns `inner`: closing it closes both.
 * What sealing cannot see: a row or the whole store put back to an older state of itself (the client's leases detect that).
 *
 * Throws, and leaves `inner` open, when it cannot be opened: `storage/wrong-key` sealed with another key; `storage/corrupt` it has rows but
 * no key check, so it was never sealed or was tampered with; `protocol/unsupported-version` sealed by a newer version.
 * Reads of a row that was changed, exchanged or put in from outside throw `storage/corrupt`; other rows stay readable.
 */
export async function sealedStorage(inner: ClientStorage, sealer: Sealer): Promise<ClientStorage> {
  await checkSealKey(inner, sealer)
  const open = (entry: StoredEntry): StoredEntry => ({ key: entry.key, value: openRow(sealer, entry.key, entry.value), version: entry.version })

  return {
    async get(key) {
      checkKey(key)
      refuseCheckKey(key)
      const entry = await inner.get(key)
      return entry && open(entry)
    },
    async getMany(keys) {
      const checked = checkKeys(keys)
      checked.forEach(refuseCheckKey)
      return (await inner.getMany(checked)).map((entry) => entry && open(entry))
    },
    async list(prefix, range) {
      checkPrefix(prefix)
      const hidden = SEAL_CHECK_KEY.startsWith(prefix)
      const limit = range?.limit
      const widened = hidden && limit !== undefined && limit > 0 ? { ...range, limit: limit + 1 } : range
      const entries = (await inner.list(prefix, widened)).filter((entry) => entry.key !== SEAL_CHECK_KEY)
      return (limit === undefined ? entries : entries.slice(0, limit)).map(open)
    },
    async commit(writes, options) {
      const { writes: checked, expect } = checkCommit(writes, options)
      for (const key of checked.keys()) refuseCheckKey(key)
      for (const { key } of expect) refuseCheckKey(key)
      const sealed = [...checked].map(([key, value]) => (value === null ? { delete: key } : { put: key, value: sealRow(sealer, key, value) }))
      return inner.commit(sealed, options)
    },
    watch(prefix, listener) {
      if (typeof listener !== 'function') throw new SecureChatError('client/invalid-argument', { detail: 'storage listener' })
      return inner.watch(prefix, (keys) => {
        const visible = keys.filter((key) => key !== SEAL_CHECK_KEY)
        if (visible.length > 0 || keys.length === 0) listener(visible)
      })
    },
    close: () => inner.close(),
  }
}
