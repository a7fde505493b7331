import { SecureChatError, text } from '@securechat/protocol/core'
import { type Argon2Cost, argon2id } from '../primitives/argon2.js'

export type { Argon2Cost } from '../primitives/argon2.js'

/** RFC 9106, section 4, second recommendation: 64 MiB, 3 passes, 4 lanes. Some tenths of a second. */
export const DEFAULT_COST: Argon2Cost = { memoryKiB: 65_536, passes: 3, lanes: 4 }
const SALT = 16
const KEY = 32
/** Stored costs come from a place that others may have written: they end neither in no protection nor in no memory. */
const MAX_MEMORY_KIB = 1_048_576
const MAX_PASSES = 64
const MAX_LANES = 16

const isCount = (value: number, maximum: number): boolean => Number.isInteger(value) && value >= 1 && value <= maximum

/**
 * 32 bytes from what a person types: Argon2id over its UTF-8 in Unicode form NFKC, so that the same characters from another keyboard are the same passphrase.
 * `salt`: 16 random bytes. Throws `client/invalid-argument` for an empty passphrase, another salt or costs out of bounds.
 */
export async function passphraseKey(passphrase: string, salt: Uint8Array, cost: Argon2Cost = DEFAULT_COST): Promise<Uint8Array> {
  const { memoryKiB, passes, lanes } = cost
  const possible = isCount(memoryKiB, MAX_MEMORY_KIB) && isCount(passes, MAX_PASSES) && isCount(lanes, MAX_LANES) && memoryKiB >= 8 * lanes
  if (passphrase.length === 0 || salt.length !== SALT || !possible) throw new SecureChatError('client/invalid-argument', { detail: 'passphrase' })
  return argon2id(text(passphrase.normalize('NFKC')), salt, { memoryKiB, passes, lanes, bytes: KEY })
}
