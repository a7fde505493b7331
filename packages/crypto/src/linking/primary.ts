import {
  type AccountId,
  type DeviceId,
  equalPublicBytes,
  idToBytes,
  LABELS,
  LIMITS,
  SecureChatError,
  SUITE,
  T,
  type Timestamp,
  u32,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { verifyDeviceAccept } from '../identity/device-accept.js'
import { generateAgreementKeys, typedKey } from '../identity/keys.js'
import type { ManifestDevice } from '../identity/manifest.js'
import { pad } from '../padding/padding.js'
import { SIZES } from '../primitives/provider.js'
import type { Secret } from '../secret.js'
import { kemKeyHash, type LinkPurpose, parseLinkCode } from './offer.js'
import { comparisonCode, confirmationTag, linkKeys, linkTranscript } from './schedule.js'

export const LINK_VERSION = 1

export interface LinkAnswerInput {
  /** As scanned. */
  readonly code: Uint8Array
  /** As the server gave it. */
  readonly kemKey: Uint8Array
  readonly accountId: AccountId
  /** AIK, public. */
  readonly accountKey: Uint8Array
  /** The id that the new device gets: above all earlier ones. */
  readonly deviceId: DeviceId
  /** For the new device, sealed: the account's manifests, at most 64 KiB. */
  readonly payload: Uint8Array
  /** What the code has to be for; default: link. */
  readonly purpose?: LinkPurpose
}

/** The primary device after its answer, waiting for the person to compare and for the new device to accept. In memory only. */
export interface LinkAnswered {
  readonly device: {
    readonly accountId: AccountId
    readonly accountKey: Uint8Array
    readonly deviceId: DeviceId
    readonly signingKey: Uint8Array
    readonly identityKey: Uint8Array
  }
  readonly transcript: Uint8Array
  readonly confirmKey: Secret
  /** Six digits: the same on both screens, or there is somebody between. */
  readonly comparison: string
  /** 120 s for the person. */
  readonly expiresAt: Timestamp
}

/**
 * Answers a scanned code. Throws `devices/link-expired`, `crypto/authentication-failed` (the server gave another ML-KEM key than the one of the code),
 * `crypto/invalid-key`, `protocol/malformed`, `protocol/unsupported-version`, `protocol/too-large`.
 */
export function answerLink(deps: CryptoDeps, input: LinkAnswerInput): { readonly state: LinkAnswered; readonly answer: Uint8Array } {
  const { provider, random, now } = deps
  const { code, kemKey, accountId, accountKey, deviceId, payload, purpose = 'link' } = input
  if (payload.length > LIMITS.linkPayloadBytes) throw new SecureChatError('protocol/too-large', { detail: 'linking payload' })
  const { ephemeralKey: theirKey, kemHash, signingKey, identityKey, secret, expiresAt, ...parsed } = parseLinkCode(code)
  if (parsed.purpose !== purpose) throw new SecureChatError('protocol/malformed', { detail: 'purpose of the linking code' })
  if (now > expiresAt) throw new SecureChatError('devices/link-expired')
  if (!equalPublicBytes(kemKeyHash(provider, kemKey), kemHash)) throw new SecureChatError('crypto/authentication-failed', { detail: 'linking KEM key' })
  const { publicKey: ephemeralKey, secretKey } = generateAgreementKeys(deps)
  const { ciphertext: kemCiphertext, sharedSecret: kemSecret } = provider.mlkem768Encapsulate(kemKey, random(SIZES.mlkemRandomness))
  const dh = provider.x25519(secretKey.expose(), theirKey)
  const keys = linkKeys(provider, { code, kemKey, ephemeralKey, kemCiphertext, dh, kemSecret, secret })
  const content = T(LABELS.linkAnswer, idToBytes(accountId), typedKey('ed25519', accountKey), u32(deviceId), payload)
  const ciphertext = provider.aeadSeal(keys.key, keys.nonce, { data: pad(content), associatedData: keys.exchange })
  const answer = new ByteWriter(2 + 32 + SIZES.mlkemCiphertext + 32 + ciphertext.length).u8(LINK_VERSION).u8(SUITE)
  answer.bytes(ephemeralKey).bytes(kemCiphertext).bytes(keys.commitment).bytes(ciphertext)
  const transcript = linkTranscript(provider, keys.exchange, content)
  const state = {
    device: { accountId, accountKey, deviceId, signingKey, identityKey },
    transcript,
    confirmKey: keys.confirmKey,
    comparison: comparisonCode(provider, keys.codeKey, transcript),
    expiresAt: now + LIMITS.linkSeconds * 1000,
  }
  return { state, answer: answer.finish() }
}

/**
 * After the person has compared the digits: what the next manifest lists, apart from version and flags. Throws `devices/link-expired`,
 * `crypto/authentication-failed` (not of the device that was answered), `devices/invalid-manifest` (its acceptance), `protocol/malformed`,
 * `protocol/unsupported-version`.
 */
export function finishLink(
  { provider, now }: CryptoDeps,
  { device, transcript, confirmKey, expiresAt }: LinkAnswered,
  confirmation: Uint8Array,
): Pick<ManifestDevice, 'deviceId' | 'signingKey' | 'identityKey' | 'accept'> {
  if (now > expiresAt) throw new SecureChatError('devices/link-expired')
  const signature = openConfirmation(provider, { transcript, confirmKey }, confirmation)
  const accept = { transcript, signature }
  verifyDeviceAccept(provider, device, accept)
  const { deviceId, signingKey, identityKey } = device
  return { deviceId, signingKey, identityKey, accept }
}

/** The signature in a confirmation whose tag shows that it is of the device that was answered. Throws as `finishLink` does. */
export function openConfirmation(
  provider: Pick<CryptoDeps['provider'], 'blake2b' | 'equal'>,
  { transcript, confirmKey }: Pick<LinkAnswered, 'transcript' | 'confirmKey'>,
  confirmation: Uint8Array,
): Uint8Array {
  const reader = new ByteReader(confirmation, 'protocol/malformed', 'linking confirmation')
  if (reader.u8() !== LINK_VERSION || reader.u8() !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'linking confirmation' })
  const [tag, signature] = [reader.view(32), reader.copy(64)] as const
  reader.end()
  if (!provider.equal(tag, confirmationTag(provider, { confirmKey, transcript, signature })))
    throw new SecureChatError('crypto/authentication-failed', { detail: 'linking confirmation' })
  return signature
}
