import { LABELS, type ManifestRef, parseT, readU64, SecureChatError, sizeOfT, transientT, u64, writeT } from '@securechat/protocol'
import { padInPlace, unpad } from '../padding/padding.js'

export interface Plaintext {
  /** The same bytes on every copy of a message; what a franking commitment covers. May be empty. */
  readonly common: Uint8Array
  /** For this session only; usually empty. */
  readonly perSession: Uint8Array
}

/** What is to be encrypted: a `Plaintext` whose part for this session may be left out. */
export type PlaintextInput = Pick<Plaintext, 'common'> & Partial<Plaintext>

const NOTHING = new Uint8Array(0)

/** The manifests of both accounts as the sender knew them. */
export interface ManifestEcho {
  readonly sender: ManifestRef
  readonly recipient: ManifestRef
}

/** Beside what the caller says: for this one message of this session. */
export interface Attached {
  readonly echo: ManifestEcho
  /** Of the post-quantum ratchet. */
  readonly chunk: Uint8Array | null
}

/** pad(T("SC1/plaintext", common, T("SC1/per-session", sender's version, hash, recipient's version, hash, the caller's bytes, [chunk]))). */
export function encodePlaintext({ common, perSession = NOTHING }: PlaintextInput, { echo: { sender, recipient }, chunk }: Attached): Uint8Array {
  const [ours, theirs] = [u64(sender.version), u64(recipient.version)]
  const own = chunk
    ? transientT(LABELS.perSession, ours, sender.hash, theirs, recipient.hash, perSession, chunk)
    : transientT(LABELS.perSession, ours, sender.hash, theirs, recipient.hash, perSession)
  return padInPlace(sizeOfT(LABELS.plaintext, common, own), (content) => writeT(content, LABELS.plaintext, common, own))
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'plaintext' })
}

function reference(version: Uint8Array | undefined, hash: Uint8Array | undefined): ManifestRef {
  if (version?.length !== 8 || hash?.length !== 32) return malformed()
  return { version: readU64(version, 0), hash }
}

/** Later fields are tolerated, so that a newer sender can add some. Views into `padded`. Throws `protocol/malformed`. */
export function decodePlaintext(padded: Uint8Array): Attached & { plaintext: Plaintext } {
  const [common, own] = parseT(unpad(padded), LABELS.plaintext)
  if (!common || !own) return malformed()
  const [senderVersion, senderHash, recipientVersion, recipientHash, perSession, chunk] = parseT(own, LABELS.perSession)
  if (!perSession) return malformed()
  const echo = { sender: reference(senderVersion, senderHash), recipient: reference(recipientVersion, recipientHash) }
  return { plaintext: { common, perSession }, echo, chunk: chunk ?? null }
}
