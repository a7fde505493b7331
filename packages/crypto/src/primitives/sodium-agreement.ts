import { SecureChatError } from '@securechat/protocol/core'
import type Sodium from 'libsodium-wrappers'
import { requireCanonicalX25519, requireLength, requireNonZero } from './checks.js'
import { type CryptoProvider, SIZES } from './provider.js'
import { reservePlaces } from './sodium-places.js'

/** As `SodiumMemory` of `sodium-memory.ts`: pointers are byte offsets into `HEAPU8`, which is replaced when the memory grows. */
interface AgreementMemory {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _crypto_scalarmult(out: number, secretKey: number, publicKey: number): number
  _crypto_scalarmult_base(out: number, secretKey: number): number
}

const BYTES = SIZES.x25519

/** X25519 without the wrappers' allocations, in one fixed place of the module's memory, which is wiped after each call. */
export function sodiumAgreement(sodium: typeof Sodium): Pick<CryptoProvider, 'x25519' | 'x25519PublicKey'> {
  const memory = (sodium as unknown as { libsodium: AgreementMemory }).libsodium
  const [out, secret, peer] = reservePlaces(memory, [BYTES, BYTES, BYTES]) as [number, number, number]

  function take(): Uint8Array {
    const heap = memory.HEAPU8
    const result = heap.slice(out, out + BYTES)
    heap.fill(0, out, peer + BYTES)
    return result
  }
  return {
    x25519PublicKey(secretKey) {
      requireLength(secretKey, BYTES, 'X25519 secret key')
      memory.HEAPU8.set(secretKey, secret)
      memory._crypto_scalarmult_base(out, secret)
      return take()
    },
    x25519(secretKey, publicKey) {
      requireLength(secretKey, BYTES, 'X25519 secret key')
      requireLength(publicKey, BYTES, 'X25519 public key')
      requireCanonicalX25519(publicKey)
      const heap = memory.HEAPU8
      heap.set(secretKey, secret)
      heap.set(publicKey, peer)
      const refused = memory._crypto_scalarmult(out, secret, peer)
      const shared = take()
      if (refused !== 0) throw new SecureChatError('crypto/invalid-key', { detail: 'X25519 low order' })
      return requireNonZero(shared)
    },
  }
}
