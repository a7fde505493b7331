import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AccountId, type DeviceId, idFromBytes } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { openBackupManifest, openSegment, sealBackupManifest, sealSegment, startBackup } from '../../src/backup/index.js'
import { beginDiscovery, finishDiscovery } from '../../src/discovery/index.js'
import { createEntry, deriveDiscoveryKeys, evaluateBlinded } from '../../src/discovery/server/index.js'
import {
  type AccountKeys,
  acceptDevice,
  type CryptoProvider,
  createManifest,
  createSuccession,
  generateAccountKeys,
  generateDeviceKeys,
  type ManifestInput,
  verifyManifestChain,
} from '../../src/index.js'
import {
  acceptPromotion,
  answerLink,
  confirmLink,
  confirmPromotion,
  createLinkOffer,
  finishLink,
  openHandover,
  openLinkAnswer,
  sealHandover,
} from '../../src/linking/index.js'
import { deriveRecoveryKeys, generateRecoveryEntropy, recoveryWords } from '../../src/recovery/index.js'
import { bytesOf, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

/** docs/protocol/vectors/{recovery,backup,discovery,linking,promotion}.json; SECURECHAT_WRITE_VECTORS=1 writes the files anew. */
const fileOf = (name: string): string => resolve(import.meta.dirname, `../../../../docs/protocol/vectors/${name}.json`)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const ACCOUNT = new Uint8Array(16).fill(0xa1)
const accountId = idFromBytes<AccountId>(ACCOUNT)

/** Randomness that is written down. */
function drawn(provider: CryptoProvider, seed: number) {
  const source = seededRandom(seed)
  const draws: string[] = []
  const random = (length: number): Uint8Array => {
    const bytes = source(length)
    draws.push(hex(bytes))
    return bytes
  }
  return { deps: { provider, random, now: START }, draws }
}

function recovery(provider: CryptoProvider) {
  const { deps, draws } = drawn(provider, 111)
  const entropy = generateRecoveryEntropy(deps.random)
  const { backupKey, signing } = deriveRecoveryKeys(provider, entropy)
  const [oldAccount, newAccount] = [generateAccountKeys(deps), generateAccountKeys(deps)]
  const lastHash = new Uint8Array(64).fill(0x5c)
  const keys = { oldAccountKey: oldAccount.publicKey, newAccountKey: newAccount.publicKey }
  const manifest = (accountKey: AccountKeys, version: number, changes: Partial<ManifestInput>) => {
    const deviceKeys = generateDeviceKeys(deps)
    const deviceId = version as DeviceId
    const accept = acceptDevice(deps, { accountId, accountKey: accountKey.publicKey, deviceId, deviceKeys })
    const { signing: dsk, identity } = deviceKeys
    const devices = [{ deviceId, signingKey: dsk.publicKey, identityKey: identity.publicKey, addedVersion: version, flags: 1, accept }]
    const times = { notBefore: START, notAfter: START + 86_400_000 }
    return createManifest(deps, { accountId, accountKey, version, prevHash: new Uint8Array(0), ...times, recoveryKey: signing.publicKey, devices, ...changes })
  }
  const first = manifest(oldAccount, 1, {})
  const statement = createSuccession(provider, { accountId, ...keys, lastVersion: 1, lastHash: first.hash, recoveryKey: signing })
  const second = manifest(newAccount, 2, { prevHash: first.hash, succession: statement })
  const pinned = verifyManifestChain(provider, { pinned: null, chain: [first.bytes], now: START }).pin
  expect(verifyManifestChain(provider, { pinned, chain: [first.bytes, second.bytes], now: START }).successions).toHaveLength(1)
  return {
    draws: { order: 'entropy 32, seed of the old AIK 32, seed of the new AIK 32; DSK seed 32 and DIK 32 of the first device, of the second', values: draws },
    words: recoveryWords(entropy).join(' '),
    backupKey: hex(backupKey.expose()),
    recoveryKey: hex(signing.publicKey),
    succession: {
      account: hex(ACCOUNT),
      oldAccountKey: hex(oldAccount.publicKey),
      newAccountKey: hex(newAccount.publicKey),
      lastVersion: 7,
      lastHash: hex(lastHash),
      output: hex(createSuccession(provider, { accountId, ...keys, lastVersion: 7, lastHash, recoveryKey: signing })),
    },
    recovered: { first: hex(first.bytes), second: hex(second.bytes) },
  }
}

function backup(provider: CryptoProvider) {
  const { deps, draws } = drawn(provider, 112)
  const { backupKey } = deriveRecoveryKeys(provider, generateRecoveryEntropy(deps.random))
  const records = [
    { name: bytesOf('first'), value: bytesOf('one') },
    { name: bytesOf('gone'), value: null },
  ]
  const segment = sealSegment(deps, { backupKey, state: startBackup(deps, accountId), kind: 'messages', records })
  const first = sealBackupManifest(deps, { backupKey, state: segment.state })
  const keys = { backupKey, accountId }
  const opened = openBackupManifest(provider, { ...keys, bytes: first.bytes })
  expect(openSegment(provider, { ...keys, entry: segment.entry, bytes: segment.bytes })).toEqual(records)
  const continued = sealSegment(deps, { backupKey, state: startBackup(deps, accountId, opened), kind: 'groups', records: records.slice(0, 1) })
  const second = sealBackupManifest(deps, { backupKey, state: continued.state })
  return {
    draws: { order: 'recovery entropy 32; backup id 16, segment 32, manifest 32; backup id of the continuation 16, segment 32, manifest 32', values: draws },
    account: hex(ACCOUNT),
    time: START,
    backupKey: hex(backupKey.expose()),
    records: [
      { recordName: 'first', value: 'one' },
      { recordName: 'gone', value: null },
    ],
    segment: { kind: 6, number: 1, output: hex(segment.bytes) },
    manifest: { revision: 1, hash: hex(first.anchor.hash), output: hex(first.bytes) },
    continuation: {
      segment: { kind: 5, number: 1, output: hex(continued.bytes) },
      manifest: { revision: 1, hash: hex(second.anchor.hash), output: hex(second.bytes) },
    },
  }
}

function discovery(provider: CryptoProvider) {
  const { deps, draws } = drawn(provider, 113)
  const numbers = ['+14155550101', '+14155550102']
  const keys = deriveDiscoveryKeys(deps.random(32))
  const pending = beginDiscovery(deps, numbers)
  const { evaluated, proof } = evaluateBlinded(deps, keys, pending.blinded)
  const tags = finishDiscovery(provider, { pending, serverKey: keys.publicKey, evaluation: { evaluated, proof } })
  const entry = createEntry(deps, keys, { number: '+14155550101', accountId })
  return {
    draws: { order: 'server seed 32; blinds 48 each, of the two numbers; proof 48; salt of the entry 8', values: draws },
    serverKey: hex(keys.publicKey),
    lookups: numbers.map((number, i) => ({
      number,
      blind: hex(pending.blinds[i]?.expose() ?? new Uint8Array(0)),
      blinded: hex(pending.blinded[i] as Uint8Array),
      evaluated: hex(evaluated[i] as Uint8Array),
      tag: hex(tags.get(number)?.tag ?? new Uint8Array(0)),
      maskKey: hex(tags.get(number)?.maskKey.expose() ?? new Uint8Array(0)),
    })),
    proof: hex(proof),
    entry: { number: '+14155550101', account: hex(ACCOUNT), tag: hex(entry.tag), salt: hex(entry.salt), maskedAccount: hex(entry.maskedAccount) },
  }
}

function linking(provider: CryptoProvider) {
  const { deps, draws } = drawn(provider, 114)
  const account = generateAccountKeys(deps)
  const offer = createLinkOffer(deps, generateDeviceKeys(deps))
  const deviceId = 2 as DeviceId
  const { state, answer } = answerLink(deps, { ...offer, accountId, accountKey: account.publicKey, deviceId, payload: bytesOf('payload') })
  const joined = openLinkAnswer(deps, offer, answer)
  const { confirmation } = confirmLink(deps, joined)
  const device = finishLink(deps, state, confirmation)
  expect(joined.comparison).toBe(state.comparison)
  return {
    draws: {
      order: 'AIK seed 32; DSK seed 32, DIK 32; ephemeral X25519 32, ML-KEM seed 64, secret 16; answering X25519 32, encapsulation 32',
      values: draws,
    },
    time: START,
    account: hex(ACCOUNT),
    accountKey: hex(account.publicKey),
    deviceId,
    payload: 'payload',
    code: hex(offer.code),
    kemKey: hex(offer.kemKey),
    answer: hex(answer),
    transcript: hex(state.transcript),
    comparison: state.comparison,
    confirmation: hex(confirmation),
    deviceAccept: hex(device.accept.signature),
  }
}

function promotion(provider: CryptoProvider) {
  const { deps, draws } = drawn(provider, 115)
  const account = generateAccountKeys(deps)
  const offer = createLinkOffer(deps, generateDeviceKeys(deps), 'promotion')
  const deviceId = 2 as DeviceId
  const payload = new Uint8Array(0)
  const { state, answer } = answerLink(deps, { ...offer, accountId, accountKey: account.publicKey, deviceId, payload, purpose: 'promotion' })
  const { confirmation, agreed } = confirmPromotion(deps, openLinkAnswer(deps, offer, answer))
  const handover = sealHandover(deps, acceptPromotion(deps, state, confirmation), { accountKeys: account, manifest: bytesOf('manifest') })
  expect(openHandover(deps, agreed, handover).manifest).toEqual(bytesOf('manifest'))
  return {
    draws: {
      order: 'AIK seed 32; DSK seed 32, DIK 32; ephemeral X25519 32, ML-KEM seed 64, secret 16; answering X25519 32, encapsulation 32',
      values: draws,
    },
    time: START,
    account: hex(ACCOUNT),
    accountKey: hex(account.publicKey),
    deviceId,
    code: hex(offer.code),
    kemKey: hex(offer.kemKey),
    answer: hex(answer),
    transcript: hex(state.transcript),
    comparison: state.comparison,
    confirmation: hex(confirmation),
    manifest: 'manifest',
    handover: hex(handover),
  }
}

const FILES = { recovery, backup, discovery, linking, promotion }

if (process.env.SECURECHAT_WRITE_VECTORS === '1')
  for (const [name, compute] of Object.entries(FILES)) writeFileSync(fileOf(name), `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(Object.entries(FILES).flatMap(([file, compute]) => providers.map((provider) => ({ file, compute, provider, name: provider.name }))))(
  '$name reproduces the published vectors of $file',
  ({ file, compute, provider }) => {
    expect(compute(provider)).toEqual(JSON.parse(readFileSync(fileOf(file), 'utf8')))
  },
)
