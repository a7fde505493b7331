import {
  type AccountId,
  concatBytes,
  type DeviceId,
  idFromBytes,
  idToBytes,
  isDeviceId,
  KEY_TYPES,
  LABELS,
  LIMITS,
  parseT,
  readU64,
  SecureChatError,
  SUITE,
  T,
  type Timestamp,
  u8,
  u64,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { decodeSuccession } from '../recovery/succession.js'
import { type DeviceAccept, verifyDeviceAccept } from './device-accept.js'
import { type AccountKeys, typedKey } from './keys.js'

export const DEVICE_FLAGS = {
  /** Holds the account key. */
  primary: 0x01,
} as const

export interface ManifestDevice {
  readonly deviceId: DeviceId
  /** DSK, Ed25519. */
  readonly signingKey: Uint8Array
  /** DIK, X25519. */
  readonly identityKey: Uint8Array
  /** Version of the manifest that listed the device first. */
  readonly addedVersion: number
  /** Bits of DEVICE_FLAGS; unknown bits are kept. */
  readonly flags: number
  readonly accept: DeviceAccept
}

export interface Manifest {
  readonly accountId: AccountId
  readonly version: number
  /** Hash of version − 1: 64 bytes, empty in version 1. */
  readonly prevHash: Uint8Array
  readonly notBefore: Timestamp
  readonly notAfter: Timestamp
  /** AIK. */
  readonly accountKey: Uint8Array
  /** Ed25519 key that may sign a succession; empty where the account has none. */
  readonly recoveryKey: Uint8Array
  /** Ascending by id, at least one. */
  readonly devices: readonly ManifestDevice[]
  /** The first under its account key carries the recovery key's word for it (docs/protocol/11, "Succession"); empty elsewhere. Not signed by the account key. */
  readonly succession: Uint8Array
  /** BLAKE2b-512 of what the account key signed. */
  readonly hash: Uint8Array
  /** The manifest as it travels. */
  readonly bytes: Uint8Array
}

export interface ManifestInput {
  readonly accountId: AccountId
  readonly accountKey: AccountKeys
  readonly version: number
  readonly prevHash: Uint8Array
  readonly notBefore: Timestamp
  readonly notAfter: Timestamp
  readonly devices: readonly ManifestDevice[]
  readonly recoveryKey?: Uint8Array
  /** What `createSuccession` made for this step. */
  readonly succession?: Uint8Array
}

/** 2: with a succession at the end. */
const FORMATS = { plain: 1, succeeding: 2 } as const
const ENTRY = 4 + 33 + 33 + 8 + 4
const NOTHING = new Uint8Array(0)
const DAY = 86_400_000

const invalid = (detail: string): never => {
  throw new SecureChatError('devices/invalid-manifest', { detail })
}

function deviceEntry(device: ManifestDevice): Uint8Array {
  const { deviceId, addedVersion, flags } = device
  return new ByteWriter(ENTRY)
    .u32(deviceId)
    .bytes(typedKey('ed25519', device.signingKey))
    .bytes(typedKey('x25519', device.identityKey))
    .u64(addedVersion)
    .u32(flags)
    .finish()
}

function checkShape(m: Omit<Manifest, 'hash' | 'bytes'>): void {
  if (m.prevHash.length !== (m.version === 1 ? 0 : 64)) invalid('previous hash')
  if (m.notAfter <= m.notBefore || m.notAfter - m.notBefore > LIMITS.manifestDays * DAY) invalid('validity')
  if (m.devices.length < 1 || m.devices.length > LIMITS.devicesPerAccount) invalid('number of devices')
  if (m.succession.length > 0) {
    if (m.version === 1) invalid('succession')
    decodeSuccession(m.succession)
  }
  let last = 0
  for (const { deviceId, addedVersion, accept } of m.devices) {
    if (!isDeviceId(deviceId) || deviceId <= last) invalid('device order')
    // So the version of a manifest is at least 1 too.
    if (addedVersion < 1 || addedVersion > m.version) invalid('added version')
    if (accept.transcript.length !== 0 && accept.transcript.length !== 32) invalid('accept transcript')
    last = deviceId
  }
}

/**
 * Signs a manifest (docs/protocol/02-keys-and-manifests.md). Commit `bytes` before the upload and retry them unchanged: two
 * signed manifests of one version are a fork. Throws `devices/invalid-manifest` where the fields break a rule, `protocol/malformed` for a succession that is none.
 */
export function createManifest({ provider }: Pick<CryptoDeps, 'provider'>, input: ManifestInput): { bytes: Uint8Array; hash: Uint8Array } {
  const devices = [...input.devices].sort((a, b) => a.deviceId - b.deviceId)
  const { recoveryKey = NOTHING, succession = NOTHING } = input
  checkShape({ ...input, accountKey: input.accountKey.publicKey, recoveryKey, devices, succession })
  const core = T(
    LABELS.manifest,
    u8(SUITE),
    idToBytes(input.accountId),
    typedKey('ed25519', input.accountKey.publicKey),
    u64(input.version),
    input.prevHash,
    u64(input.notBefore),
    u64(input.notAfter),
    recoveryKey.length === 0 ? NOTHING : typedKey('ed25519', recoveryKey),
    concatBytes(...devices.map(deviceEntry)),
  )
  const writer = new ByteWriter(core.length + 256)
    .u8(succession.length === 0 ? FORMATS.plain : FORMATS.succeeding)
    .u32(core.length)
    .bytes(core)
    .bytes(provider.ed25519Sign(input.accountKey.secretKey.expose(), core))
  for (const { accept } of devices) writer.u8(accept.transcript.length).bytes(accept.transcript).bytes(accept.signature)
  writer.bytes(succession)
  return { bytes: writer.finish(), hash: provider.blake2b(64, core) }
}

interface DecodedManifest extends Omit<Manifest, 'hash'> {
  readonly core: Uint8Array
  readonly signature: Uint8Array
}

function readTyped(reader: ByteReader, type: keyof typeof KEY_TYPES): Uint8Array {
  reader.expect(KEY_TYPES[type], reader.u8())
  return reader.copy(32)
}

function fixedU64(field: Uint8Array): number {
  if (field.length !== 8) invalid('integer')
  return readU64(field, 0)
}

function decode(input: Uint8Array): DecodedManifest {
  if (input.length > LIMITS.manifestBytes) throw new SecureChatError('protocol/too-large', { detail: 'manifest' })
  const bytes = input.slice()
  const reader = new ByteReader(bytes, 'devices/invalid-manifest', 'encoding')
  const format = reader.u8()
  if (format !== FORMATS.plain && format !== FORMATS.succeeding) throw new SecureChatError('protocol/unsupported-version', { detail: 'manifest' })
  const core = reader.view(reader.u32())
  const fields = parseCore(core)
  const [suite, account, accountKey, version, prevHash, notBefore, notAfter, recovery, list] = fields
  if (suite!.length !== 1 || suite![0] !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'manifest suite' })
  const keyReader = new ByteReader(accountKey!, 'devices/invalid-manifest', 'account key')
  const signature = reader.copy(64)
  const entries = new ByteReader(list!, 'devices/invalid-manifest', 'devices')
  const devices: ManifestDevice[] = []
  while (entries.remaining > 0) {
    devices.push({
      deviceId: entries.u32() as DeviceId,
      signingKey: readTyped(entries, 'ed25519'),
      identityKey: readTyped(entries, 'x25519'),
      addedVersion: entries.u64(),
      flags: entries.u32(),
      accept: { transcript: reader.copy(reader.u8()), signature: reader.copy(64) },
    })
  }
  const succession = format === FORMATS.succeeding ? reader.copy(reader.remaining) : NOTHING
  if (format === FORMATS.succeeding && succession.length === 0) invalid('succession')
  reader.end()
  const decodedKey = readTyped(keyReader, 'ed25519')
  keyReader.end()
  const manifest = {
    accountId: idFromBytes<AccountId>(account!),
    version: fixedU64(version!),
    prevHash: prevHash!,
    notBefore: fixedU64(notBefore!),
    notAfter: fixedU64(notAfter!),
    accountKey: decodedKey,
    recoveryKey: recoveryKeyOf(recovery!),
    devices,
    succession,
  }
  checkShape(manifest)
  return { ...manifest, bytes, core, signature }
}

