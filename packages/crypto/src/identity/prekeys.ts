import {
  type AccountId,
  type DeviceId,
  idFromBytes,
  idToBytes,
  isDeviceId,
  LABELS,
  parseT,
  readU32,
  readU64,
  SecureChatError,
  SUITE,
  T,
  type Timestamp,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import type { DeviceOnlyBytes } from '../secret.js'
import { type DeviceKeys, generateAgreementKeys, readTypedKey, typedKey } from './keys.js'
import { encodePrivatePreKey, PREKEY_TYPES, type PreKeyType } from './private-prekeys.js'

/** A prekey as others see it. `signed` has the X25519 key, `last-resort` the ML-KEM key, `one-time` both. */
export interface PreKey {
  readonly type: PreKeyType
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  /** u32, unique in its device over all three types. */
  readonly keyId: number
  readonly created: Timestamp
  /** Afterwards the key still serves, but is flagged `stale`. */
  readonly notAfter: Timestamp
  readonly dhKey: Uint8Array | null
  readonly kemKey: Uint8Array | null
}

export interface GeneratedPreKey {
  readonly keyId: number
  /** Signed; uploaded as it is. */
  readonly public: Uint8Array
  /** Secret; stored sealed under `keyId` until it is consumed or long replaced. */
  readonly private: DeviceOnlyBytes
}
export interface PreKeyBatch {
  readonly signed: GeneratedPreKey
  readonly lastResort: GeneratedPreKey
  readonly oneTime: readonly GeneratedPreKey[]
  readonly nextKeyId: number
}
export interface PreKeyInput {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly deviceKeys: DeviceKeys
  /** Ids count up from here; none may ever be used twice by a device. */
  readonly firstKeyId: number
  /** Number of one-time pairs. */
  readonly count: number
}

/** A prekey is flagged after this time; the client rotates signed and last-resort keys weekly. */
const VALID_FOR = 30 * 86_400_000
const SIGNATURE = SIZES.ed25519Signature
const NOTHING = new Uint8Array(0)

const invalid = (detail: string): never => {
  throw new SecureChatError('prekeys/invalid-bundle', { detail })
}

function generate(deps: CryptoDeps, input: Omit<PreKeyInput, 'count'>, type: PreKeyType): GeneratedPreKey {
  const { provider, random, now } = deps
  const { accountId, deviceId, deviceKeys, firstKeyId: keyId } = input
  if (!Number.isInteger(keyId) || keyId < 1 || keyId > 0xffffffff) throw new SecureChatError('client/invalid-argument', { detail: 'prekey id' })
  const dh = type === 'last-resort' ? null : generateAgreementKeys(deps)
  const kemSeed = type === 'signed' ? null : random(SIZES.mlkemSeed)
  const kemKey = kemSeed ? provider.mlkem768KeyPair(kemSeed).publicKey : null
  const signed = T(
    LABELS.prekey,
    u8(SUITE),
    idToBytes(accountId),
    u32(deviceId),
    u8(PREKEY_TYPES[type]),
    u32(keyId),
    u64(now),
    u64(now + VALID_FOR),
    dh ? typedKey('x25519', dh.publicKey) : NOTHING,
    kemKey ? typedKey('mlkem768', kemKey) : NOTHING,
  )
  const out = new Uint8Array(signed.length + SIGNATURE)
  out.set(signed)
  out.set(provider.ed25519Sign(deviceKeys.signing.secretKey.expose(), signed), signed.length)
  return { keyId, public: out, private: encodePrivatePreKey({ type, keyId, dh, kemSeed }) }
}

/** One-time pairs for a refill. */
export function generateOneTimePreKeys(deps: CryptoDeps, input: PreKeyInput): { oneTime: GeneratedPreKey[]; nextKeyId: number } {
  const oneTime: GeneratedPreKey[] = []
  for (let i = 0; i < input.count; i++) oneTime.push(generate(deps, { ...input, firstKeyId: input.firstKeyId + i }, 'one-time'))
  return { oneTime, nextKeyId: input.firstKeyId + input.count }
}

/** A signed prekey, a last-resort KEM key and `count` one-time pairs (0 for the weekly rotation). */
export function generatePreKeys(deps: CryptoDeps, input: PreKeyInput): PreKeyBatch {
  const { firstKeyId } = input
  const signed = generate(deps, input, 'signed')
  const lastResort = generate(deps, { ...input, firstKeyId: firstKeyId + 1 }, 'last-resort')
  return { signed, lastResort, ...generateOneTimePreKeys(deps, { ...input, firstKeyId: firstKeyId + 2 }) }
}

function publicKey(field: Uint8Array, type: 'x25519' | 'mlkem768'): Uint8Array | null {
  if (field.length === 0) return null
  return readTypedKey(type, field) ?? invalid('key')
}

const typeOf = (code: number | undefined): PreKeyType => {
  if (code === PREKEY_TYPES.signed) return 'signed'
  if (code === PREKEY_TYPES['one-time']) return 'one-time'
  if (code === PREKEY_TYPES['last-resort']) return 'last-resort'
  return invalid('type')
}

/** Reads the shape, NOT the signature. Throws `prekeys/invalid-bundle`, `protocol/malformed` or `protocol/unsupported-version`. */
export function decodePreKey(bytes: Uint8Array): PreKey {
  if (bytes.length < SIGNATURE) invalid('length')
  const fields = parseT(bytes.slice(0, bytes.length - SIGNATURE), LABELS.prekey)
  if (fields.length !== 9) invalid('fields')
  const [suite, account, device, type, keyId, created, notAfter, dh, kem] = fields as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  if (suite.length !== 1 || suite[0] !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'prekey suite' })
  if (device.length !== 4 || type.length !== 1 || keyId.length !== 4 || created.length !== 8 || notAfter.length !== 8) invalid('field length')
  const preKey: PreKey = {
    type: typeOf(type[0]),
    accountId: idFromBytes<AccountId>(account),
    deviceId: readU32(device, 0) as DeviceId,
    keyId: readU32(keyId, 0),
    created: readU64(created, 0),
    notAfter: readU64(notAfter, 0),
    dhKey: publicKey(dh, 'x25519'),
    kemKey: publicKey(kem, 'mlkem768'),
  }
  if (!isDeviceId(preKey.deviceId) || preKey.keyId === 0 || preKey.notAfter <= preKey.created) invalid('fields')
  if ((preKey.dhKey !== null) !== (preKey.type !== 'last-resort') || (preKey.kemKey !== null) !== (preKey.type !== 'signed')) invalid('keys of the type')
  return preKey
}

/** As `decodePreKey`, and it is signed by this very device. Throws `prekeys/invalid-bundle` too. */
export function verifyPreKey(
  provider: Pick<CryptoProvider, 'ed25519Verify'>,
  bytes: Uint8Array,
  device: { readonly accountId: AccountId; readonly deviceId: DeviceId; readonly signingKey: Uint8Array },
): PreKey {
  const preKey = decodePreKey(bytes)
  if (preKey.accountId !== device.accountId || preKey.deviceId !== device.deviceId) invalid('owner')
  const end = bytes.length - SIGNATURE
  if (!provider.ed25519Verify(bytes.subarray(end), bytes.subarray(0, end), device.signingKey)) invalid('signature')
  return preKey
}
