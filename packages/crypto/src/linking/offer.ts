import { equalPublicBytes, LABELS, LIMITS, parseT, readU64, SecureChatError, SUITE, T, type Timestamp, text, u8, u64 } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { type DeviceKeys, generateAgreementKeys, type KeyPair, readTypedKey, typedKey } from '../identity/keys.js'
import { type CryptoProvider, SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'

/** link: a new device joins the account. promotion: a listed one is to be the primary device. */
export type LinkPurpose = 'link' | 'promotion'

const CODE_LABELS = { link: LABELS.link, promotion: LABELS.promotion } as const

/** What a scanned code says. */
export interface LinkCode {
  readonly purpose: LinkPurpose
  readonly ephemeralKey: Uint8Array
  /** Of the ML-KEM key, which is too large for a code and comes through the server. */
  readonly kemHash: Uint8Array
  readonly signingKey: Uint8Array
  readonly identityKey: Uint8Array
  /** 16 bytes that only the camera sees: who knows them stood before the screen. */
  readonly secret: Secret
  /** By the clock of the device that shows it. */
  readonly expiresAt: Timestamp
}

/** The device that shows a code. In memory only; one code is good for one answer. */
export interface LinkOffer {
  /** The code's bytes; shown as base64url without any URI around it, so that no link opens linking. */
  readonly code: Uint8Array
  /** For the server to hand to who scans. */
  readonly kemKey: Uint8Array
  readonly kemSeed: Secret
  readonly ephemeral: KeyPair
  readonly deviceKeys: DeviceKeys
  readonly secret: Secret
  readonly expiresAt: Timestamp
}

const SECRET = 16

export const kemKeyHash = (provider: Pick<CryptoProvider, 'blake2b'>, kemKey: Uint8Array): Uint8Array =>
  provider.blake2b(32, T(LABELS.linkKem, typedKey('mlkem768', kemKey)))

/**
 * Where the two devices meet at the server: 16 bytes, BLAKE2b-128 of T("SC1/link/meeting", code). The code's secret goes into it, so only who has seen the code
 * finds the place, and the server learns nothing of the code.
 */
export const linkMeeting = (provider: Pick<CryptoProvider, 'blake2b'>, code: Uint8Array): Uint8Array => provider.blake2b(16, T(LABELS.linkMeeting, code))

/** Fresh keys and a code for 120 s. `deviceKeys` are the showing device's own and stay with it. */
export function createLinkOffer(deps: CryptoDeps, deviceKeys: DeviceKeys, purpose: LinkPurpose = 'link'): LinkOffer {
  const { provider, random, now } = deps
  const ephemeral = generateAgreementKeys(deps)
  const kemSeed = random(SIZES.mlkemSeed)
  const kemKey = provider.mlkem768KeyPair(kemSeed).publicKey
  const secret = random(SECRET)
  const expiresAt = now + LIMITS.linkSeconds * 1000
  const code = T(
    CODE_LABELS[purpose],
    u8(SUITE),
    typedKey('x25519', ephemeral.publicKey),
    kemKeyHash(provider, kemKey),
    typedKey('ed25519', deviceKeys.signing.publicKey),
    typedKey('x25519', deviceKeys.identity.publicKey),
    secret,
    u64(expiresAt),
  )
  return { code, kemKey, kemSeed: new Secret(kemSeed), ephemeral, deviceKeys, secret: new Secret(secret), expiresAt }
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'linking code' })
}

const publicKey = (field: Uint8Array, type: 'ed25519' | 'x25519'): Uint8Array => readTypedKey(type, field) ?? malformed()

/** Which label to read it with: T begins with the label's length, which `parseT` compares, and the label. */
const isLabelled = (bytes: Uint8Array, label: string): boolean => equalPublicBytes(bytes.subarray(1, 1 + label.length), text(label))

/** Throws `protocol/malformed` or `protocol/unsupported-version`. */
export function parseLinkCode(code: Uint8Array): LinkCode {
  const purpose = isLabelled(code, LABELS.promotion) ? 'promotion' : 'link'
  const fields = parseT(code, CODE_LABELS[purpose])
  if (fields.length !== 7) malformed()
  const [suite, ephemeralKey, kemHash, signingKey, identityKey, secret, expiresAt] = fields as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  if (suite.length !== 1 || suite[0] !== SUITE) throw new SecureChatError('protocol/unsupported-version', { detail: 'linking suite' })
  if (kemHash.length !== 32 || secret.length !== SECRET || expiresAt.length !== 8) malformed()
  return {
    purpose,
    ephemeralKey: publicKey(ephemeralKey, 'x25519'),
    kemHash: kemHash.slice(),
    signingKey: publicKey(signingKey, 'ed25519'),
    identityKey: publicKey(identityKey, 'x25519'),
    secret: new Secret(secret.slice()),
    expiresAt: readU64(expiresAt, 0),
  }
}
