import {
  type AccountId,
  type DeviceId,
  idFromBytes,
  isDeviceId,
  LABELS,
  LIMITS,
  parseT,
  readU32,
  SecureChatError,
  SUITE,
  type Timestamp,
} from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { acceptDevice, type DeviceAccept } from '../identity/device-accept.js'
import { type DeviceKeys, readTypedKey } from '../identity/keys.js'
import { unpad } from '../padding/padding.js'
import { SIZES } from '../primitives/provider.js'
import type { Secret } from '../secret.js'
import type { LinkOffer } from './offer.js'
import { LINK_VERSION } from './primary.js'
import { comparisonCode, confirmationTag, linkKeys, linkTranscript } from './schedule.js'

/** The new device after an authentic answer: show account and digits, and go on only when the person says that they are right. */
export interface LinkJoined {
  readonly accountId: AccountId
  readonly accountKey: Uint8Array
  readonly deviceId: DeviceId
  readonly deviceKeys: DeviceKeys
  readonly payload: Uint8Array
  readonly transcript: Uint8Array
  readonly confirmKey: Secret
  readonly comparison: string
  readonly expiresAt: Timestamp
}

/**
 * Opens the answer to this very code; any failure is the end of it, and a new code is shown. Throws `devices/link-expired`, `crypto/authentication-failed`
 * (not of who saw the code, or changed on the way), `crypto/invalid-key`, `protocol/malformed`, `protocol/unsupported-version`.
 */
export function openLinkAnswer({ provider, now }: CryptoDeps, offer: LinkOffer, answer: Uint8Array): LinkJoined {
  const { code, kemKey, kemSeed, ephemeral, secret, deviceKeys, expiresAt } = offer
  if (now > expiresAt) throw new SecureChatError('devices/link-expired')
  const reader = new ByteReader(answer, 'protocol/malformed', 'linking answer')
  if (reader.u8() !== LINK_VERSION || reader.u8() !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'linking answer' })
  const [ephemeralKey, kemCiphertext, commitment] = [reader.view(32), reader.view(SIZES.mlkemCiphertext), reader.view(32)] as const
  const ciphertext = reader.view(reader.remaining)
  if (ciphertext.length < SIZES.aeadTag) reader.fail()
  const dh = provider.x25519(ephemeral.secretKey.expose(), ephemeralKey)
  const kemSecret = provider.mlkem768Decapsulate(kemCiphertext, provider.mlkem768KeyPair(kemSeed.expose()).secretKey)
  const keys = linkKeys(provider, { code, kemKey, ephemeralKey, kemCiphertext, dh, kemSecret, secret })
  if (!provider.equal(keys.commitment, commitment)) throw new SecureChatError('crypto/authentication-failed', { detail: 'linking answer' })
  const content = unpad(provider.aeadOpen(keys.key, keys.nonce, { data: ciphertext, associatedData: keys.exchange }))
  const transcript = linkTranscript(provider, keys.exchange, content)
  return {
    ...readContent(content),
    deviceKeys,
    transcript,
    confirmKey: keys.confirmKey,
    comparison: comparisonCode(provider, keys.codeKey, transcript),
    expiresAt: now + LIMITS.linkSeconds * 1000,
  }
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'linking answer' })
}

function readContent(content: Uint8Array): Pick<LinkJoined, 'accountId' | 'accountKey' | 'deviceId' | 'payload'> {
  const fields = parseT(content, LABELS.linkAnswer)
  if (fields.length !== 4) malformed()
  const [account, key, device, payload] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  if (device.length !== 4 || payload.length > LIMITS.linkPayloadBytes) malformed()
  const deviceId = readU32(device, 0)
  const accountKey = readTypedKey('ed25519', key) ?? malformed()
  if (!isDeviceId(deviceId)) return malformed()
  return { accountId: idFromBytes<AccountId>(account), accountKey, deviceId, payload: payload.slice() }
}

/** After the person has compared account and digits: the acceptance over this very exchange, for the primary device. Throws `devices/link-expired`. */
export function confirmLink({ provider, now }: CryptoDeps, joined: LinkJoined): { readonly confirmation: Uint8Array; readonly accept: DeviceAccept } {
  if (now > joined.expiresAt) throw new SecureChatError('devices/link-expired')
  const { transcript, confirmKey } = joined
  const accept = acceptDevice({ provider }, joined)
  const { signature } = accept
  const tag = confirmationTag(provider, { confirmKey, transcript, signature })
  return { confirmation: new ByteWriter(98).u8(LINK_VERSION).u8(SUITE).bytes(tag).bytes(signature).finish(), accept }
}
