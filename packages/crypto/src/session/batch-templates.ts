import { idToBytes, LABELS, sizeOfT, T, u8, u16, u32, writeU32, writeU64 } from '@securechat/protocol/core'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import { type ManifestEcho, type Plaintext, plaintextLength, writePlaintext } from './plaintext.js'

const NOTHING = new Uint8Array(0)
const SECRETS = 88

/** Where field `index` of `T(label, fields…)` begins. */
const fieldAt = (label: (typeof LABELS)[keyof typeof LABELS], before: readonly Uint8Array[]): number => sizeOfT(label, ...before) + 4

/** The padded plaintext of a message for many, of which only the recipient's manifest and the chunk differ: filled in, used at once, filled in anew. */
export interface PlaintextTemplate {
  fillMutable(manifest: RemoteDevice['manifest'], chunk: Uint8Array | null): Uint8Array
  /** Erases the plaintext; the next `fillMutable` makes it again. */
  wipeMutable(): void
}

/** Layout of `writePlaintext` (docs/protocol/05-envelope.md, "Plaintext"). The bytes that are filled in last stay until the next call. */
export function plaintextTemplate(plaintext: Plaintext, { sender }: Pick<ManifestEcho, 'sender'>): PlaintextTemplate {
  const unnamed = { version: 0, hash: new Uint8Array(32) }
  const eight = new Uint8Array(8)
  // u32 length of the padding's content, then common, then perSession as the second field.
  const own = 4 + fieldAt(LABELS.plaintext, [plaintext.common])
  const version = own + fieldAt(LABELS.perSession, [eight, sender.hash])
  const hash = own + fieldAt(LABELS.perSession, [eight, sender.hash, eight])
  const chunkAt = own + fieldAt(LABELS.perSession, [eight, sender.hash, eight, unnamed.hash, plaintext.perSession])
  const byChunkLength = new Map<number, Uint8Array>()
  return {
    fillMutable(manifest, chunk) {
      const length = chunk?.length ?? -1
      let bytes = byChunkLength.get(length)
      if (!bytes) {
        const placeholder = chunk && new Uint8Array(length)
        bytes = new Uint8Array(plaintextLength(plaintext, placeholder))
        writePlaintext(bytes, 0, { plaintext, echo: { sender, recipient: unnamed }, chunk: placeholder })
        byChunkLength.set(length, bytes)
      }
      writeU64(bytes, version, manifest.version)
      bytes.set(manifest.hash.length === 32 ? manifest.hash : manifest.hash.subarray(0, 32), hash)
      if (chunk) bytes.set(chunk, chunkAt)
      return bytes
    },
    wipeMutable() {
      for (const bytes of byChunkLength.values()) bytes.fill(0)
      byChunkLength.clear()
    },
  }
}

/** AD of a message for many: only th, the recipient and the header differ. */
export interface AdTemplate {
  fillMutable(th: Uint8Array, to: RemoteDevice, header: Uint8Array): Uint8Array
}

/** Layout of `associatedData` (docs/protocol/04-ratchet.md). */
export function adTemplate(from: LocalDevice): AdTemplate {
  const account = idToBytes(from.accountId)
  const device = u32(from.deviceId)
  const [th, four] = [new Uint8Array(64), new Uint8Array(4)]
  const thAt = fieldAt(LABELS.associatedData, [])
  const accountAt = fieldAt(LABELS.associatedData, [th, account, device])
  const deviceAt = fieldAt(LABELS.associatedData, [th, account, device, account])
  const headerAt = fieldAt(LABELS.associatedData, [th, account, device, account, four])
  const byHeaderLength = new Map<number, Uint8Array>()
  return {
    fillMutable(transcript, to, header) {
      let bytes = byHeaderLength.get(header.length)
      if (!bytes) {
        bytes = T(LABELS.associatedData, th, account, device, account, four, header)
        byHeaderLength.set(header.length, bytes)
      }
      bytes.set(transcript, thAt)
      bytes.set(idToBytes(to.accountId), accountAt)
      writeU32(bytes, deviceAt, to.deviceId)
      bytes.set(header, headerAt)
      return bytes
    },
  }
}

/** The two inputs of `expand(mk, T("SC1/msg", H(AD)), 88)`, of which only H(AD) differs (docs/protocol/01-encodings.md, "KDF"). */
export interface SecretsTemplate {
  fillMutable(adHash: Uint8Array): readonly [Uint8Array, Uint8Array]
}

export function secretsTemplate(): SecretsTemplate {
  const hash = new Uint8Array(64)
  const at = fieldAt(LABELS.expand, []) + fieldAt(LABELS.message, [])
  const block = (i: number): Uint8Array => T(LABELS.expand, T(LABELS.message, hash), u16(SECRETS), u8(i))
  const blocks = [block(1), block(2)] as const
  return {
    fillMutable(adHash) {
      for (const bytes of blocks) bytes.set(adHash, at)
      return blocks
    },
  }
}

/** Pieces of one block for all envelopes of a batch: an allocation of its own costs each of them more than its copy. */
export function pieces(blockBytes = 65_536): (length: number) => Uint8Array {
  let block = NOTHING
  let used = 0
  return (length) => {
    if (used + length > block.length) {
      block = new Uint8Array(Math.max(blockBytes, length))
      used = 0
    }
    used += length
    return block.subarray(used - length, used)
  }
}
