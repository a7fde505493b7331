import type { CryptoDeps } from '../deps.js'
import { generateAgreementKeys, type KeyPair } from '../identity/keys.js'
import type { Secret } from '../secret.js'
import { rootStep } from './chain.js'
import type { RatchetState } from './state.js'

const fresh = (th: Uint8Array, rootKey: Secret): RatchetState => ({
  th,
  rootKey,
  pqEpoch: 0,
  own: null,
  remote: null,
  send: null,
  previousChainLength: 0,
  receive: [],
})

/** The initiator can send at once: the responder's first ratchet key is its signed prekey. */
export function startInitiator(
  deps: Pick<CryptoDeps, 'provider' | 'random'>,
  { th, rootKey, signedPreKey }: { th: Uint8Array; rootKey: Secret; signedPreKey: Uint8Array },
): RatchetState {
  const own = generateAgreementKeys(deps)
  const step = rootStep(deps.provider, { rootKey, th, pqEpoch: 0 }, deps.provider.x25519(own.secretKey.expose(), signedPreKey))
  return { ...fresh(th, step.rootKey), own, remote: signedPreKey, send: { chainKey: step.chainKey, next: 0 } }
}

/** The responder has no chain at all until the first message is decrypted. */
export const startResponder = ({ th, rootKey, signedPreKey }: { th: Uint8Array; rootKey: Secret; signedPreKey: KeyPair }): RatchetState => ({
  ...fresh(th, rootKey),
  own: signedPreKey,
})