function parseCore(core: Uint8Array): Uint8Array[] {
  const fields = parseT(core, LABELS.manifest)
  if (fields.length !== 9) invalid('fields')
  return fields
}

function recoveryKeyOf(field: Uint8Array): Uint8Array {
  if (field.length === 0) return NOTHING
  const reader = new ByteReader(field, 'devices/invalid-manifest', 'recovery key')
  const key = readTyped(reader, 'ed25519')
  reader.end()
  return key
}

const finish = (provider: Pick<CryptoProvider, 'blake2b'>, { core, signature: _, ...manifest }: DecodedManifest): Manifest => ({
  ...manifest,
  hash: provider.blake2b(64, core),
})

/**
 * Reads the shape and checks the rules of one manifest, but NO signature: for bytes that this device verified before, or to
 * look at a manifest that is about to be verified. Throws `devices/invalid-manifest`, `protocol/malformed`,
 * `protocol/too-large` or `protocol/unsupported-version`.
 */
export function decodeManifest(provider: Pick<CryptoProvider, 'blake2b'>, bytes: Uint8Array): Manifest {
  return finish(provider, decode(bytes))
}

/** As `decodeManifest`, and the account's signature and every device's acceptance hold. It says nothing about whose account key it is. */
export function verifyManifest(provider: Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>, bytes: Uint8Array): Manifest {
  const decoded = decode(bytes)
  if (!provider.ed25519Verify(decoded.signature, decoded.core, decoded.accountKey)) invalid('signature')
  for (const device of decoded.devices) verifyDeviceAccept(provider, { ...device, accountId: decoded.accountId, accountKey: decoded.accountKey }, device.accept)
  return finish(provider, decoded)
}
