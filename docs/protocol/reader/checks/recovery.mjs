// 11 Recovery and backup: words, recovery keys, succession.

import { createHash } from 'node:crypto'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { hex, readKey, readTPrefix, readUint, refuse, requireEqual } from '../bytes.mjs'
import { readManifest, SUITE } from '../keys.mjs'
import { ed25519PublicKey, verifySignature, x25519PublicKey } from '../primitives.mjs'
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

function readSuccession(bytes, recoveryKey) {
  const { fields, read, rest } = readTPrefix(bytes, 'SC1/succession')
  verifySignature(recoveryKey, read, rest, 'succession')
  const [suite, account, oldKey, newKey, lastVersion, lastHash] = fields
  requireEqual(fields.length, 6, 'fields')
  requireEqual(suite, SUITE, 'suite')
  return { account, oldAccountKey: readKey('ed25519', oldKey), newAccountKey: readKey('ed25519', newKey), lastVersion: readUint(lastVersion), lastHash }
}

export function* checks(vectors) {
  const [entropy, oldSeed, newSeed, ...deviceDraws] = vectors.draws.values.map(hex)
  const keys = recoveryKeys(entropy)
  yield ['words', () => requireEqual(entropyOf(vectors.words), entropy, 'entropy')]
  yield ['backup key', () => requireEqual(keys.backupKey, hex(vectors.backupKey), 'backup key')]
  yield ['recovery key', () => requireEqual(ed25519PublicKey(keys.signingSeed), hex(vectors.recoveryKey), 'recovery key')]
  yield [
    'succession',
    () => {
      const { succession } = vectors
      const read = readSuccession(hex(succession.output), hex(vectors.recoveryKey))
      requireEqual(read.account, hex(succession.account), 'account')
      requireEqual(read.oldAccountKey, ed25519PublicKey(oldSeed), 'old AIK')
      requireEqual(read.newAccountKey, ed25519PublicKey(newSeed), 'new AIK')
      requireEqual(hex(succession.oldAccountKey), ed25519PublicKey(oldSeed), 'old AIK')
      requireEqual(hex(succession.newAccountKey), ed25519PublicKey(newSeed), 'new AIK')
      requireEqual(read.lastVersion, succession.lastVersion, 'version')
      requireEqual(read.lastHash, hex(succession.lastHash), 'hash')
    },
  ]
  yield [
    'recovered account',
    () => {
      const first = readManifest(hex(vectors.recovered.first))
      const second = readManifest(hex(vectors.recovered.second))
      requireEqual(first.accountKey, ed25519PublicKey(oldSeed), 'old AIK')
      requireEqual(second.accountKey, ed25519PublicKey(newSeed), 'new AIK')
      requireEqual(first.succession.length, 0, 'no succession')
      requireEqual(second.prevHash, first.hash, 'link')
      // By the recovery key of the manifest that was believed, never by what the new one says about itself.
      const read = readSuccession(second.succession, readKey('ed25519', first.recovery))
      requireEqual(second.recovery, first.recovery, 'recovery key')
      requireEqual(read.account, second.account, 'account')
      requireEqual(first.account, second.account, 'account')
      requireEqual(read.oldAccountKey, first.accountKey, 'old AIK')
      requireEqual(read.newAccountKey, second.accountKey, 'new AIK')
      requireEqual(read.lastVersion, first.version, 'version')
      requireEqual(second.version, first.version + 1, 'version')
      requireEqual(read.lastHash, first.hash, 'hash')
      requireEqual(deviceDraws.length, 4, 'draws')
      for (const [index, manifest] of [first, second].entries()) {
        const [signingSeed, identitySecret] = deviceDraws.slice(2 * index)
        const [device, ...others] = manifest.devices
        requireEqual(others.length, 0, 'other devices')
        requireEqual(device.signingKey, ed25519PublicKey(signingSeed), 'DSK')
        requireEqual(device.identityKey, x25519PublicKey(identitySecret), 'DIK')
      }
    },
  ]
}
