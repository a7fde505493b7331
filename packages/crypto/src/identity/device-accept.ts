import { type AccountId, type DeviceId, idToBytes, LABELS, SecureChatError, SUITE, T, u8, u32 } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { type DeviceKeys, typedKey } from './keys.js'

/**
 * A device's proof that it owns its keys and wants to be in this account under this account key. The account key is in it
 * so that keys seen elsewhere (a photographed link code) cannot be put into another account.
 */
export interface DeviceAccept {
  /** Empty for a first device, 32 bytes (hash of the linking exchange) for a linked one. */
  readonly transcript: Uint8Array
  readonly signature: Uint8Array
}

export interface DeviceAcceptSubject {
  readonly accountId: AccountId
  readonly accountKey: Uint8Array
  readonly deviceId: DeviceId
  readonly signingKey: Uint8Array
  readonly identityKey: Uint8Array
}

const NO_TRANSCRIPT = new Uint8Array(0)

function signedBytes(subject: DeviceAcceptSubject, transcript: Uint8Array): Uint8Array {
  return T(
    LABELS.deviceAccept,
    u8(SUITE),
    idToBytes(subject.accountId),
    typedKey('ed25519', subject.accountKey),
    u32(subject.deviceId),
    typedKey('ed25519', subject.signingKey),
    typedKey('x25519', subject.identityKey),
    transcript,
  )
}

/** Made on the device itself, once; it goes into every manifest that lists the device. */
export function acceptDevice(
  { provider }: { readonly provider: Pick<CryptoProvider, 'ed25519Sign'> },
  device: { accountId: AccountId; accountKey: Uint8Array; deviceId: DeviceId; deviceKeys: DeviceKeys; transcript?: Uint8Array },
): DeviceAccept {
  const transcript = device.transcript ?? NO_TRANSCRIPT
  if (transcript.length !== 0 && transcript.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'accept transcript' })
  const { signing, identity } = device.deviceKeys
  const subject = { ...device, signingKey: signing.publicKey, identityKey: identity.publicKey }
  return { transcript, signature: provider.ed25519Sign(signing.secretKey.expose(), signedBytes(subject, transcript)) }
}

/** Throws `devices/invalid-manifest`. */
export function verifyDeviceAccept(provider: Pick<CryptoProvider, 'ed25519Verify'>, subject: DeviceAcceptSubject, accept: DeviceAccept): void {
  if (!provider.ed25519Verify(accept.signature, signedBytes(subject, accept.transcript), subject.signingKey)) {
    throw new SecureChatError('devices/invalid-manifest', { detail: 'device acceptance' })
  }
}
