import { type DeviceId, equalPublicBytes, type ManifestRef, SecureChatError, type Timestamp } from '@securechat/protocol'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { CryptoProvider } from '../primitives/provider.js'
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
  /** The changed account key that the user has accepted; no other change passes. */
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
  if (sameAccountKey && !equalPublicBytes(next.recoveryKey, before.recoveryKey)) fail('devices/invalid-manifest', 'recovery key changed')
  for (const device of next.devices) {
    const known = before.devices.find(({ deviceId }) => deviceId === device.deviceId)
    if (known) {
      if (!sameDevice(known, device)) fail('devices/invalid-manifest', 'device changed')
    } else if (device.deviceId <= highestDeviceId) fail('devices/invalid-manifest', 'device id reused')
    else if (device.addedVersion !== next.version) fail('devices/invalid-manifest', 'added version')
  }
}

/**
 * Judges a server's answer against what is pinned. Every signature and every link is checked before anything is believed.
 * Throws `devices/manifest-rollback` (all older than the pin), `devices/manifest-fork` (other content for a known version, or a link
 * that does not fit), `devices/identity-changed` (another account key), `devices/invalid-manifest` (signature, gap, rule).
 */
export function verifyManifestChain(provider: Verifier, { pinned, chain, now, acceptAccountKey }: ManifestChainInput): ManifestChainResult {
  let current = pinned?.manifest ?? null
  let highestDeviceId = pinned?.highestDeviceId ?? 0
  const manifests = chain.map((bytes) => verifyManifest(provider, bytes))
  const newest = manifests.at(-1)
  if (!newest && !current) fail('devices/invalid-manifest', 'empty chain')
  if (newest && pinned && newest.version < pinned.manifest.version) fail('devices/manifest-rollback', 'version')
  for (const next of manifests) {
    if (current && next.accountId !== current.accountId) fail('devices/invalid-manifest', 'account')
    if (current && next === manifests[0] && next.version === current.version) {
      if (!equalPublicBytes(next.hash, current.hash)) fail('devices/manifest-fork', 'hash')
      continue
    }
    if (current && next === manifests[0] && next.version < current.version) fail('devices/invalid-manifest', 'chain starts below the pin')
    if (current && pinned && !equalPublicBytes(next.accountKey, current.accountKey)) {
      if (!acceptAccountKey || !equalPublicBytes(next.accountKey, acceptAccountKey)) fail('devices/identity-changed', 'account key')
    }
    if (current) checkStep(current, next, highestDeviceId)
    highestDeviceId = Math.max(highestDeviceId, highest(next.devices))
    current = next
  }
  const manifest = current as Manifest
  return conclude(pinned, { manifest, highestDeviceId, now })
}

function conclude(
  pinned: ManifestPin | null,
  { manifest, highestDeviceId, now }: { manifest: Manifest; highestDeviceId: number; now: Timestamp },
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
 * that shows different people different lists. `older` and `newer` are ordinary for a while (protocol.md, refinement 6).
 */
export function compareManifestRef(known: { readonly version: number; readonly hash: Uint8Array }, echoed: ManifestRef): 'same' | 'older' | 'newer' | 'fork' {
  if (echoed.version !== known.version) return echoed.version < known.version ? 'older' : 'newer'
  return equalPublicBytes(echoed.hash.subarray(0, 32), known.hash.subarray(0, 32)) ? 'same' : 'fork'
}
