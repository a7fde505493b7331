import { LABELS, T, u32 } from '@securechat/protocol/core'
import { kdf } from '../kdf/kdf.js'
import type { EpochSecret } from '../pq/state.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
const CHAIN = T(LABELS.chain)
const NOTHING = new Uint8Array(0)

/** mk ‖ CK' = BLAKE2b-512(key = CK, T("SC1/chain")): message key and next chain key in one call. */
export function chainStep(provider: Hash, chainKey: Secret): { messageKey: Secret; chainKey: Secret } {
  const out = provider.blake2b(64, CHAIN, chainKey.expose())
  // Copies and not views: up to 64 bytes V8 keeps inside the object, and a view would force them out of it.
  return { messageKey: new Secret(out.slice(0, 32)), chainKey: new Secret(out.slice(32)) }
}

/** What goes into a DH step: the agreement, and ss and h where the step begins a post-quantum epoch. `dh` is erased. */
export interface RootInput {
  readonly dh: Uint8Array
  readonly mixed: EpochSecret | null
}

/**
 * RK' ‖ CK = kdf(RK, T("SC1/root-ikm", dh, ss), T("SC1/root", th, u32 e, h), 64). Without a post-quantum secret ss and h are empty and e is
 * the epoch of the last one; with it e is one more.
 */
export function rootStep(
  provider: Hash,
  { rootKey, th, pq }: { readonly rootKey: Secret; readonly th: Uint8Array; readonly pq: { readonly epoch: number } },
  { dh, mixed }: RootInput,
): { rootKey: Secret; chainKey: Secret } {
  const ikm = T(LABELS.rootInput, dh, mixed?.secret.expose() ?? NOTHING)
  const info = T(LABELS.root, th, u32(mixed ? pq.epoch + 1 : pq.epoch), mixed?.h ?? NOTHING)
  const out = kdf(provider, { salt: rootKey.expose(), ikm, info }, 64)
  ikm.fill(0)
  dh.fill(0)
  return { rootKey: new Secret(out.slice(0, 32)), chainKey: new Secret(out.slice(32)) }
}
