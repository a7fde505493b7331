import { concatBytes } from '@securechat/protocol'
import { type CryptoProvider, SIZES } from '../../src/primitives/provider.js'

/**
 * Functionally right and utterly insecure primitives, some hundred times faster than real ones: for models that visit all states. Different
 * inputs give different outputs (up to a 64-bit hash), and that is all a model of agreement needs.
 */
function mix(seed: number, bytes: Uint8Array): [number, number] {
  let a = 0xdeadbeef ^ seed
  let b = 0x41c6ce57 ^ seed
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte === 0) continue // the objects are nearly all zeros; position and value of the others identify them
    a = Math.imul(a ^ (byte + (i << 8)), 2654435761)
    b = Math.imul(b ^ (byte + (i << 8)), 1597334677)
  }
  a = Math.imul(a ^ bytes.length ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  return [a >>> 0, b >>> 0]
}

export function toyHash(length: number, ...parts: Uint8Array[]): Uint8Array {
  let state: [number, number] = [1, 1]
  for (const part of parts) state = mix(state[0] ^ Math.imul(state[1], 31), part)
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    if (i % 8 === 0 && i > 0) state = [Math.imul(state[0] ^ i, 2654435761) >>> 0, Math.imul(state[1] + i, 1597334677) >>> 0]
    out[i] = ((i % 8 < 4 ? state[0] : state[1]) >>> ((i % 4) * 8)) & 0xff
  }
  return out
}

const NOTHING = new Uint8Array(0)
const never = (): never => {
  throw new Error('not in the model')
}

/** Zeros with the id at both ends, so that every chunk of the object differs. Low bytes only: a coefficient of ek stays below q. */
function object(length: number, id: Uint8Array): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = 0; i < 8; i++) out[i * 3] = id[i] as number
  out.set(id.subarray(0, 8), length - 8)
  return out
}

export const toyProvider: CryptoProvider = {
  name: 'toy',
  blake2b: (length, message, key) => toyHash(length, key ?? NOTHING, message),
  ed25519KeyPair: never,
  ed25519Sign: never,
  ed25519Verify: never,
  x25519PublicKey: (secretKey) => secretKey.slice(),
  x25519: (secretKey, publicKey) => {
    const [a, b] = Buffer.compare(secretKey, publicKey) < 0 ? [secretKey, publicKey] : [publicKey, secretKey]
    return toyHash(32, a, b)
  },
  mlkem768KeyPair: (seed) => ({ publicKey: object(SIZES.mlkemPublic, seed), secretKey: concatBytes(seed, new Uint8Array(SIZES.mlkemSecret - seed.length)) }),
  mlkem768Encapsulate: (publicKey, randomness) => {
    const ciphertext = object(SIZES.mlkemCiphertext, randomness)
    return { ciphertext, sharedSecret: toyHash(32, publicKey, ciphertext) }
  },
  mlkem768Decapsulate: (ciphertext, secretKey) => toyHash(32, object(SIZES.mlkemPublic, secretKey), ciphertext),
  aeadSeal: never,
  aeadOpen: never,
  equal: (a, b) => Buffer.compare(a, b) === 0,
}
