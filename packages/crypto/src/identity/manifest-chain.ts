import { type DeviceId, equalPublicBytes, type ManifestRef, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { type AcceptedSuccession, isSucceeded } from './account-change.js'
import { decodeManifest, type Manifest, type ManifestDevice, verifyManifest } from './manifest.js'

type Verifier = Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>

/** What a client remembers of an account: the manifest it believes, by which every later one is judged. */
export interface ManifestPin {
  readonly manifest: Manifest
  /** Ids count up and are never reused, so a new device must be above it. */
  readonly highestDeviceId: number
  /** Listed by an expired manifest only, and so not encrypted to until a manifest in force lists them. */
  readonly unbelieved: readonly DeviceId[]
}

export interface ManifestChainInput {
  readonly pinned: ManifestPin | null
  /** Encoded manifests, oldest first: from the pinned version or the one after it; without a pin from anywhere. */
  readonly chain: readonly Uint8Array[]
  /** The local clock, never the server's. */
  readonly now: Timestamp
  /** The changed account key that the user has accepted. A change passes with it, or with the recovery key's statement in the manifest, else never. */
  readonly acceptAccountKey?: Uint8Array
}

export interface ManifestChainResult {
  readonly pin: ManifestPin
  readonly manifest: Manifest
  /** The newest manifest has expired: known devices go on, new ones are not believed. */
  readonly stale: boolean
  /** It starts more than an hour from now: one of the two clocks is wrong. */
  readonly early: boolean
  readonly changed: boolean
  readonly newDeviceIds: readonly DeviceId[]
  readonly removedDeviceIds: readonly DeviceId[]
  /** Changed account keys that were believed because of a succession, oldest first; the user has to be told of each. */
  readonly successions: readonly AcceptedSuccession[]
}

const CLOCK_TOLERANCE = 3_600_000
const PIN_FORMAT = 1

function fail(code: 'devices/manifest-rollback' | 'devices/manifest-fork' | 'devices/identity-changed' | 'devices/invalid-manifest', detail: string): never {
  throw new SecureChatError(code, { detail })
}

const highest = (devices: readonly ManifestDevice[]): number => devices.reduce((max, { deviceId }) => Math.max(max, deviceId), 0)

function sameDevice(a: ManifestDevice, b: ManifestDevice): boolean {
  return equalPublicBytes(a.signingKey, b.signingKey) && equalPublicBytes(a.identityKey, b.identityKey) && a.addedVersion === b.addedVersion
}

/** One step: `next` follows `before` directly. The account key may differ only where the caller has allowed it. */
function checkStep(before: Manifest, next: Manifest, highestDeviceId: number): void {
  if (next.version !== before.version + 1) fail('devices/invalid-manifest', 'gap in the chain')
  if (!equalPublicBytes(next.prevHash, before.hash)) fail('devices/manifest-fork', 'previous hash')
  const sameAccountKey = equalPublicBytes(next.accountKey, before.accountKey)
  // Named once, later than the first manifest too (docs/adr/0020); from then on who has stolen the account key cannot exchange it.
  const named = before.recoveryKey.length > 0
  if (sameAccountKey && named && !equalPublicBytes(next.recoveryKey, before.recoveryKey)) fail('devices/invalid-manifest', 'recovery key changed')
  for (const device of next.devices) {
    const known = before.devices.find(({ deviceId }) => deviceId === device.deviceId)
    if (known) {
      if (!sameDevice(known, device)) fail('devices/invalid-manifest', 'device changed')
    } else if (device.deviceId <= highestDeviceId) fail('devices/invalid-manifest', 'device id reused')
    else if (device.addedVersion !== next.version) fail('devices/invalid-manifest', 'added version')
  }
}

/** What is believed after a part of a chain. */
interface Walk {
  readonly current: Manifest | null
  readonly highestDeviceId: number
  readonly successions: readonly AcceptedSuccession[]
}

/**
 * The chain continues another branch than the pinned one, and a succession says which: believed from the first manifest under the new key on. The branch
 * before it must be a chain of its own. Null where there is no fork or nothing that ends it: then the chain is judged as ever.
 */
function endFork(provider: Verifier, manifests: readonly Manifest[], input: ManifestChainInput): (Walk & { readonly rest: readonly Manifest[] }) | null {
  const { pinned } = input
  const [first] = manifests
  if (!pinned || !first || !continuesAnother(pinned.manifest, first)) return null
  const at = manifests.findIndex(({ accountKey }) => !equalPublicBytes(accountKey, pinned.manifest.accountKey))
  const next = manifests[at]
  if (!next || next.version <= pinned.manifest.version) return null
  if (next.accountId !== pinned.manifest.accountId || !isSucceeded(provider, { believed: pinned.manifest, next })) return null
  let highestDeviceId = Math.max(pinned.highestDeviceId, highest(first === next ? [] : first.devices))
  for (let i = 1; i <= at; i++) {
    const branch = manifests[i] as Manifest
    checkStep(manifests[i - 1] as Manifest, branch, highestDeviceId)
    if (branch !== next) highestDeviceId = Math.max(highestDeviceId, highest(branch.devices))
  }
  // Which devices were real is what the fork was about, so none is taken over.
  for (const { deviceId, addedVersion } of next.devices) {
    if (deviceId <= highestDeviceId || addedVersion !== next.version) fail('devices/invalid-manifest', 'device taken over from a fork')
  }
  const accepted = { version: next.version, oldAccountKey: pinned.manifest.accountKey, newAccountKey: next.accountKey, endedFork: true }
  const known = Math.max(highestDeviceId, highest(next.devices))
  return { current: next, highestDeviceId: known, successions: [accepted], rest: manifests.slice(at + 1) }
}

const continuesAnother = (pinned: Manifest, first: Manifest): boolean =>
  first.version === pinned.version
    ? !equalPublicBytes(first.hash, pinned.hash)
    : first.version === pinned.version + 1 && !equalPublicBytes(first.prevHash, pinned.hash)

/** A changed account key passes with the recovery key's statement, which is told, or with the user's consent to exactly this key. */
function accountChange(provider: Verifier, { believed, next, input }: { believed: Manifest; next: Manifest; input: ManifestChainInput }): AcceptedSuccession[] {
  if (!input.pinned || equalPublicBytes(next.accountKey, believed.accountKey)) return []
  const { acceptAccountKey } = input
  if (isSucceeded(provider, { believed, next }))
    return [{ version: next.version, oldAccountKey: believed.accountKey, newAccountKey: next.accountKey, endedFork: false }]
  if (!acceptAccountKey || !equalPublicBytes(next.accountKey, acceptAccountKey)) fail('devices/identity-changed', 'account key')
  return []
}

/**
 * Judges a server's answer against what is pinned. Every signature and every link is checked before anything is believed.
 * Throws `devices/manifest-rollback` (all older than the pin), `devices/manifest-fork` (other content for a known version, or a link
 * that does not fit), `devices/identity-changed` (another account key), `devices/invalid-manifest` (signature, gap, rule), `protocol/malformed`.
 */
export function verifyManifestChain(provider: Verifier, input: ManifestChainInput): ManifestChainResult {
  const { pinned, chain, now } = input
  const manifests = chain.map((bytes) => verifyManifest(provider, bytes))
  const newest = manifests.at(-1)
  if (!newest && !pinned) fail('devices/invalid-manifest', 'empty chain')
  if (newest && pinned && newest.version < pinned.manifest.version) fail('devices/manifest-rollback', 'version')
  const ended = endFork(provider, manifests, input)
  let walk: Walk = ended ?? { current: pinned?.manifest ?? null, highestDeviceId: pinned?.highestDeviceId ?? 0, successions: [] }
  for (const next of ended?.rest ?? manifests) {
    walk = step(provider, walk, { next, isFirst: next === manifests[0], input })
  }
  return conclude(pinned, { ...walk, manifest: walk.current as Manifest, now })
}

function step(provider: Verifier, walk: Walk, { next, isFirst, input }: { next: Manifest; isFirst: boolean; input: ManifestChainInput }): Walk {
  const { current } = walk
  const highestDeviceId = Math.max(walk.highestDeviceId, highest(next.devices))
  if (!current) return { ...walk, current: next, highestDeviceId }
  if (next.accountId !== current.accountId) fail('devices/invalid-manifest', 'account')
  if (isFirst && next.version === current.version) {
    if (!equalPublicBytes(next.hash, current.hash)) fail('devices/manifest-fork', 'hash')
    return walk
  }
  if (isFirst && next.version < current.version) fail('devices/invalid-manifest', 'chain starts below the pin')
  const accepted = accountChange(provider, { believed: current, next, input })
  checkStep(current, next, walk.highestDeviceId)
  return { current: next, highestDeviceId, successions: [...walk.successions, ...accepted] }
}

function conclude(
  pinned: ManifestPin | null,
  { manifest, highestDeviceId, successions, now }: Omit<Walk, 'current'> & { readonly manifest: Manifest; readonly now: Timestamp },
): ManifestChainResult {
  const stale = now > manifest.notAfter
  const before = pinned?.manifest
  const newDeviceIds = manifest.devices.filter(({ deviceId }) => !before?.devices.some((known) => known.deviceId === deviceId)).map(({ deviceId }) => deviceId)
  const removedDeviceIds = (before?.devices ?? [])
    .filter(({ deviceId }) => !manifest.devices.some((known) => known.deviceId === deviceId))
    .map(({ deviceId }) => deviceId)
  // First contact with an expired manifest is allowed and flagged; a known account gets no new device from one.
  const unbelieved = stale && pinned ? [...pinned.unbelieved.filter((id) => manifest.devices.some(({ deviceId }) => deviceId === id)), ...newDeviceIds] : []
  return {
    pin: { manifest, highestDeviceId, unbelieved },
    manifest,
    stale,
    early: manifest.notBefore > now + CLOCK_TOLERANCE,
    changed: !before || before.version !== manifest.version,
    newDeviceIds,
    removedDeviceIds,
    successions,
  }
}

/** The devices that messages are encrypted to. */
export const believedDevices = (pin: ManifestPin): readonly ManifestDevice[] =>
  pin.manifest.devices.filter(({ deviceId }) => !pin.unbelieved.includes(deviceId))

/** Public data, but it must come back unchanged: keep it in a sealed store. */
export function encodeManifestPin({ manifest, highestDeviceId, unbelieved }: ManifestPin): Uint8Array {
  const writer = new ByteWriter(manifest.bytes.length + 64).u8(PIN_FORMAT).u32(highestDeviceId).u16(unbelieved.length)
  for (const id of unbelieved) writer.u32(id)
  return writer.u32(manifest.bytes.length).bytes(manifest.bytes).finish()
}

/** Trusts the stored manifest as verified. Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodeManifestPin(provider: Pick<CryptoProvider, 'blake2b'>, bytes: Uint8Array): ManifestPin {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'manifest pin')
  if (reader.u8() !== PIN_FORMAT) throw new SecureChatError('protocol/unsupported-version', { detail: 'manifest pin' })
  const highestDeviceId = reader.u32()
  const unbelieved: DeviceId[] = []
  for (let n = reader.u16(); n > 0; n--) unbelieved.push(reader.u32() as DeviceId)
  const encoded = reader.view(reader.u32())
  reader.end()
  return { manifest: decodeManifest(provider, encoded), highestDeviceId, unbelieved }
}

/** How headers and echoes name a manifest. */
export const manifestRef = ({ version, hash }: { readonly version: number; readonly hash: Uint8Array }): ManifestRef => ({
  version,
  hash: hash.subarray(0, 32),
})

/**
 * Judges an authenticated echo against the manifest that is known. `fork`: one version, two contents, the sign of a server
 * that shows different people different lists. `older` and `newer` are ordinary for a while (docs/protocol/02-keys-and-manifests.md).
 */
export function compareManifestRef(known: { readonly version: number; readonly hash: Uint8Array }, echoed: ManifestRef): 'same' | 'older' | 'newer' | 'fork' {
  if (echoed.version < known.version) return 'older'
  if (echoed.version > known.version) return 'newer'
  return equalPublicBytes(echoed.hash.subarray(0, 32), known.hash.subarray(0, 32)) ? 'same' : 'fork'
}
