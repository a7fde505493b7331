import type { Timestamp } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import { generateAgreementKeys, type KeyPair } from '../identity/keys.js'
import { startPq } from '../pq/state.js'
import type { Secret } from '../secret.js'
import { rootStep } from './chain.js'
import type { RatchetState } from './state.js'

interface Start {
  readonly th: Uint8Array
  readonly rootKey: Secret
}

const fresh = ({ th, rootKey }: Start, pq: { readonly initiator: boolean; readonly since: Timestamp }): RatchetState => ({
  th,
  rootKey,
  pq: startPq(pq),
  own: null,
  remote: null,
  send: null,
  previousChainLength: 0,
  receive: [],
})

/** The initiator can send at once: the responder's first ratchet key is its signed prekey. */
export function startInitiator(deps: CryptoDeps, { th, rootKey, signedPreKey }: Start & { readonly signedPreKey: Uint8Array }): RatchetState {
  const start = fresh({ th, rootKey }, { initiator: true, since: deps.now })
  const own = generateAgreementKeys(deps)
  const step = rootStep(deps.provider, start, { dh: deps.provider.x25519(own.secretKey.expose(), signedPreKey), mixed: null })
  return { ...start, rootKey: step.rootKey, own, remote: signedPreKey, send: { chainKey: step.chainKey, pqEpoch: 0, next: 0 } }
}

/** The responder has no chain at all until the first message is decrypted. */
export const startResponder = (now: Timestamp, { th, rootKey, signedPreKey }: Start & { readonly signedPreKey: KeyPair }): RatchetState => ({
  ...fresh({ th, rootKey }, { initiator: false, since: now }),
  own: signedPreKey,
})
