import { LABELS, type ManifestRef, parseT, readU64, SecureChatError, sizeOfT, u64, writeT } from '@securechat/protocol/core'
import { padInPlace, unpad } from '../padding/padding.js'

/** What every member reads. There is no part for one session: a group message is one ciphertext for all. */
export interface GroupPlaintext {
  /** What a franking commitment covers. */
  readonly common: Uint8Array
  /** The sender's manifest as the sender knows it, so that a split view of it is seen. */
  readonly manifest: ManifestRef
}

/** pad(T("SC1/sk/plaintext", common, u64 version, hash 32)). */
export function encodeGroupPlaintext({ common, manifest }: GroupPlaintext): Uint8Array {
  if (manifest.hash.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'manifest hash length' })
  const version = u64(manifest.version)
  return padInPlace(sizeOfT(LABELS.senderKeyPlaintext, common, version, manifest.hash), (content) =>
    writeT(content, LABELS.senderKeyPlaintext, common, version, manifest.hash),
  )
}

/** Later fields are tolerated. Views. Throws `protocol/malformed`. */
export function decodeGroupPlaintext(padded: Uint8Array): GroupPlaintext {
  const [common, version, hash] = parseT(unpad(padded), LABELS.senderKeyPlaintext)
  if (!common || version?.length !== 8 || hash?.length !== 32) throw new SecureChatError('protocol/malformed', { detail: 'group plaintext' })
  return { common, manifest: { version: readU64(version, 0), hash } }
}
