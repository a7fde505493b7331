import {
  type AccountId,
  type DeviceId,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  LABELS,
  LIMITS,
  parseT,
  SecureChatError,
  SUITE,
  T,
  u8,
  u32,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { type AccountKeys, typedKey } from '../identity/keys.js'
import { expand } from '../kdf/kdf.js'
import { pad, unpad } from '../padding/padding.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { LINK_VERSION, type LinkAnswered, openConfirmation } from './primary.js'
import { confirmationTag } from './schedule.js'
import type { LinkJoined } from './secondary.js'

/** docs/protocol/13, "Promotion": what goes over after an answer to a code with the purpose `promotion`. */

type Subject = Pick<LinkAnswered['device'], 'accountId' | 'accountKey' | 'deviceId'>

const signedBytes = ({ accountId, accountKey, deviceId }: Subject, transcript: Uint8Array): Uint8Array =>
  T(LABELS.promotionAccept, u8(SUITE), idToBytes(accountId), typedKey('ed25519', accountKey), u32(deviceId), transcript)

/** What both sides can make the handover from: of one exchange and one confirmation, so its key is used once. */
export interface PromotionAgreed {
  readonly accountId: AccountId
  readonly accountKey: Uint8Array
  readonly deviceId: DeviceId
  readonly transcript: Uint8Array
  readonly confirmKey: Secret
  /** The promoted device's, over this exchange. */
  readonly signature: Uint8Array
}

/**
 * On the linked device, after the person has compared the digits: that this very device, with the key that the account's list names, wants the account key. Throws
 * `devices/link-expired`.
 */
export function confirmPromotion({ provider, now }: CryptoDeps, joined: LinkJoined): { readonly confirmation: Uint8Array; readonly agreed: PromotionAgreed } {
  if (now > joined.expiresAt) throw new SecureChatError('devices/link-expired')
  const { transcript, confirmKey, accountId, accountKey, deviceId } = joined
  const signature = provider.ed25519Sign(joined.deviceKeys.signing.secretKey.expose(), signedBytes(joined, transcript))
  const tag = confirmationTag(provider, { confirmKey, transcript, signature })
  const confirmation = new ByteWriter(98).u8(LINK_VERSION).u8(SUITE).bytes(tag).bytes(signature).finish()
  return { confirmation, agreed: { accountId, accountKey, deviceId, transcript, confirmKey, signature } }
}

/**
 * On the primary device: the confirmation is of the device that was answered, and signed with the key under which the list names it. Nothing is handed over before. Throws
 * `devices/link-expired`, `crypto/authentication-failed`, `protocol/malformed`, `protocol/unsupported-version`.
 */
export function acceptPromotion({ provider, now }: CryptoDeps, answered: LinkAnswered, confirmation: Uint8Array): PromotionAgreed {
  const { device, transcript, confirmKey, expiresAt } = answered
  if (now > expiresAt) throw new SecureChatError('devices/link-expired')
  const signature = openConfirmation(provider, answered, confirmation)
  if (!provider.ed25519Verify(signature, signedBytes(device, transcript), device.signingKey))
    throw new SecureChatError('crypto/authentication-failed', { detail: 'promotion' })
  const { accountId, accountKey, deviceId } = device
  return { accountId, accountKey, deviceId, transcript, confirmKey, signature }
}

function handoverKeys(provider: Pick<CryptoProvider, 'blake2b'>, { confirmKey, transcript, signature }: PromotionAgreed) {
  const out = expand(provider, confirmKey.expose(), T(LABELS.promotionKeys, u8(SUITE), transcript, signature), 88)
  return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
}

/** What the promoted device gets: the account key, and the manifest that flags it. */
export interface Handover {
  readonly accountKeys: AccountKeys
  readonly manifest: Uint8Array
}

/** One for each agreement: the key is used once. */
export function sealHandover({ provider }: Pick<CryptoDeps, 'provider'>, agreed: PromotionAgreed, { accountKeys, manifest }: Handover): Uint8Array {
  const { key, nonce, commitment } = handoverKeys(provider, agreed)
  const seed = accountKeys.secretKey.expose().subarray(0, SIZES.ed25519Seed)
  const content = T(LABELS.promotionContent, idToBytes(agreed.accountId), seed, manifest)
  const ciphertext = provider.aeadSeal(key, nonce, { data: pad(content), associatedData: agreed.transcript })
  return new ByteWriter(2 + 32 + ciphertext.length).u8(LINK_VERSION).u8(SUITE).bytes(commitment).bytes(ciphertext).finish()
}

/**
 * The manifest in it is not judged here. Throws `crypto/authentication-failed`, `crypto/invalid-key` (not the account's key), `protocol/malformed`,
 * `protocol/unsupported-version`, `protocol/too-large`.
 */
export function openHandover({ provider }: Pick<CryptoDeps, 'provider'>, agreed: PromotionAgreed, sealed: Uint8Array): Handover {
  if (sealed.length > LIMITS.linkHandoverBytes) throw new SecureChatError('protocol/too-large', { detail: 'handover' })
  const reader = new ByteReader(sealed, 'protocol/malformed', 'handover')
  if (reader.u8() !== LINK_VERSION || reader.u8() !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'handover' })
  const [commitment, ciphertext] = [reader.view(32), reader.view(reader.remaining)]
  if (ciphertext.length < SIZES.aeadTag) reader.fail()
  const keys = handoverKeys(provider, agreed)
  if (!provider.equal(keys.commitment, commitment)) throw new SecureChatError('crypto/authentication-failed', { detail: 'handover' })
  const content = unpad(provider.aeadOpen(keys.key, keys.nonce, { data: ciphertext, associatedData: agreed.transcript }))
  const fields = parseT(content, LABELS.promotionContent)
  if (fields.length !== 3) reader.fail()
  const [account, seed, manifest] = fields as [Uint8Array, Uint8Array, Uint8Array]
  if (seed.length !== SIZES.ed25519Seed) reader.fail()
  if (idFromBytes<AccountId>(account) !== agreed.accountId) throw new SecureChatError('protocol/malformed', { detail: 'account of the handover' })
  const { publicKey, secretKey } = provider.ed25519KeyPair(seed)
  if (!equalPublicBytes(publicKey, agreed.accountKey)) throw new SecureChatError('crypto/invalid-key', { detail: 'account key' })
  return { accountKeys: { publicKey, secretKey: new Secret(secretKey) }, manifest: manifest.slice() }
}
