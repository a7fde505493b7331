import { equalPublicBytes } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'
import { decodeSuccession, isSignedSuccession } from '../recovery/succession.js'
import type { Manifest } from './manifest.js'

/** A changed account key that was believed because the recovery key says so. Always shown to the user: the safety number is another one. */
export interface AcceptedSuccession {
  /** Of the first manifest under the new key. */
  readonly version: number
  readonly oldAccountKey: Uint8Array
  readonly newAccountKey: Uint8Array
  /** The manifests before it are not the ones that were believed: somebody else had signed with the old key. */
  readonly endedFork: boolean
}

/**
 * True where `next` carries a statement that names exactly this step, and the recovery key of what is BELIEVED has signed it: `believed` gives the
 * old account key and the recovery key, `next` the new key and the place in the chain.
 */
export function isSucceeded(
  provider: Pick<CryptoProvider, 'ed25519Verify'>,
  { believed, next }: { readonly believed: Manifest; readonly next: Manifest },
): boolean {
  const bytes = next.succession
  if (bytes.length === 0) return false
  const { accountId, oldAccountKey, newAccountKey, lastVersion, lastHash } = decodeSuccession(bytes)
  const keys = equalPublicBytes(oldAccountKey, believed.accountKey) && equalPublicBytes(newAccountKey, next.accountKey)
  const place = accountId === believed.accountId && lastVersion === next.version - 1 && equalPublicBytes(lastHash, next.prevHash)
  return keys && place && isSignedSuccession(provider, bytes, believed.recoveryKey)
}
