import { concatBytes, LABELS, T } from '@securechat/protocol/core'
import { kdf } from '../kdf/kdf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

/** What both sides come to: the transcript hash names the session, the root key starts its ratchet. */
export interface Agreement {
  readonly th: Uint8Array
  readonly rootKey: Secret
}

/** RK0 = kdf(th, DH1 ‖ DH2 ‖ DH3 ‖ [DH4] ‖ ss, "SC1/pqxdh/sk"). The parts are 32 bytes each and th says whether DH4 is among them. */
export function agree(provider: Pick<CryptoProvider, 'blake2b'>, th: Uint8Array, parts: readonly Uint8Array[]): Agreement {
  const ikm = concatBytes(...parts)
  const rootKey = new Secret(kdf(provider, { salt: th, ikm, info: T(LABELS.handshakeSecret) }, 32))
  ikm.fill(0)
  return { th, rootKey }
}
