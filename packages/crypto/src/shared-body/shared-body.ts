import {
  encodeSharedBodyHeader,
  equalPublicBytes,
  LABELS,
  LIMITS,
  parseSharedBody,
  parseT,
  type Random,
  readU32,
  SecureChatError,
  T,
  u8,
  u32,
} from '@securechat/protocol/core'
import { expand } from '../kdf/kdf.js'
import { pad, paddedLength, unpad } from '../padding/padding.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'

/** What each pairwise message carries as its `common` in the place of the content (docs/protocol/09-bodies-and-franking.md, "References"). */
export interface SharedBodyReference {
  /** 16 random bytes, also in the header of the envelope. */
  readonly id: Uint8Array
  /** K, 32 random bytes, used for this one body. */
  readonly key: Secret
  /** Of the whole body, 32 bytes. */
  readonly hash: Uint8Array
  /** Bytes of the whole body: what to expect, before it is fetched. */
  readonly size: number
}

type Provider = Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen' | 'equal'>
export interface SharedBodyDeps {
  readonly provider: Provider
  readonly random: Random
}

const VERSION = 1
const ID_BYTES = 16
const KEY_BYTES = 32
const HASH_BYTES = 32
const NOTHING = new Uint8Array(0)
/** Header 20, commitment 32, tag 16. */
const SHARED_BODY_OVERHEAD = 20 + 32 + SIZES.aeadTag

/** key 32 ‖ nonce 24 ‖ commitment 32 = expand(K, T("SC1/body", header), 88). */
function bodySecrets(provider: Provider, key: Secret, header: Uint8Array) {
  const out = expand(provider, key.expose(), T(LABELS.sharedBody, header), 88)
  return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
}

const bodyHash = (provider: Provider, body: Uint8Array): Uint8Array => provider.blake2b(HASH_BYTES, T(LABELS.sharedBodyHash, body))

/**
 * Encrypts `common` once for all devices, under a fresh key. Upload the body, then send every device an envelope with the id in its header
 * and the encoded reference as `common`. Throws `protocol/too-large`.
 */
export function sealSharedBody(
  { provider, random }: SharedBodyDeps,
  common: Uint8Array,
): { readonly body: Uint8Array; readonly reference: SharedBodyReference } {
  if (SHARED_BODY_OVERHEAD + paddedLength(common.length) > LIMITS.sharedBodyBytes) throw new SecureChatError('protocol/too-large', { detail: 'shared body' })
  const [id, key] = [random(ID_BYTES), new Secret(random(KEY_BYTES))]
  const header = encodeSharedBodyHeader(id)
  const secrets = bodySecrets(provider, key, header)
  const ciphertext = provider.aeadSeal(secrets.key, secrets.nonce, { data: pad(common), associatedData: NOTHING })
  const body = new Uint8Array(header.length + secrets.commitment.length + ciphertext.length)
  body.set(header)
  body.set(secrets.commitment, header.length)
  body.set(ciphertext, header.length + secrets.commitment.length)
  return { body, reference: { id, key, hash: bodyHash(provider, body), size: body.length } }
}

/**
 * The content that the reference names; `headerId` is the id in the envelope's header. Hash and commitment are compared, in constant time, before anything is
 * decrypted. Check the franking commitment of the envelope against what is returned. Throws `crypto/authentication-failed`, `protocol/malformed`,
 * `protocol/too-large`, `protocol/unsupported-version`.
 */
export function openSharedBody(
  { provider }: Pick<SharedBodyDeps, 'provider'>,
  { reference, headerId, body }: { readonly reference: SharedBodyReference; readonly headerId: Uint8Array; readonly body: Uint8Array },
): Uint8Array {
  const notAuthentic = (detail: string): never => {
    throw new SecureChatError('crypto/authentication-failed', { detail })
  }
  const parts = parseSharedBody(body)
  if (!equalPublicBytes(reference.id, headerId) || !equalPublicBytes(reference.id, parts.id)) notAuthentic('shared body id')
  if (body.length !== reference.size || !provider.equal(bodyHash(provider, body), reference.hash)) notAuthentic('shared body hash')
  const { key, nonce, commitment } = bodySecrets(provider, reference.key, parts.header)
  if (!provider.equal(commitment, parts.keyCommitment)) notAuthentic('shared body commitment')
  return unpad(provider.aeadOpen(key, nonce, { data: parts.ciphertext, associatedData: NOTHING }))
}

/** T("SC1/body/ref", u8 version, id, key, hash, u32 size): the same bytes for every device. Throws `client/invalid-argument`. */
export function encodeSharedBodyReference({ id, key, hash, size }: SharedBodyReference): Uint8Array {
  if (id.length !== ID_BYTES || key.expose().length !== KEY_BYTES || hash.length !== HASH_BYTES || !isBodySize(size))
    throw new SecureChatError('client/invalid-argument', { detail: 'shared body reference' })
  return T(LABELS.sharedBodyReference, u8(VERSION), id, key.expose(), hash, u32(size))
}

const isBodySize = (size: number): boolean => Number.isInteger(size) && size > SHARED_BODY_OVERHEAD && size <= LIMITS.sharedBodyBytes

/** Strict: what is accepted encodes to the same bytes. Copies. Throws `protocol/malformed` or `protocol/unsupported-version`. */
export function decodeSharedBodyReference(bytes: Uint8Array): SharedBodyReference {
  const [version, id, key, hash, size, ...more] = parseT(bytes, LABELS.sharedBodyReference)
  const malformed = (): never => {
    throw new SecureChatError('protocol/malformed', { detail: 'shared body reference' })
  }
  if (version?.length !== 1) return malformed()
  if (version[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'shared body reference' })
  if (id?.length !== ID_BYTES || key?.length !== KEY_BYTES || hash?.length !== HASH_BYTES || size?.length !== 4 || more.length > 0) return malformed()
  if (!isBodySize(readU32(size, 0))) return malformed()
  return { id: id.slice(), key: new Secret(key.slice()), hash: hash.slice(), size: readU32(size, 0) }
}
