import { LABELS, SUITE, T, u8 } from '@securechat/protocol/core'
import { typedKey } from '../identity/keys.js'
import { expand, kdf } from '../kdf/kdf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

type Hash = Pick<CryptoProvider, 'blake2b'>

export interface LinkExchange {
  /** The code as it was scanned. */
  readonly code: Uint8Array
  readonly kemKey: Uint8Array
  /** The answering device's X25519 key. */
  readonly ephemeralKey: Uint8Array
  readonly kemCiphertext: Uint8Array
  readonly dh: Uint8Array
  readonly kemSecret: Uint8Array
  readonly secret: Secret
}

/** Both sides come to the same, or the answer does not open. */
export interface LinkKeys {
  /** 64 bytes, of everything that went over. */
  readonly exchange: Uint8Array
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
  readonly codeKey: Secret
  readonly confirmKey: Secret
}

/** docs/protocol/13, "Answer". X25519 and ML-KEM keep it from others, the secret from everybody who did not see the screen. */
export function linkKeys(provider: Hash, input: LinkExchange): LinkKeys {
  const { code, kemKey, ephemeralKey, kemCiphertext, dh, kemSecret, secret } = input
  const exchange = provider.blake2b(64, T(LABELS.linkExchange, code, typedKey('mlkem768', kemKey), typedKey('x25519', ephemeralKey), kemCiphertext))
  const ikm = T(LABELS.linkSecrets, dh, kemSecret, secret.expose())
  const out = kdf(provider, { salt: exchange, ikm, info: T(LABELS.linkKeys, u8(SUITE)) }, 152)
  return {
    exchange,
    key: out.subarray(0, 32),
    nonce: out.subarray(32, 56),
    commitment: out.subarray(56, 88),
    codeKey: new Secret(out.slice(88, 120)),
    confirmKey: new Secret(out.slice(120)),
  }
}

/** 32 bytes that the new device's acceptance signs: the exchange, and which account, key and device id the answer named. */
export const linkTranscript = (provider: Hash, exchange: Uint8Array, content: Uint8Array): Uint8Array =>
  provider.blake2b(32, T(LABELS.linkTranscript, exchange, content))

/** Six digits for both screens. Keyed, so that somebody between who cannot open the answer cannot look for an exchange with the same digits. */
export function comparisonCode(provider: Hash, codeKey: Secret, transcript: Uint8Array): string {
  const out = expand(provider, codeKey.expose(), T(LABELS.linkCode, transcript), 6)
  let number = 0
  for (const byte of out) number = number * 256 + byte
  return String(number % 1_000_000).padStart(6, '0')
}

export const confirmationTag = (
  provider: Hash,
  { confirmKey, transcript, signature }: { confirmKey: Secret; transcript: Uint8Array; signature: Uint8Array },
): Uint8Array => provider.blake2b(32, T(LABELS.linkConfirm, transcript, signature), confirmKey.expose())
