// 11 Recovery and backup.
import { concat, cursor, readT, readUint, refuse, requireEqual, same, T, toHex, uint } from './bytes.mjs'
import { unpad } from './envelope.mjs'
import { SUITE } from './keys.mjs'
import { aeadOpen, expand, H, kdf, requireCommitment } from './primitives.mjs'

export function recoveryKeys(entropy) {
  const salt = H(T('SC1/recovery', SUITE), undefined, 32)
  return {
    backupKey: kdf(salt, entropy, T('SC1/recovery/backup', SUITE), 32),
    signingSeed: kdf(salt, entropy, T('SC1/recovery/signing', SUITE), 32),
  }
}

const rootOf = ({ backupKey, account }, backupId) => expand(backupKey, T('SC1/backup', SUITE, account, backupId), 32)

/** head 27 ‖ salt 32 ‖ commitment 32 ‖ ciphertext; gives the padded plaintext. */
function openContainer(keys, bytes) {
  const from = cursor(bytes)
  const head = from.take(27)
  const [version, suite, kind, backupId, number] = [head[0], head[1], head[2], head.subarray(3, 19), readUint(head.subarray(19))]
  if (version !== 1 || suite !== 1) refuse('container')
  const [salt, commitment] = [from.take(32), from.take(32)]
  const secrets = expand(rootOf(keys, backupId), T('SC1/backup/segment', head, salt), 88)
  requireCommitment(secrets.subarray(56), commitment)
  return { head, kind, backupId, number, salt, padded: aeadOpen(secrets.subarray(0, 32), secrets.subarray(32, 56), from.rest()) }
}

/** What a writer makes the salt of. */
export const saltOf = (keys, { head, backupId, padded }, random) => H(T('SC1/backup/salt', head, random, H(padded)), rootOf(keys, backupId), 32)

export function openSegment(keys, bytes) {
  const container = openContainer(keys, bytes)
  const from = cursor(unpad(container.padded))
  const records = []
  while (from.rest().length > 0) {
    const name = from.take(from.uint(2))
    records.push({ name, value: from.uint(1) === 1 ? from.take(from.uint(4)) : null })
  }
  return { ...container, records }
}

export function openManifest(keys, bytes) {
  const container = openContainer(keys, bytes)
  if (container.kind !== 0) refuse('kind')
  const core = unpad(container.padded)
  const [suite, account, backupId, revision, prevHash, created, nextNumber, ancestors, list] = readT(core, 'SC1/backup/manifest')
  requireEqual(suite, SUITE, 'suite')
  if (!same(account, keys.account) || !same(backupId, container.backupId) || readUint(revision) !== container.number) refuse('place of the manifest')
  if ((container.number === 1) !== (prevHash.length === 0)) refuse('previous hash')
  const from = cursor(list)
  const entries = []
  while (from.rest().length > 0) entries.push({ backupId: from.take(16), number: from.uint(4), kind: from.uint(1), length: from.uint(4), hash: from.take(32) })
  return { ...container, hash: H(core), created: readUint(created), nextNumber: readUint(nextNumber), ancestors, entries }
}

/** An entry lists exactly this segment. */
export function requireListed(entry, bytes) {
  const { kind, backupId, number } = { kind: bytes[2], backupId: bytes.subarray(3, 19), number: readUint(bytes.subarray(19, 27)) }
  requireEqual([entry.kind, toHex(entry.backupId), entry.number, entry.length], [kind, toHex(backupId), number, bytes.length], 'entry')
  requireEqual(entry.hash, H(bytes, undefined, 32), 'hash of a segment')
}

export const anchorBytes = ({ backupId, number, hash }) => concat(backupId, uint(8, number), hash)
