import { KEM_KEY_TYPES, type ManifestRef, parseEnvelope, type UnknownEnvelope } from '@securechat/protocol/core'

/** What a receiver needs before it can decrypt; none of it is authenticated yet. */
export type EnvelopePeek =
  | { readonly kind: 'message' }
  | {
      readonly kind: 'preKeyMessage'
      readonly senderDeviceId: number
      readonly recipientDeviceId: number
      /** Fetch the sender's manifests up to this version first. */
      readonly senderManifest: ManifestRef
      readonly recipientManifest: ManifestRef
    }
  | UnknownEnvelope

/** Throws `protocol/malformed` or `protocol/too-large`. */
export function peekEnvelope(bytes: Uint8Array): EnvelopePeek {
  const envelope = parseEnvelope(bytes)
  if (envelope.kind === 'unknown') return envelope
  if (!envelope.handshake) return { kind: 'message' }
  const { senderDeviceId, recipientDeviceId, senderManifest, recipientManifest } = envelope.handshake
  return { kind: 'preKeyMessage', senderDeviceId, recipientDeviceId, senderManifest, recipientManifest }
}

export interface RequiredPreKeys {
  readonly signedPreKeyId: number
  /** Of the one-time pair or the last-resort key. */
  readonly kemId: number
  /** Equal to `kemId` where it is a one-time pair; absent where it is the last-resort key. */
  readonly oneTimeId?: number
}

/** The private prekeys to load for `decryptMessage`; null where the envelope names none. Throws as `peekEnvelope`. */
export function requiredPreKeys(bytes: Uint8Array): RequiredPreKeys | null {
  const envelope = parseEnvelope(bytes)
  if (envelope.kind === 'unknown' || !envelope.handshake) return null
  const { signedPreKeyId, kemKeyId, kemKeyType } = envelope.handshake
  return { signedPreKeyId, kemId: kemKeyId, ...(kemKeyType === KEM_KEY_TYPES.oneTime && { oneTimeId: kemKeyId }) }
}
