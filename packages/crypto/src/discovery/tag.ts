import { isPhoneNumber, LABELS, SecureChatError, SUITE, T, text, u8 } from '@securechat/protocol/core'
import { expand, kdf } from '../kdf/kdf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

type Hash = Pick<CryptoProvider, 'blake2b'>

/** 128 bits: among 10^9 users a foreign number meets a tag by chance once in 10^29 lookups. */
export const TAG_BYTES = 16
export const ENTRY_SALT_BYTES = 8

/** What is known of a number after its evaluation. */
export interface DiscoveryTag {
  /** 16 bytes; the first bits are the bucket. */
  readonly tag: Uint8Array
  /** Opens the account id of the entry with this tag. */
  readonly maskKey: Secret
}

/** The OPRF's input. Throws `client/invalid-argument` unless it is E.164. */
export function discoveryInput(number: string): Uint8Array {
  if (!isPhoneNumber(number)) throw new SecureChatError('client/invalid-argument', { detail: 'phone number' })
  return T(LABELS.discoveryInput, text(number))
}

/** tag 16 ‖ mask key 32 = kdf(server key, OPRF output, T("SC1/discovery/tag", suite), 48). */
export function tagOfOutput(provider: Hash, output: Uint8Array, serverKey: Uint8Array): DiscoveryTag {
  const out = kdf(provider, { salt: serverKey, ikm: output, info: T(LABELS.discoveryTag, u8(SUITE)) }, TAG_BYTES + 32)
  return { tag: out.slice(0, TAG_BYTES), maskKey: new Secret(out.slice(TAG_BYTES)) }
}

/** An account id with its mask, either way: XOR with expand(mask key, T("SC1/discovery/mask", salt), 16). */
export function maskAccount(
  provider: Hash,
  { maskKey, salt, account }: { readonly maskKey: Secret; readonly salt: Uint8Array; readonly account: Uint8Array },
): Uint8Array {
  const out = expand(provider, maskKey.expose(), T(LABELS.discoveryMask, salt), 16)
  for (let i = 0; i < out.length; i++) out[i]! ^= account[i]!
  return out
}

/** The first `bits` bits of a tag as a number. */
export const prefixOf = (tag: Uint8Array, bits: number): number => ((tag[0]! << 8) | tag[1]!) >>> (16 - bits)
