import {
  LABELS,
  type ManifestRef,
  parseT,
  readU64,
  SecureChatError,
  sizeOfTHead,
  writeField,
  writeFieldLength,
  writeFieldStart,
  writeTHead,
  writeU32,
  writeU64Field,
} from '@securechat/protocol/core'
import type { ManifestId } from '../identity/devices.js'
import { paddedLength, unpad } from '../padding/padding.js'

export interface Plaintext {
  /** The same bytes on every copy of a message; what a franking commitment covers. May be empty. */
  readonly common: Uint8Array
  /** For this session only; usually empty. */
  readonly perSession: Uint8Array
}

/** What is to be encrypted: a `Plaintext` whose part for this session may be left out. */
export type PlaintextInput = Pick<Plaintext, 'common'> & Partial<Plaintext>

const NOTHING = new Uint8Array(0)

export const wholePlaintext = ({ common, perSession = NOTHING }: PlaintextInput): Plaintext => ({ common, perSession })

/** The manifests of both accounts as the sender knew them. */
export interface ManifestEcho {
  readonly sender: ManifestRef
  readonly recipient: ManifestRef
}

/** Bytes of a manifest's hash that name it. */
const MANIFEST_HASH = 32

/** Beside what the caller says: for this one message of this session. */
export interface Attached {
  readonly echo: ManifestEcho
  /** Of the post-quantum ratchet. */
  readonly chunk: Uint8Array | null
}

/** Six lengths, two versions and two hashes: the per-session fields without the caller's bytes and the chunk. */
const FRAMING = 5 * 4 + 2 * 8 + 2 * MANIFEST_HASH

const perSessionSize = (perSession: Uint8Array, chunk: Uint8Array | null): number =>
  sizeOfTHead(LABELS.perSession) + FRAMING + perSession.length + (chunk ? 4 + chunk.length : 0)

const contentSize = ({ common, perSession }: Plaintext, chunk: Uint8Array | null): number =>
  sizeOfTHead(LABELS.plaintext) + 4 + common.length + 4 + perSessionSize(perSession, chunk)

/** Bytes of the padded plaintext. */
export const plaintextLength = (plaintext: Plaintext, chunk: Uint8Array | null): number => paddedLength(contentSize(plaintext, chunk))

/** What a message tells of the manifests: their owners as this device knows them. */
export interface EchoedManifests {
  readonly sender: ManifestId
  readonly recipient: ManifestId
}

/**
 * pad(T("SC1/plaintext", common, T("SC1/per-session", sender's version, hash, recipient's version, hash, the caller's bytes, [chunk]))) at `at` of `out`, where
 * `plaintextLength` bytes are zero. Straight into the envelope, which encrypts it in place: a copy of its own would cost more than the writing.
 */
export function writePlaintext(
  out: Uint8Array,
  at: number,
  { plaintext, echo, chunk }: { readonly plaintext: Plaintext; readonly echo: EchoedManifests; readonly chunk: Uint8Array | null },
): void {
  const { common, perSession } = plaintext
  writeU32(out, at, contentSize(plaintext, chunk))
  let next = writeTHead(out, at + 4, LABELS.plaintext, 2)
  next = writeField(out, next, common)
  next = writeFieldLength(out, next, perSessionSize(perSession, chunk))
  next = writeTHead(out, next, LABELS.perSession, chunk ? 6 : 5)
  next = writeU64Field(out, next, echo.sender.version)
  next = writeFieldStart(out, next, echo.sender.hash, MANIFEST_HASH)
  next = writeU64Field(out, next, echo.recipient.version)
  next = writeFieldStart(out, next, echo.recipient.hash, MANIFEST_HASH)
  next = writeField(out, next, perSession)
  if (chunk) writeField(out, next, chunk)
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
