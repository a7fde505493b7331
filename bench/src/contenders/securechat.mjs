import * as crypto from '../../../packages/crypto/dist/index.js'
import { nobleProvider } from '../../../packages/crypto/dist/noble.js'
import { nodeProvider } from '../../../packages/crypto/dist/node.js'
import { sodiumProvider } from '../../../packages/crypto/dist/sodium.js'
import { systemRandom } from '../../../packages/protocol/dist/index.js'

const PROVIDERS = { sodium: sodiumProvider, node: nodeProvider, noble: nobleProvider }
const DAY = 86_400_000
const NOTHING = new Uint8Array(0)

/** Dependencies as an application gives them: a provider, pooled randomness, the clock. */
export async function cryptoDeps(providerName = 'sodium') {
  return { provider: await PROVIDERS[providerName](), random: crypto.pooledRandom(systemRandom), now: Date.now() }
}

/** An account with one device: keys, manifest, prekeys; everything that a peer needs to write to it. */
export function person(deps, { preKeys = 0 } = {}) {
  const accountId = Buffer.from(deps.random(16)).toString('base64url')
  const deviceId = 1
  const account = crypto.generateAccountKeys(deps)
  const deviceKeys = crypto.generateDeviceKeys(deps)
  const accept = crypto.acceptDevice(deps, { accountId, accountKey: account.publicKey, deviceId, deviceKeys })
  const { bytes } = crypto.createManifest(deps, {
    accountId,
    accountKey: account,
    version: 1,
    prevHash: NOTHING,
    notBefore: deps.now,
    notAfter: deps.now + 30 * DAY,
    devices: [
      {
        deviceId,
        signingKey: deviceKeys.signing.publicKey,
        identityKey: deviceKeys.identity.publicKey,
        addedVersion: 1,
        flags: crypto.DEVICE_FLAGS.primary,
        accept,
      },
    ],
  })
  const manifest = crypto.verifyManifest(deps.provider, bytes)
  const batch = crypto.generatePreKeys(deps, { accountId, deviceId, deviceKeys, firstKeyId: 1, count: preKeys })
  return {
    accountId,
    deviceKeys,
    batch,
    local: crypto.localDevice(manifest, deviceId, deviceKeys),
    remote: crypto.remoteDevice(manifest, deviceId),
    bundle: (oneTime) => ({ signed: batch.signed.public, lastResort: batch.lastResort.public, ...(oneTime ? { oneTime: oneTime.public } : {}) }),
    preKeys: (oneTime) => ({ signed: batch.signed.private, kem: (oneTime ?? batch.lastResort).private }),
  }
}

export { crypto, NOTHING }

/** One side of an established session; `record` is what an app would store. */
class Side {
  constructor(deps, self, peer) {
    this.deps = deps
    this.local = self.local
    this.remote = peer.remote
    this.record = null
  }
  encrypt = (common) => {
    const sent = crypto.encryptMessage(this.deps, { record: this.record, local: this.local, remote: this.remote, plaintext: { common, perSession: NOTHING } })
    this.record = sent.record
    return sent.envelope
  }
  decrypt = (envelope) => {
    const received = crypto.decryptMessage(this.deps, { record: this.record, local: this.local, remote: this.remote, envelope, preKeys: {} })
    this.record = received.record
    return received.plaintext.common
  }
}

export const pair = async (providerName = 'sodium') => pairOf(await cryptoDeps(providerName))

/** Two devices whose session is established and acknowledged. */
export function pairOf(deps) {
  const [a, b] = [person(deps), person(deps)]
  const [alice, bob] = [new Side(deps, a, b), new Side(deps, b, a)]
  const first = crypto.encryptMessage(deps, {
    record: null,
    local: a.local,
    remote: b.remote,
    bundle: b.bundle(),
    plaintext: { common: NOTHING, perSession: NOTHING },
  })
  alice.record = first.record
  const received = crypto.decryptMessage(deps, { record: null, local: b.local, remote: a.remote, envelope: first.envelope, preKeys: b.preKeys() })
  bob.record = received.record
  alice.decrypt(bob.encrypt(NOTHING))
  bob.decrypt(alice.encrypt(NOTHING))
  return { alice, bob }
}

/** The same, with the record encoded and decoded again at each step, as a process that stores it between any two messages. */
export async function storedPair(providerName = 'sodium') {
  const sides = await pair(providerName)
  const stored = (side) => {
    let bytes = crypto.encodeSession(side.record)
    return {
      encrypt(common) {
        side.record = crypto.decodeSession(bytes)
        const wire = side.encrypt(common)
        bytes = crypto.encodeSession(side.record)
        return wire
      },
      decrypt(wire) {
        side.record = crypto.decodeSession(bytes)
        const plain = side.decrypt(wire)
        bytes = crypto.encodeSession(side.record)
        return plain
      },
    }
  }
  return { alice: stored(sides.alice), bob: stored(sides.bob) }
}
