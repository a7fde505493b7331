import {
  type AccountId,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  LABELS,
  parseT,
  readU64,
  SecureChatError,
  SUITE,
  T,
  u8,
  u64,
} from '@securechat/protocol/core'
import { type KeyPair, readTypedKey, typedKey } from '../identity/keys.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'

/** The recovery key's word that one account key follows another after this very manifest (docs/protocol/11, "Succession"). */
export interface Succession {
  readonly accountId: AccountId
  readonly oldAccountKey: Uint8Array
  readonly newAccountKey: Uint8Array
  /** The manifest that the new key's first one follows: its version, and its 64-byte hash. */
  readonly lastVersion: number
  readonly lastHash: Uint8Array
}

const SIGNATURE = SIZES.ed25519Signature

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'succession' })
}

function checkShape({ oldAccountKey, newAccountKey, lastVersion, lastHash }: Succession): boolean {
  const keys = oldAccountKey.length === 32 && newAccountKey.length === 32 && !equalPublicBytes(oldAccountKey, newAccountKey)
  return keys && lastVersion >= 1 && lastHash.length === 64
}

/** Signed where the words were typed, for a new account key that exists. Throws `client/invalid-argument` for what nobody would accept. */
export function createSuccession(provider: Pick<CryptoProvider, 'ed25519Sign'>, input: Succession & { readonly recoveryKey: KeyPair }): Uint8Array {
  if (!checkShape(input)) throw new SecureChatError('client/invalid-argument', { detail: 'succession' })
  const { accountId, oldAccountKey, newAccountKey, lastVersion, lastHash, recoveryKey } = input
  const keys = [typedKey('ed25519', oldAccountKey), typedKey('ed25519', newAccountKey)]
  const signed = T(LABELS.succession, u8(SUITE), idToBytes(accountId), ...keys, u64(lastVersion), lastHash)
  const out = new Uint8Array(signed.length + SIGNATURE)
  out.set(signed)
  out.set(provider.ed25519Sign(recoveryKey.secretKey.expose(), signed), signed.length)
  return out
}

const accountKey = (field: Uint8Array): Uint8Array => readTypedKey('ed25519', field) ?? malformed()

/** Reads the shape, NOT the signature. Throws `protocol/malformed` or `protocol/unsupported-version`. */
export function decodeSuccession(bytes: Uint8Array): Succession {
  const fields = parseT(bytes.subarray(0, bytes.length - SIGNATURE), LABELS.succession)
  if (fields.length !== 6) malformed()
  const [suite, account, oldKey, newKey, lastVersion, lastHash] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  if (suite.length !== 1 || suite[0] !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'succession suite' })
  if (lastVersion.length !== 8) malformed()
  const succession = {
    accountId: idFromBytes<AccountId>(account),
    oldAccountKey: accountKey(oldKey),
    newAccountKey: accountKey(newKey),
    lastVersion: readU64(lastVersion, 0),
    lastHash: lastHash.slice(),
  }
  return checkShape(succession) ? succession : malformed()
}

/** `recoveryKey` is the one of the manifest that is believed, never of the new one. */
export function isSignedSuccession(provider: Pick<CryptoProvider, 'ed25519Verify'>, bytes: Uint8Array, recoveryKey: Uint8Array): boolean {
  const end = bytes.length - SIGNATURE
  return provider.ed25519Verify(bytes.subarray(end), bytes.subarray(0, end), recoveryKey)
}

/** As `decodeSuccession`, and the signature of this recovery key holds. Throws `crypto/invalid-signature` too. */
export function verifySuccession(provider: Pick<CryptoProvider, 'ed25519Verify'>, bytes: Uint8Array, recoveryKey: Uint8Array): Succession {
  const succession = decodeSuccession(bytes)
  if (!isSignedSuccession(provider, bytes, recoveryKey)) throw new SecureChatError('crypto/invalid-signature', { detail: 'succession' })
  return succession
}
