import {
  acceptDevice,
  type CryptoDeps,
  createManifest,
  DEVICE_FLAGS,
  decryptMessage,
  encryptMessage,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  localDevice,
  type PreKeyLookup,
  remoteDevice,
  type SessionRecord,
  verifyManifest,
} from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type AccountId, type DeviceId, idFromBytes } from '@securechat/protocol'
import { seededRandom } from '@securechat/testing'

const START = 1_800_000_000_000
const DAY = 86_400_000
const NOTHING = new Uint8Array(0)

export async function seededDeps(seed: number): Promise<CryptoDeps> {
  return { provider: await sodiumProvider(), random: seededRandom(seed).bytes, now: START }
}

export function registered(deps: CryptoDeps) {
  const accountId = idFromBytes<AccountId>(deps.random(16))
  const deviceId = 1 as DeviceId
  const account = generateAccountKeys(deps)
  const deviceKeys = generateDeviceKeys(deps)
  const accept = acceptDevice(deps, { accountId, accountKey: account.publicKey, deviceId, deviceKeys })
  const devices = [
    { deviceId, signingKey: deviceKeys.signing.publicKey, identityKey: deviceKeys.identity.publicKey, addedVersion: 1, flags: DEVICE_FLAGS.primary, accept },
  ]
  const { bytes } = createManifest(deps, {
    accountId,
    accountKey: account,
    version: 1,
    prevHash: NOTHING,
    notBefore: deps.now,
    notAfter: deps.now + 30 * DAY,
    devices,
  })
  const manifest = verifyManifest(deps.provider, bytes)
  const preKeys = generatePreKeys(deps, { accountId, deviceId, deviceKeys, firstKeyId: 1, count: 1 })
  return { accountId, account, deviceKeys, manifest, preKeys, local: localDevice(manifest, deviceId, deviceKeys), remote: remoteDevice(manifest, deviceId) }
}
export type Registered = ReturnType<typeof registered>

/** One end of a conversation; `write` and `read` commit. */
export class End {
  record: SessionRecord | null = null
  constructor(
    readonly deps: CryptoDeps,
    readonly self: Registered,
    readonly peer: Registered,
  ) {}

  write(text: string): Uint8Array {
    const { signed, lastResort } = this.peer.preKeys
    const sent = encryptMessage(this.deps, {
      record: this.record,
      local: this.self.local,
      remote: this.peer.remote,
      bundle: { signed: signed.public, lastResort: lastResort.public },
      plaintext: { common: new TextEncoder().encode(text), perSession: NOTHING },
    })
    this.record = sent.record
    return sent.envelope
  }

  decrypt(envelope: Uint8Array) {
    const { signed, lastResort } = this.self.preKeys
    const preKeys: PreKeyLookup = { signed: signed.private, kem: lastResort.private }
    return decryptMessage(this.deps, { record: this.record, local: this.self.local, remote: this.peer.remote, envelope, preKeys })
  }

  read(envelope: Uint8Array): void {
    this.record = this.decrypt(envelope).record
  }
}
