import { LABELS, type Label, SUITE, T, u8 } from '@securechat/protocol/core'
import type { KeyPair } from '../identity/keys.js'
import { kdf } from '../kdf/kdf.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'

export interface RecoveryKeys {
  /** Seals the backup (docs/protocol/11, "Container"); a primary device keeps it in its sealed store. */
  readonly backupKey: Secret
  /** Ed25519: manifest 1 names its public half. The private half signs successions and is stored on no device. */
  readonly signing: KeyPair
}

/**
 * backup key, signing seed = kdf(BLAKE2b-256(T("SC1/recovery", suite)), entropy, T(label, suite), 32). The entropy is 256 random bits, so it is
 * extracted and not stretched: a slow hash would not make guessing harder.
 */
export function deriveRecoveryKeys(provider: Pick<CryptoProvider, 'blake2b' | 'ed25519KeyPair'>, entropy: Secret): RecoveryKeys {
  const suite = u8(SUITE)
  const salt = provider.blake2b(32, T(LABELS.recovery, suite))
  const derive = (label: Label): Uint8Array => kdf(provider, { salt, ikm: entropy.expose(), info: T(label, suite) }, 32)
  const pair = provider.ed25519KeyPair(derive(LABELS.recoverySigning))
  return { backupKey: new Secret(derive(LABELS.recoveryBackup)), signing: { publicKey: pair.publicKey, secretKey: new Secret(pair.secretKey) } }
}
