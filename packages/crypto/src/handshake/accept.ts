import { equalPublicBytes, type HandshakeHeader, KEM_KEY_TYPES, type ManifestRef, SecureChatError } from '@securechat/protocol/core'
import type { LocalDevice, ManifestId, RemoteDevice } from '../identity/devices.js'
import type { KeyPair } from '../identity/keys.js'
import { compareManifestRef } from '../identity/manifest-chain.js'
import { decodePrivatePreKey, type PrivatePreKey } from '../identity/private-prekeys.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { type Agreement, agree } from './secret.js'
import { transcriptHash } from './transcript.js'

/** Stored private bytes of the prekeys that a first message names; absent where they do not exist (any more). */
export interface PreKeyLookup {
  readonly signed?: Uint8Array
  /** The one-time pair or the last-resort key. */
  readonly kem?: Uint8Array
}

export interface Acceptance extends Agreement {
  /** Our first ratchet key pair. */
  readonly signedPreKey: KeyPair
}

function privateKey(bytes: Uint8Array | undefined, type: PrivatePreKey['type'], keyId: number): PrivatePreKey {
  if (!bytes) throw new SecureChatError('crypto/unknown-prekey', { detail: type })
  const key = decodePrivatePreKey(bytes)
  if (key.type !== type || key.keyId !== keyId) throw new SecureChatError('crypto/unknown-prekey', { detail: 'another prekey was given' })
  return key
}

/** Where the header names a newer manifest than we know, the sender may have been revoked in it: it has to be fetched first. */
function requireKnown(known: ManifestId, claimed: ManifestRef): void {
  if (claimed.version > known.version) throw new SecureChatError('devices/stale-manifest', { detail: 'a newer manifest is named' })
}

/**
 * Call it once the first message is authenticated: before that anybody could cry wolf with a made-up header. A peer that really
 * holds other content for a version that we know was shown another device list. Throws `devices/manifest-fork`.
 */
export function requireSameManifests({ local, remote, header }: { local: LocalDevice; remote: RemoteDevice; header: HandshakeHeader }): void {
  const past = local.pastManifestHash?.(header.recipientManifest.version)
  const pastDiffers = past !== undefined && !equalPublicBytes(past.subarray(0, 32), header.recipientManifest.hash)
  if (
    pastDiffers ||
    compareManifestRef(remote.manifest, header.senderManifest) === 'fork' ||
    compareManifestRef(local.manifest, header.recipientManifest) === 'fork'
  ) {
    throw new SecureChatError('devices/manifest-fork', { detail: 'handshake' })
  }
}

/**
 * PQXDH as Bob. Nothing is authenticated yet: that comes with the first message's AEAD, and only then may a prekey be deleted.
 * Throws `crypto/unknown-prekey`, `crypto/invalid-key`, `crypto/authentication-failed`, `devices/stale-manifest`.
 */
export function accept(
  provider: CryptoProvider,
  { local, remote, header, preKeys }: { local: LocalDevice; remote: RemoteDevice; header: HandshakeHeader; preKeys: PreKeyLookup },
): Acceptance {
  if (header.senderDeviceId !== remote.deviceId || header.recipientDeviceId !== local.deviceId) {
    throw new SecureChatError('crypto/authentication-failed', { detail: 'handshake is for another device' })
  }
  requireKnown(remote.manifest, header.senderManifest)
  requireKnown(local.manifest, header.recipientManifest)
  const paired = header.kemKeyType === KEM_KEY_TYPES.oneTime
  const signed = privateKey(preKeys.signed, 'signed', header.signedPreKeyId)
  const kem = privateKey(preKeys.kem, paired ? 'one-time' : 'last-resort', header.kemKeyId)
  const signedPreKey = signed.dh as KeyPair
  const kemPair = provider.mlkem768KeyPair((kem.kemSeed as NonNullable<PrivatePreKey['kemSeed']>).expose())
  const { signing, identity } = local.deviceKeys
  const th = transcriptHash(provider, {
    initiator: { ...remote, manifest: header.senderManifest },
    responder: { ...local, signingKey: signing.publicKey, identityKey: identity.publicKey, manifest: header.recipientManifest },
    header,
    signedPreKey: signedPreKey.publicKey,
    oneTimeKey: kem.dh?.publicKey ?? null,
    kemKey: kemPair.publicKey,
  })
  const parts = [
    provider.x25519(signedPreKey.secretKey.expose(), remote.identityKey),
    provider.x25519(identity.secretKey.expose(), header.ephemeralKey),
    provider.x25519(signedPreKey.secretKey.expose(), header.ephemeralKey),
    ...(kem.dh ? [provider.x25519(kem.dh.secretKey.expose(), header.ephemeralKey)] : []),
    provider.mlkem768Decapsulate(header.kemCiphertext, kemPair.secretKey),
  ]
  return { ...agree(provider, th, parts), signedPreKey }
}
