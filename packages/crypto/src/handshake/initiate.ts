import { encodeHandshakeHeader, type HandshakeHeader, KEM_KEY_TYPES, SecureChatError } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import type { VerifiedBundle } from '../identity/bundle.js'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import { generateAgreementKeys } from '../identity/keys.js'
import { manifestRef } from '../identity/manifest-chain.js'
import { SIZES } from '../primitives/provider.js'
import { type Agreement, agree } from './secret.js'
import { transcriptHash } from './transcript.js'

export interface Initiation extends Agreement {
  /** Handshake part of the header, the same in every message until the first answer. */
  readonly headerBytes: Uint8Array
  readonly ephemeralKey: Uint8Array
  /** The responder's first ratchet key. */
  readonly signedPreKey: Uint8Array
}

/** PQXDH as Alice (docs/protocol/03-handshake.md). Throws `crypto/invalid-key` where a key of the bundle is unusable. */
export function initiate(
  deps: CryptoDeps,
  { local, remote, bundle, generation }: { local: LocalDevice; remote: RemoteDevice; bundle: VerifiedBundle; generation: number },
): Initiation {
  const { provider, random } = deps
  if (local.accountId === remote.accountId && local.deviceId === remote.deviceId)
    throw new SecureChatError('client/invalid-argument', { detail: 'session with oneself' })
  const ephemeral = generateAgreementKeys(deps)
  const { ciphertext, sharedSecret } = provider.mlkem768Encapsulate(bundle.kemKey, random(SIZES.mlkemRandomness))
  const header: HandshakeHeader = {
    senderDeviceId: local.deviceId,
    recipientDeviceId: remote.deviceId,
    senderManifest: manifestRef(local.manifest),
    recipientManifest: manifestRef(remote.manifest),
    generation,
    ephemeralKey: ephemeral.publicKey,
    signedPreKeyId: bundle.signedPreKeyId,
    kemKeyType: bundle.oneTimeKey ? KEM_KEY_TYPES.oneTime : KEM_KEY_TYPES.lastResort,
    kemKeyId: bundle.kemKeyId,
    kemCiphertext: ciphertext,
  }
  const { signing, identity } = local.deviceKeys
  const th = transcriptHash(provider, {
    initiator: { ...local, signingKey: signing.publicKey, identityKey: identity.publicKey, manifest: header.senderManifest },
    responder: { ...remote, manifest: header.recipientManifest },
    header,
    signedPreKey: bundle.signedPreKey,
    oneTimeKey: bundle.oneTimeKey,
    kemKey: bundle.kemKey,
  })
  const ephemeralSecret = ephemeral.secretKey.expose()
  const parts = [
    provider.x25519(identity.secretKey.expose(), bundle.signedPreKey),
    provider.x25519(ephemeralSecret, remote.identityKey),
    provider.x25519(ephemeralSecret, bundle.signedPreKey),
    ...(bundle.oneTimeKey ? [provider.x25519(ephemeralSecret, bundle.oneTimeKey)] : []),
    sharedSecret,
  ]
  return { ...agree(provider, th, parts), headerBytes: encodeHandshakeHeader(header), ephemeralKey: ephemeral.publicKey, signedPreKey: bundle.signedPreKey }
}
