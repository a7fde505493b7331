import { type AccountId, idToBytes, LABELS, type Random, SecureChatError, SUITE, T, u8 } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { expand } from '../kdf/kdf.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'

export interface BackupDeps {
  readonly provider: Pick<CryptoProvider, 'blake2b' | 'aeadSeal' | 'aeadOpen' | 'equal'>
  readonly random: Random
}

/** What a backup's containers are sealed under. */
export interface BackupKeys {
  /** 32 bytes, of the recovery words. */
  readonly backupKey: Secret
  readonly accountId: AccountId
}

/** Which container it is: in its keys, so that one is never taken for another. */
export interface ContainerHead {
  /** 0 for a manifest, else a code of BACKUP_KINDS. */
  readonly kind: number
  /** 16 bytes. */
  readonly backupId: Uint8Array
  /** Of the segment, or the manifest's revision. */
  readonly number: number
}

const VERSION = 1
const SALT = 32
const COMMITMENT = 32
const HEAD = 3 + 16 + 8
const NOTHING = new Uint8Array(0)
/** Bytes that a container has beyond its plaintext. */
export const CONTAINER_OVERHEAD = HEAD + SALT + COMMITMENT + SIZES.aeadTag

const headBytes = ({ kind, backupId, number }: ContainerHead): Uint8Array =>
  new ByteWriter(HEAD).u8(VERSION).u8(SUITE).u8(kind).bytes(backupId).u64(number).finish()

/** Reads the clear part. Throws `protocol/malformed` or `protocol/unsupported-version`. */
export function peekContainer(bytes: Uint8Array): ContainerHead {
  const reader = new ByteReader(bytes, 'protocol/malformed', 'backup container')
  if (reader.u8() !== VERSION || reader.u8() !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'backup container' })
  const head = { kind: reader.u8(), backupId: reader.copy(16), number: reader.u64() }
  if (bytes.length < CONTAINER_OVERHEAD) reader.fail()
  return head
}

function rootKey({ blake2b }: BackupDeps['provider'], { backupKey, accountId }: BackupKeys, backupId: Uint8Array): Secret {
  const info = T(LABELS.backup, u8(SUITE), idToBytes(accountId), backupId)
  return new Secret(expand({ blake2b }, backupKey.expose(), info, 32))
}

/** key 32 ‖ nonce 24 ‖ commitment 32 = expand(root, T("SC1/backup/segment", head, salt), 88). */
function containerSecrets({ blake2b }: BackupDeps['provider'], root: Secret, { head, salt }: { readonly head: Uint8Array; readonly salt: Uint8Array }) {
  const out = expand({ blake2b }, root.expose(), T(LABELS.backupSegment, head, salt), 88)
  return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
}

/**
 * The salt is made of randomness AND of the plaintext, so that two copies of one device (a backup restored twice, a machine cloned with its random state)
 * that write different contents under one number still use different keys.
 */
export function sealContainer(
  { provider, random }: BackupDeps,
  keys: BackupKeys,
  { plaintext, ...which }: ContainerHead & { plaintext: Uint8Array },
): Uint8Array {
  const head = headBytes(which)
  const root = rootKey(provider, keys, which.backupId)
  const salt = provider.blake2b(SALT, T(LABELS.backupSalt, head, random(32), provider.blake2b(64, plaintext)), root.expose())
  const { key, nonce, commitment } = containerSecrets(provider, root, { head, salt })
  const ciphertext = provider.aeadSeal(key, nonce, { data: plaintext, associatedData: NOTHING })
  return new ByteWriter(CONTAINER_OVERHEAD + plaintext.length).bytes(head).bytes(salt).bytes(commitment).bytes(ciphertext).finish()
}

/**
 * Opens only what was sealed as exactly this container of this account. The commitment is compared first: a ciphertext that fits two keys would be two
 * backups. Throws `crypto/authentication-failed`, `protocol/malformed` or `protocol/unsupported-version`.
 */
export function openContainer(provider: BackupDeps['provider'], keys: BackupKeys, { bytes, ...which }: ContainerHead & { bytes: Uint8Array }): Uint8Array {
  peekContainer(bytes)
  const head = headBytes(which)
  const salt = bytes.subarray(HEAD, HEAD + SALT)
  const { key, nonce, commitment } = containerSecrets(provider, rootKey(provider, keys, which.backupId), { head, salt })
  if (!provider.equal(commitment, bytes.subarray(HEAD + SALT, HEAD + SALT + COMMITMENT)) || !provider.equal(head, bytes.subarray(0, HEAD)))
    throw new SecureChatError('crypto/authentication-failed', { detail: 'backup container' })
  return provider.aeadOpen(key, nonce, { data: bytes.subarray(HEAD + SALT + COMMITMENT), associatedData: NOTHING })
}
