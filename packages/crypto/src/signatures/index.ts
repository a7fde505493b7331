import type { CryptoProvider } from '../primitives/provider.js'
import { sodiumProvider } from '../primitives/sodium.js'

export type { AcceptedSuccession } from '../identity/account-change.js'
export { acceptDevice, type DeviceAccept, type DeviceAcceptSubject, verifyDeviceAccept } from '../identity/device-accept.js'
export { DEVICE_FLAGS, decodeManifest, type Manifest, type ManifestDevice, verifyManifest } from '../identity/manifest.js'
export {
  believedDevices,
  compareManifestRef,
  decodeManifestPin,
  encodeManifestPin,
  type ManifestChainInput,
  type ManifestChainResult,
  type ManifestPin,
  manifestRef,
  verifyManifestChain,
} from '../identity/manifest-chain.js'
export { decodePreKey, type PreKey, verifyPreKey } from '../identity/prekeys.js'
export type { PreKeyType } from '../identity/private-prekeys.js'
export { decodeSuccession, type Succession, verifySuccession } from '../recovery/succession.js'
export {
  type RefreshProofInput,
  type RequestProofInput,
  type SocketProofInput,
  signRefreshProof,
  signRequestProof,
  signSocketProof,
  verifyRefreshProof,
  verifyRequestProof,
  verifySocketProof,
} from './proofs.js'

/** What checking signatures needs of a provider; nothing that could decrypt. */
export type SignatureProvider = Pick<CryptoProvider, 'blake2b' | 'ed25519Verify' | 'ed25519Sign'>

/** libsodium, narrowed to hashing and signatures: the relay has no use for more. */
export async function signatureProvider(): Promise<SignatureProvider> {
  const { blake2b, ed25519Verify, ed25519Sign } = await sodiumProvider()
  return { blake2b, ed25519Verify, ed25519Sign }
}
