import { type Argon2Cost, DEFAULT_COST, passphraseKey } from '@securechat/crypto/passphrase'
import { concatBytes, type Random, readU32, SecureChatError, systemRandom, u8, u32 } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'

const VERSION = 1
const SALT = 16
const PARAMETERS = 1 + 12 + SALT

/**
 * Opens with what a person types. u8 version ‖ u32 memory in KiB ‖ u32 passes ‖ u32 lanes ‖ salt 16 are its parameters, so costs can rise with the years.
 * Throws `client/invalid-argument` for an empty passphrase.
 */
export function passphraseLock(passphrase: string, { cost = DEFAULT_COST, random = systemRandom }: { cost?: Argon2Cost; random?: Random } = {}): StoreLock {
  return {
    kind: 'passphrase',
    async create() {
      const salt = random(SALT)
      const key = await passphraseKey(passphrase, salt, cost)
      return { key, parameters: concatBytes(u8(VERSION), u32(cost.memoryKiB), u32(cost.passes), u32(cost.lanes), salt) }
    },
    open(parameters) {
      if (parameters[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'passphrase lock' })
      if (parameters.length !== PARAMETERS) throw new SecureChatError('storage/corrupt', { detail: 'passphrase lock' })
      const stored = { memoryKiB: readU32(parameters, 1), passes: readU32(parameters, 5), lanes: readU32(parameters, 9) }
      return passphraseKey(passphrase, parameters.subarray(13), stored)
    },
  }
}
