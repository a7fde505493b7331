import { SecureChatError, type Timestamp } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import type { RemoteDevice } from './devices.js'
import { type PreKey, verifyPreKey } from './prekeys.js'

/** What a server gives for one device, as bytes. Without a one-time pair the last-resort key serves. */
export interface PreKeyBundle {
  readonly signed: Uint8Array
  readonly lastResort: Uint8Array
  readonly oneTime?: Uint8Array
}

/** Checked; every key that the handshake uses. */
export interface VerifiedBundle {
  readonly signedPreKeyId: number
  readonly signedPreKey: Uint8Array
  readonly kemKeyId: number
  readonly kemKey: Uint8Array
  /** X25519 half of the one-time pair. */
  readonly oneTimeKey: Uint8Array | null
  /** A key of it is older than 30 days: allowed, since a silent device must stay reachable, but told. */
  readonly stale: boolean
}

/** Throws `prekeys/invalid-bundle`, `protocol/malformed` or `protocol/unsupported-version`. */
export function verifyPreKeyBundle(
  provider: Pick<CryptoProvider, 'ed25519Verify'>,
  { remote, bundle, now }: { readonly remote: RemoteDevice; readonly bundle: PreKeyBundle; readonly now: Timestamp },
): VerifiedBundle {
  const signed = verifyPreKey(provider, bundle.signed, remote)
  // Only one of the two KEM keys is used, so only that one is worth a signature check.
  const kem = verifyPreKey(provider, bundle.oneTime ?? bundle.lastResort, remote)
  if (signed.type !== 'signed' || kem.type !== (bundle.oneTime ? 'one-time' : 'last-resort'))
    throw new SecureChatError('prekeys/invalid-bundle', { detail: 'type' })
  const used: readonly PreKey[] = [signed, kem]
  return {
    signedPreKeyId: signed.keyId,
    signedPreKey: signed.dhKey as Uint8Array,
    kemKeyId: kem.keyId,
    kemKey: kem.kemKey as Uint8Array,
    oneTimeKey: kem.dhKey,
    stale: used.some(({ notAfter }) => now > notAfter),
  }
}
