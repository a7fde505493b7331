import { concatBytes, type Random, SecureChatError, systemRandom, u8 } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'
import { storageError } from './dom-errors.js'
import { createStore, get, set } from './keyval.js'

const VERSION = 1
const SALT = 32
const ID = 16
const STORE = 'keys'

export interface DeviceLockOptions {
  /** As of `indexedDbStorage`; the key lies in the database `securechat-key/NAME`. */
  readonly name: string
  readonly random?: Random
}

/**
 * Opens with a key that WebCrypto holds for this browser profile and gives to nobody, scripts of the page included (`extractable: false`): a copy of the store's rows
 * alone does not open, and what malicious script can use ends with its run. Who copies the whole profile from the disk has both. u8 version ‖ key id 16 ‖ salt 32 are
 * its parameters. Throws `storage/wrong-key` where the browser has lost the key, `client/unsupported` outside a secure context.
 */
export function deviceLock({ name, random = systemRandom }: DeviceLockOptions): StoreLock {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) throw new SecureChatError('client/invalid-argument', { detail: 'device lock name' })
  const keys = createStore(`securechat-key/${name}`, STORE)
  const derive = async (key: CryptoKey, salt: Uint8Array): Promise<Uint8Array> => new Uint8Array(await subtle().sign('HMAC', key, new Uint8Array(salt)))
  const nameOf = (id: Uint8Array): string => [...id].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return {
    kind: 'device',
    async create() {
      const [id, salt] = [random(ID), random(SALT)]
      const key = await subtle().generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
      try {
        await set(nameOf(id), key, keys)
      } catch (error) {
        throw storageError(error)
      }
      return { key: await derive(key, salt), parameters: concatBytes(u8(VERSION), id, salt) }
    },
    async open(parameters) {
      if (parameters[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'device lock' })
      if (parameters.length !== 1 + ID + SALT) throw new SecureChatError('storage/corrupt', { detail: 'device lock' })
      const key = await get<CryptoKey>(nameOf(parameters.subarray(1, 1 + ID)), keys).catch((error: unknown) => {
        throw storageError(error)
      })
      if (!key) throw new SecureChatError('storage/wrong-key', { detail: 'the browser has no such key' })
      return derive(key, parameters.subarray(1 + ID))
    },
  }
}

function subtle(): SubtleCrypto {
  const found = globalThis.crypto?.subtle
  if (!found) throw new SecureChatError('client/unsupported', { detail: 'WebCrypto needs a secure context' })
  return found
}
