import { SecureChatError, SUITE } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { SIZES } from '../primitives/provider.js'
import { asDeviceOnly, type DeviceOnlyBytes, Secret } from '../secret.js'
import type { KeyPair } from './keys.js'

/** Type bytes, signed into every prekey so that one kind cannot be served as another. */
export const PREKEY_TYPES = { signed: 1, 'one-time': 2, 'last-resort': 3 } as const
export type PreKeyType = keyof typeof PREKEY_TYPES

export interface PrivatePreKey {
  readonly type: PreKeyType
  readonly keyId: number
  readonly dh: KeyPair | null
  /** d ‖ z: the 2,400-byte key is derived again when it is needed. */
  readonly kemSeed: Secret | null
}

const RECORD_VERSION = 1

export function encodePrivatePreKey(key: { type: PreKeyType; keyId: number; dh: KeyPair | null; kemSeed: Uint8Array | null }): DeviceOnlyBytes {
  const writer = new ByteWriter(160).u8(RECORD_VERSION).u8(SUITE).u8(PREKEY_TYPES[key.type]).u32(key.keyId)
  if (key.dh) writer.bytes(key.dh.publicKey).bytes(key.dh.secretKey.expose())
  if (key.kemSeed) writer.bytes(key.kemSeed)
  return asDeviceOnly(writer.finish())
}

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodePrivatePreKey(bytes: Uint8Array): PrivatePreKey {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'prekey record')
  if (reader.u8() !== RECORD_VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'prekey record' })
  reader.expect(SUITE, reader.u8())
  const code = reader.u8()
  const type = (Object.keys(PREKEY_TYPES) as PreKeyType[]).find((name) => PREKEY_TYPES[name] === code) ?? reader.fail()
  const keyId = reader.u32()
  const dh = type === 'last-resort' ? null : { publicKey: reader.copy(SIZES.x25519), secretKey: new Secret(reader.copy(SIZES.x25519)) }
  const kemSeed = type === 'signed' ? null : new Secret(reader.copy(SIZES.mlkemSeed))
  reader.end()
  return { type, keyId, dh, kemSeed }
}
