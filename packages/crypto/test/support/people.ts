import { type AccountId, type DeviceId, idFromBytes, type Random } from '@securechat/protocol'
import {
  type AccountKeys,
  acceptDevice,
  type CryptoDeps,
  type CryptoProvider,
  createManifest,
  DEVICE_FLAGS,
  type DecryptResult,
  type DeviceKeys,
  decryptMessage,
  type EncryptInput,
  type EncryptResult,
  encryptMessage,
  type GeneratedPreKey,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  type LocalDevice,
  localDevice,
  type Manifest,
  type PreKeyBundle,
  type PreKeyLookup,
  type RemoteDevice,
  remoteDevice,
  requiredPreKeys,
  type SessionRecord,
  verifyManifest,
} from '../../src/index.js'
import { seededRandom } from './random.js'

export const DAY = 86_400_000
export const START = 1_800_000_000_000
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const NOTHING = new Uint8Array(0)

export interface World {
  readonly provider: CryptoProvider
  readonly random: Random
  now: number
  readonly deps: () => CryptoDeps
}

export function createWorld(provider: CryptoProvider, seed = 1): World {
  const random = seededRandom(seed)
  const world: World = { provider, random, now: START, deps: () => ({ provider, random, now: world.now }) }
  return world
}

/** One person with one device, its prekeys and its record of sessions with one other device; the in-memory double of a client. */
export class Person {
  readonly accountId: AccountId
  readonly deviceId = 1 as DeviceId
  readonly account: AccountKeys
  readonly keys: DeviceKeys
  manifest: Manifest
  record: SessionRecord | null = null
  readonly privateKeys = new Map<number, Uint8Array>()
  signed: GeneratedPreKey
  lastResort: GeneratedPreKey
  readonly oneTime: GeneratedPreKey[]

  constructor(
    readonly world: World,
    { oneTime = 3 }: { oneTime?: number } = {},
  ) {
    const deps = world.deps()
    this.accountId = idFromBytes<AccountId>(world.random(16))
    this.account = generateAccountKeys(deps)
    this.keys = generateDeviceKeys(deps)
    this.manifest = verifyManifest(world.provider, this.#firstManifest())
    const batch = generatePreKeys(deps, { accountId: this.accountId, deviceId: this.deviceId, deviceKeys: this.keys, firstKeyId: 1, count: oneTime })
    this.signed = batch.signed
    this.lastResort = batch.lastResort
    this.oneTime = [...batch.oneTime]
    for (const key of [batch.signed, batch.lastResort, ...batch.oneTime]) this.privateKeys.set(key.keyId, key.private)
  }

  #firstManifest(): Uint8Array {
    const { accountId, account, deviceId, keys, world } = this
    const accept = acceptDevice(world.deps(), { accountId, accountKey: account.publicKey, deviceId, deviceKeys: keys })
    const devices = [
      { deviceId, signingKey: keys.signing.publicKey, identityKey: keys.identity.publicKey, addedVersion: 1, flags: DEVICE_FLAGS.primary, accept },
    ]
    return createManifest(world.deps(), {
      accountId,
      accountKey: account,
      version: 1,
      prevHash: NOTHING,
      notBefore: START,
      notAfter: START + 30 * DAY,
      devices,
    }).bytes
  }

  /** The next version with the same devices. */
  renew(): void {
    const { accountId, account, manifest, world } = this
    const { bytes } = createManifest(world.deps(), {
      accountId,
      accountKey: account,
      version: manifest.version + 1,
      prevHash: manifest.hash,
      notBefore: world.now,
      notAfter: world.now + 30 * DAY,
      devices: manifest.devices,
    })
    this.manifest = verifyManifest(world.provider, bytes)
  }

  local(): LocalDevice {
    return localDevice(this.manifest, this.deviceId, this.keys)
  }

  remote(): RemoteDevice {
    return remoteDevice(this.manifest, this.deviceId)
  }

  /** As the server does it: a one-time pair is given out once. */
  bundle({ withOneTime = true }: { withOneTime?: boolean } = {}): PreKeyBundle {
    const pair = withOneTime ? this.oneTime.shift() : undefined
    return { signed: this.signed.public, lastResort: this.lastResort.public, ...(pair && { oneTime: pair.public }) }
  }

  lookup(envelope: Uint8Array): PreKeyLookup {
    const need = requiredPreKeys(envelope)
    const signed = need && this.privateKeys.get(need.signedPreKeyId)
    const kem = need && this.privateKeys.get(need.kemId)
    return { ...(signed && { signed }), ...(kem && { kem }) }
  }

  /** Encrypts and commits. */
  write(to: Person, text: string, options: Partial<Pick<EncryptInput, 'bundle' | 'newSession' | 'franking'>> = {}): Uint8Array {
    return this.encrypt(to, text, options).envelope
  }

  encrypt(to: Person, text: string, options: Partial<Pick<EncryptInput, 'bundle' | 'newSession' | 'franking'>> = {}): EncryptResult {
    const plaintext = { common: bytesOf(text), perSession: NOTHING }
    const result = encryptMessage(this.world.deps(), { record: this.record, local: this.local(), remote: to.remote(), plaintext, ...options })
    this.record = result.record
    return result
  }

  /** Decrypts and commits, prekeys included. */
  decrypt(from: Person, envelope: Uint8Array): DecryptResult {
    const result = this.tryDecrypt(from, envelope)
    this.record = result.record
    if (result.consumed.oneTimePreKeyId !== undefined) this.privateKeys.delete(result.consumed.oneTimePreKeyId)
    return result
  }

  /** Without a commit. */
  tryDecrypt(from: Person, envelope: Uint8Array): DecryptResult {
    return decryptMessage(this.world.deps(), { record: this.record, local: this.local(), remote: from.remote(), envelope, preKeys: this.lookup(envelope) })
  }

  read(from: Person, envelope: Uint8Array): string {
    return textOf(this.decrypt(from, envelope).plaintext.common)
  }
}
