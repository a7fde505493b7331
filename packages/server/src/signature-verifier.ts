import { isSecureChatError } from '@securechat/protocol'
import type { Verifier } from './ports/verifier.js'

/** The verifier of `@securechat/crypto/signatures` (libsodium), loaded on demand. */
export async function signatureVerifier(): Promise<Verifier> {
  const signatures = await import('@securechat/crypto/signatures')
  const provider = await signatures.signatureProvider()
  return {
    blake2b: (length, message, key) => (key ? provider.blake2b(length, message, key) : provider.blake2b(length, message)),
    verifyManifest: (bytes) => signatures.verifyManifest(provider, bytes),
    verifyNextManifest({ current, highestDeviceId, next, now }) {
      const pinned = { manifest: signatures.decodeManifest(provider, current), highestDeviceId, unbelieved: [] }
      return signatures.verifyManifestChain(provider, { pinned, chain: [next], now }).manifest
    },
    isSucceeded({ current, highestDeviceId, next, now }) {
      const pinned = { manifest: signatures.decodeManifest(provider, current), highestDeviceId, unbelieved: [] }
      try {
        return signatures.verifyManifestChain(provider, { pinned, chain: [next], now }).successions.length === 1
      } catch (error) {
        if (isSecureChatError(error)) return false
        throw error
      }
    },
    verifyPreKey: (bytes, device) => signatures.verifyPreKey(provider, bytes, device),
    verifySocketProof: (proof) => signatures.verifySocketProof(provider, proof),
    verifyRequestProof: (proof) => signatures.verifyRequestProof(provider, proof),
    verifyRefreshProof: (proof) => signatures.verifyRefreshProof(provider, proof),
  }
}
