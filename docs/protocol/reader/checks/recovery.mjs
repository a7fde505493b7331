// 11 Recovery and backup: words, recovery keys, succession.

import { createHash } from 'node:crypto'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { hex, readKey, readTPrefix, readUint, refuse, requireEqual } from '../bytes.mjs'
import { SUITE } from '../keys.mjs'
import { ed25519PublicKey, verifySignature } from '../primitives.mjs'
import { recoveryKeys } from '../recovery.mjs'

/** BIP39: 24 words of 11 bits, 256 of entropy and 8 of its SHA-256. */
function entropyOf(words) {
  const indexes = words.split(' ').map((word) => wordlist.indexOf(word))
  if (indexes.length !== 24 || indexes.includes(-1)) refuse('words')
  const bits = indexes.map((index) => index.toString(2).padStart(11, '0')).join('')
  const bytes = Uint8Array.from(bits.match(/.{8}/g), (byte) => Number.parseInt(byte, 2))
  if (createHash('sha256').update(bytes.subarray(0, 32)).digest()[0] !== bytes[32]) refuse('checksum of the words')
  return bytes.subarray(0, 32)
}

export function* checks(vectors) {
  const [entropy, oldSeed, newSeed] = vectors.draws.values.map(hex)
  const keys = recoveryKeys(entropy)
  yield ['words', () => requireEqual(entropyOf(vectors.words), entropy, 'entropy')]
  yield ['backup key', () => requireEqual(keys.backupKey, hex(vectors.backupKey), 'backup key')]
  yield ['recovery key', () => requireEqual(ed25519PublicKey(keys.signingSeed), hex(vectors.recoveryKey), 'recovery key')]
  yield [
    'succession',
    () => {
      const { succession } = vectors
      const { fields, read, rest } = readTPrefix(hex(succession.output), 'SC1/succession')
      verifySignature(hex(vectors.recoveryKey), read, rest, 'succession')
      const [suite, account, oldKey, newKey, lastVersion, lastHash] = fields
      requireEqual(fields.length, 6, 'fields')
      requireEqual(suite, SUITE, 'suite')
      requireEqual(account, hex(succession.account), 'account')
      requireEqual(readKey('ed25519', oldKey), ed25519PublicKey(oldSeed), 'old AIK')
      requireEqual(readKey('ed25519', newKey), ed25519PublicKey(newSeed), 'new AIK')
      requireEqual(hex(succession.oldAccountKey), ed25519PublicKey(oldSeed), 'old AIK')
      requireEqual(hex(succession.newAccountKey), ed25519PublicKey(newSeed), 'new AIK')
      requireEqual(readUint(lastVersion), succession.lastVersion, 'version')
      requireEqual(lastHash, hex(succession.lastHash), 'hash')
    },
  ]
}
