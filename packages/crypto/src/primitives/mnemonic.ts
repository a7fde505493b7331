import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { SecureChatError } from '@securechat/protocol/core'

const WORDS = 24
const ENTROPY = 32

/** BIP39, English: 32 bytes as 24 words, the last of which holds 8 bits of checksum. */
export function wordsOfEntropy(entropy: Uint8Array): string[] {
  if (entropy.length !== ENTROPY) throw new SecureChatError('crypto/invalid-key', { detail: 'recovery entropy length' })
  return entropyToMnemonic(entropy, wordlist).split(' ')
}

/** Throws `client/invalid-argument` for another number of words, a word that is not on the list, or a wrong checksum. */
export function entropyOfWords(words: readonly string[]): Uint8Array {
  const refuse = (detail: string): never => {
    throw new SecureChatError('client/invalid-argument', { detail })
  }
  if (words.length !== WORDS) refuse('number of recovery words')
  if (!words.every((word) => wordlist.includes(word))) refuse('unknown recovery word')
  try {
    return mnemonicToEntropy(words.join(' '), wordlist)
  } catch {
    // The library's text may quote what was typed, so it is not kept as the cause.
    return refuse('checksum of the recovery words')
  }
}
