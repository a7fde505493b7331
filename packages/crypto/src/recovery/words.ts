import type { Random } from '@securechat/protocol/core'
import { entropyOfWords, wordsOfEntropy } from '../primitives/mnemonic.js'
import { Secret } from '../secret.js'

/** 32 bytes from which everything of docs/protocol/11 is derived; on paper they are 24 words, and no device keeps them. */
export type RecoveryEntropy = Secret

/** Made once, when the account is; shown to the user and then forgotten. */
export const generateRecoveryEntropy = (random: Random): RecoveryEntropy => new Secret(random(32))

/** The 24 words to write down, in order (BIP39, English). Throws `crypto/invalid-key` for another length than 32 bytes. */
export const recoveryWords = (entropy: RecoveryEntropy): string[] => wordsOfEntropy(entropy.expose())

/**
 * Reads what a user typed: letter case and white space do not matter, everything else does. Throws `client/invalid-argument` for another
 * number of words, an unknown word or a wrong checksum.
 */
export const parseRecoveryWords = (text: string): RecoveryEntropy => new Secret(entropyOfWords(text.trim().toLowerCase().split(/\s+/u)))
