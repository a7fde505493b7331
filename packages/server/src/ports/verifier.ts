import type { AccountId, DeviceId, Timestamp } from '@securechat/protocol'

/** The public-key and hash functions that the server needs. It verifies; it holds no key that could read anything. */
export interface Verifier {
  /** RFC 7693, `key` up to 64 bytes. */
  blake2b(length: number, message: Uint8Array, key?: Uint8Array): Uint8Array
  /** All signatures of one manifest. Throws `devices/invalid-manifest` and what decoding throws. */
  verifyManifest(bytes: Uint8Array): VerifiedManifest
  /** That `next` continues `current` under the same account key and with fresh device ids. Throws `devices/…`. */
  verifyNextManifest(step: {
    readonly current: Uint8Array
    readonly highestDeviceId: number
    readonly next: Uint8Array
    readonly now: Timestamp
  }): VerifiedManifest
  /** Whether `next` follows `current` under another account key that the recovery key named by `current` vouches for. */
  isSucceeded(step: { readonly current: Uint8Array; readonly highestDeviceId: number; readonly next: Uint8Array; readonly now: Timestamp }): boolean
  /** A signed prekey of this very device. Throws `prekeys/invalid-bundle` and what decoding throws. */
  verifyPreKey(bytes: Uint8Array, device: { readonly accountId: AccountId; readonly deviceId: DeviceId; readonly signingKey: Uint8Array }): VerifiedPreKey
  /** All three throw `auth/invalid-proof`. Freshness and single use are the caller's to check. */
  verifySocketProof(proof: { readonly signingKey: Uint8Array; readonly challenge: Uint8Array; readonly accessToken: string; readonly proof: Uint8Array }): void
  verifyRequestProof(proof: RequestProof): void
  verifyRefreshProof(proof: {
    readonly signingKey: Uint8Array
    readonly refreshToken: string
    readonly issuedAt: Timestamp
    readonly nonce: Uint8Array
    readonly proof: Uint8Array
  }): void
}

export interface VerifiedManifest {
  readonly accountId: AccountId
  readonly version: number
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
  readonly accountKey: Uint8Array
  readonly devices: readonly { readonly deviceId: DeviceId; readonly signingKey: Uint8Array; readonly flags: number }[]
}
export interface VerifiedPreKey {
  readonly type: 'signed' | 'one-time' | 'last-resort'
  readonly keyId: number
}
export interface RequestProof {
  readonly signingKey: Uint8Array
  readonly operation: string
  readonly body: Uint8Array
  readonly accessToken: string
  readonly issuedAt: Timestamp
  readonly nonce: Uint8Array
  readonly proof: Uint8Array
}
