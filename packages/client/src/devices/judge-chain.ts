import { type AcceptedSuccession, type CryptoProvider, decodeManifest, type ManifestPin, verifyManifestChain } from '@securechat/crypto'
import { type DeviceId, equalPublicBytes, isSecureChatError, SecureChatError, type Timestamp } from '@securechat/protocol'

type Verifier = Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>

export interface Judgement {
  /** What is believed from now on; with `candidate` the same as before. */
  readonly pin: ManifestPin
  /** The account shows another key: nothing is sent to it until the user accepts it. */
  readonly candidate?: ManifestPin
  readonly newDeviceIds: readonly DeviceId[]
  /** Changed account keys that the recovery key vouches for, oldest first: believed, and to be shown. */
  readonly successions: readonly AcceptedSuccession[]
  readonly removedDeviceIds: readonly DeviceId[]
  /** The manifest has expired: its owner was not online for long. */
  readonly stale: boolean
}

/**
 * What a server's answer to "manifests from my pinned version on" means. With a pin the chain has to begin with the pinned manifest itself, so
 * that a server which forgot it or shows another one is found out. Throws `devices/manifest-rollback`, `devices/manifest-fork`,
 * `devices/invalid-manifest` and the errors of a malformed manifest.
 */
export function judgeChain(
  provider: Verifier,
  { pinned, chain, now }: { pinned: ManifestPin | null; chain: readonly Uint8Array[]; now: Timestamp },
): Judgement {
  if (pinned && chain.length === 0) throw new SecureChatError('devices/manifest-rollback', { detail: 'the pinned version is gone' })
  try {
    const { pin, newDeviceIds, removedDeviceIds, stale, successions } = verifyManifestChain(provider, { pinned, chain, now })
    return { pin, newDeviceIds, removedDeviceIds, stale, successions }
  } catch (error) {
    if (!pinned || !isSecureChatError(error, 'devices/identity-changed')) throw error
    requirePinned(provider, pinned, chain)
    // Every link and signature is checked again; only whose key signs is left to the user.
    const { pin: candidate, stale } = verifyManifestChain(provider, { pinned: null, chain, now })
    return { pin: pinned, candidate, newDeviceIds: [], removedDeviceIds: [], stale, successions: [] }
  }
}

function requirePinned(provider: Verifier, { manifest }: ManifestPin, [first]: readonly Uint8Array[]): void {
  const shown = first && decodeManifest(provider, first)
  if (!shown || shown.version !== manifest.version || !equalPublicBytes(shown.hash, manifest.hash))
    throw new SecureChatError('devices/manifest-fork', { detail: 'pinned manifest' })
}
