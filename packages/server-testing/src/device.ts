import { createHash, createPrivateKey, sign as edSign, type KeyObject, randomBytes } from 'node:crypto'
import { type AccountId, concatBytes, type DeviceId, idToBytes, KEY_TYPES, LABELS, SUITE, T, text, toBase64Url, u8, u32, u64 } from '@securechat/protocol'
import { signatureVerifier } from '@securechat/server'

/** The byte formats written a second time, with node:crypto, so that the server is not tested against its own verifier. */
const verifier = await signatureVerifier()
const blake256 = (bytes: Uint8Array): Uint8Array => verifier.blake2b(32, bytes)
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const NOTHING = new Uint8Array(0)
const DAY = 86_400_000

export class SigningKey {
  readonly publicKey: Uint8Array
  readonly #key: KeyObject

  constructor(seed: Uint8Array = randomBytes(32)) {
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
    this.publicKey = new Uint8Array(Buffer.from(this.#key.export({ format: 'jwk' }).x ?? '', 'base64url'))
  }

  sign(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(edSign(null, bytes, this.#key))
  }
}

const typed = (type: keyof typeof KEY_TYPES, key: Uint8Array): Uint8Array => concatBytes(u8(KEY_TYPES[type]), key)

export interface SignedManifest {
  readonly version: number
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

/** A device with its keys; in these tests it holds the account key too. */
export class TestDevice {
  readonly accountKey: SigningKey
  readonly signing = new SigningKey()
  readonly identityKey = new Uint8Array(randomBytes(32))
  nextKeyId = 1

  constructor(
    readonly accountId: AccountId,
    readonly deviceId: DeviceId,
    accountKey = new SigningKey(),
    readonly addedVersion = 1,
  ) {
    this.accountKey = accountKey
  }

  accept(): Uint8Array {
    return this.signing.sign(
      T(
        LABELS.deviceAccept,
        u8(SUITE),
        idToBytes(this.accountId),
        typed('ed25519', this.accountKey.publicKey),
        u32(this.deviceId),
        typed('ed25519', this.signing.publicKey),
        typed('x25519', this.identityKey),
        NOTHING,
      ),
    )
  }

  manifest(now: number, options: { previous?: SignedManifest; devices?: readonly TestDevice[]; notBefore?: number } = {}): SignedManifest {
    const { previous, devices = [this] } = options
    const version = (previous?.version ?? 0) + 1
    const entry = ({ deviceId, signing, identityKey, addedVersion }: TestDevice): Uint8Array =>
      concatBytes(u32(deviceId), typed('ed25519', signing.publicKey), typed('x25519', identityKey), u64(addedVersion), u32(1))
    const notBefore = options.notBefore ?? now
    const core = T(
      LABELS.manifest,
      u8(SUITE),
      idToBytes(this.accountId),
      typed('ed25519', this.accountKey.publicKey),
      u64(version),
      previous?.hash ?? NOTHING,
      u64(notBefore),
      u64(notBefore + 30 * DAY),
      NOTHING,
      concatBytes(...devices.map(entry)),
    )
    const accepts = devices.map((device) => concatBytes(u8(0), device.accept()))
    const bytes = concatBytes(u8(1), u32(core.length), core, this.accountKey.sign(core), ...accepts)
    return { version, bytes, hash: new Uint8Array(createHash('blake2b512').update(core).digest()) }
  }

  preKey(type: 1 | 2 | 3, now: number, keyId = this.nextKeyId++): Uint8Array {
    const dh = type === 3 ? NOTHING : typed('x25519', randomBytes(32))
    const kem = type === 1 ? NOTHING : typed('mlkem768', randomBytes(1184))
    const core = T(LABELS.prekey, u8(SUITE), idToBytes(this.accountId), u32(this.deviceId), u8(type), u32(keyId), u64(now), u64(now + 30 * DAY), dh, kem)
    return concatBytes(core, this.signing.sign(core))
  }

  preKeys(now: number, oneTime = 3): { signed: Uint8Array; lastResort: Uint8Array; oneTime: Uint8Array[] } {
    return { signed: this.preKey(1, now), lastResort: this.preKey(3, now), oneTime: Array.from({ length: oneTime }, () => this.preKey(2, now)) }
  }

  socketProof(challenge: Uint8Array, accessToken: string): Uint8Array {
    return this.signing.sign(T(LABELS.socketProof, challenge, blake256(text(accessToken))))
  }

  refreshProof(refreshToken: string, time: number): { time: number; nonce: Uint8Array; proof: Uint8Array } {
    const nonce = new Uint8Array(randomBytes(16))
    return { time, nonce, proof: this.signing.sign(T(LABELS.refreshProof, blake256(text(refreshToken)), u64(time), nonce)) }
  }

  /** The SC-Proof header. */
  requestProof(operation: string, body: Uint8Array, options: { accessToken: string; time: number; nonce?: Uint8Array }): string {
    const nonce = options.nonce ?? new Uint8Array(randomBytes(16))
    const signed = T(LABELS.requestProof, text(operation), blake256(body), blake256(text(options.accessToken)), u64(options.time), nonce)
    return toBase64Url(concatBytes(u64(options.time), nonce, this.signing.sign(signed)))
  }
}
