import { KEY_TYPES, SecureChatError, SUITE } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { type RawKeyPair, SIZES } from '../primitives/provider.js'
import { asDeviceOnly, type DeviceOnlyBytes, Secret } from '../secret.js'

export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Secret
}
/** AIK, Ed25519: signs device manifests and nothing else. */
export type AccountKeys = KeyPair
/** Two independent pairs: DSK (Ed25519) signs, DIK (X25519) agrees on keys. */
export interface DeviceKeys {
  readonly signing: KeyPair
  readonly identity: KeyPair
}

const RECORD_VERSION = 1
const ACCOUNT_RECORD = 1
const DEVICE_RECORD = 2

const wrap = ({ publicKey, secretKey }: RawKeyPair): KeyPair => ({ publicKey, secretKey: new Secret(secretKey) })

export const generateSigningKeys = ({ provider, random }: Pick<CryptoDeps, 'provider' | 'random'>): KeyPair =>
  wrap(provider.ed25519KeyPair(random(SIZES.ed25519Seed)))

export function generateAgreementKeys({ provider, random }: Pick<CryptoDeps, 'provider' | 'random'>): KeyPair {
  const secretKey = random(SIZES.x25519)
  return wrap({ publicKey: provider.x25519PublicKey(secretKey), secretKey })
}

export const generateAccountKeys = (deps: Pick<CryptoDeps, 'provider' | 'random'>): AccountKeys => generateSigningKeys(deps)

export const generateDeviceKeys = (deps: Pick<CryptoDeps, 'provider' | 'random'>): DeviceKeys => ({
  signing: generateSigningKeys(deps),
  identity: generateAgreementKeys(deps),
})

function writeKeys(kind: number, pairs: readonly KeyPair[]): Uint8Array {
  const writer = new ByteWriter(256).u8(RECORD_VERSION).u8(SUITE).u8(kind)
  for (const { publicKey, secretKey } of pairs) writer.bytes(publicKey).bytes(secretKey.expose())
  return writer.finish()
}

function openRecord(bytes: Uint8Array, kind: number): ByteReader {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'key record')
  if (bytes.length > 0 && bytes[0] !== RECORD_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'key record' })
  reader.expect(RECORD_VERSION, reader.u8())
  reader.expect(SUITE, reader.u8())
  reader.expect(kind, reader.u8())
  return reader
}

const readPair = (reader: ByteReader, secretLength: number): KeyPair => ({ publicKey: reader.copy(32), secretKey: new Secret(reader.copy(secretLength)) })

/** Secret bytes: only for a sealed store. */
export const encodeAccountKeys = (keys: AccountKeys): Uint8Array => writeKeys(ACCOUNT_RECORD, [keys])

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodeAccountKeys(bytes: Uint8Array): AccountKeys {
  const reader = openRecord(bytes, ACCOUNT_RECORD)
  const keys = readPair(reader, SIZES.ed25519Secret)
  reader.end()
  return keys
}

/** Secret bytes: only for a sealed store. */
export const encodeDeviceKeys = ({ signing, identity }: DeviceKeys): DeviceOnlyBytes => asDeviceOnly(writeKeys(DEVICE_RECORD, [signing, identity]))

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodeDeviceKeys(bytes: Uint8Array): DeviceKeys {
  const reader = openRecord(bytes, DEVICE_RECORD)
  const signing = readPair(reader, SIZES.ed25519Secret)
  const identity = readPair(reader, SIZES.x25519)
  reader.end()
  return { signing, identity }
}

/** Every public key in a transcript starts with the byte of its type, so that one kind is never taken for another. */
export function typedKey(type: keyof typeof KEY_TYPES, key: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + key.length)
  out[0] = KEY_TYPES[type]
  out.set(key, 1)
  return out
}

const KEY_BYTES = { ed25519: SIZES.ed25519Public, x25519: SIZES.x25519, mlkem768: SIZES.mlkemPublic } as const

/** A copy of what `typedKey` was given; null for another type or length. */
export function readTypedKey(type: keyof typeof KEY_TYPES, field: Uint8Array): Uint8Array | null {
  return field.length === 1 + KEY_BYTES[type] && field[0] === KEY_TYPES[type] ? field.slice(1) : null
}
