import { type HandshakeHeader, idToBytes, KEM_KEY_TYPES, LABELS, type ManifestRef, SUITE, T, u8, u32, u64 } from '@securechat/protocol/core'
import { typedKey } from '../identity/keys.js'
import type { CryptoProvider } from '../primitives/provider.js'

/** The public side of one party. */
export interface Party {
  readonly accountId: string
  readonly deviceId: number
  readonly accountKey: Uint8Array
  readonly signingKey: Uint8Array
  readonly identityKey: Uint8Array
  /** As the handshake header names it. */
  readonly manifest: ManifestRef
}

export interface TranscriptInput {
  readonly initiator: Party
  readonly responder: Party
  readonly header: HandshakeHeader
  readonly signedPreKey: Uint8Array
  readonly oneTimeKey: Uint8Array | null
  readonly kemKey: Uint8Array
}

const NOTHING = new Uint8Array(0)

const party = (p: Party): Uint8Array[] => [
  idToBytes(p.accountId),
  u32(p.deviceId),
  typedKey('ed25519', p.accountKey),
  typedKey('ed25519', p.signingKey),
  typedKey('x25519', p.identityKey),
  u64(p.manifest.version),
  p.manifest.hash,
]

/**
 * th, 64 bytes: everything that both sides rely on, so that a difference in any of it gives different keys. The whole KEM key
 * and ciphertext are in it, which closes KEM re-encapsulation (Bhargavan et al. on PQXDH).
 */
export function transcriptHash(
  provider: Pick<CryptoProvider, 'blake2b'>,
  { initiator, responder, header, signedPreKey, oneTimeKey, kemKey }: TranscriptInput,
): Uint8Array {
  const paired = header.kemKeyType === KEM_KEY_TYPES.oneTime
  return provider.blake2b(
    64,
    T(
      LABELS.handshake,
      u8(SUITE),
      u32(header.generation),
      ...party(initiator),
      ...party(responder),
      typedKey('x25519', header.ephemeralKey),
      u32(header.signedPreKeyId),
      typedKey('x25519', signedPreKey),
      u8(paired ? 1 : 0),
      u32(paired ? header.kemKeyId : 0),
      oneTimeKey ? typedKey('x25519', oneTimeKey) : NOTHING,
      u8(header.kemKeyType),
      u32(header.kemKeyId),
      typedKey('mlkem768', kemKey),
      header.kemCiphertext,
    ),
  )
}
