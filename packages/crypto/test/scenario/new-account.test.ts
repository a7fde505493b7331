import { type AccountId, idFromBytes } from '@securechat/protocol'
import { expect, test } from 'vitest'
import {
  createAccount,
  DEVICE_FLAGS,
  decryptMessage,
  encryptMessage,
  generateAccountKeys,
  generatePreKeys,
  remoteDevice,
  verifyManifest,
} from '../../src/index.js'
import { DAY, NOTHING, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

test.each(providers)('$name: a new account has one primary device that it has signed, for 30 days, under 16 random bytes or the given id', (provider) => {
  const deps = { provider, random: seededRandom(1), now: START }
  const { accountKeys, deviceKeys, manifest, local } = createAccount(deps)
  expect(manifest).toEqual(verifyManifest(provider, manifest.bytes))
  expect(manifest).toMatchObject({
    version: 1,
    prevHash: NOTHING,
    accountKey: accountKeys.publicKey,
    notBefore: START,
    notAfter: START + 30 * DAY,
    devices: [
      { deviceId: 1, addedVersion: 1, flags: DEVICE_FLAGS.primary, signingKey: deviceKeys.signing.publicKey, identityKey: deviceKeys.identity.publicKey },
    ],
  })
  expect(manifest.recoveryKey).toEqual(NOTHING)
  expect(manifest.accountId).toBe(idFromBytes<AccountId>(seededRandom(1)(16)))
  expect(local).toMatchObject({ accountId: manifest.accountId, deviceId: 1, accountKey: accountKeys.publicKey })

  const recoveryKey = generateAccountKeys(deps).publicKey
  const accountId = idFromBytes<AccountId>(new Uint8Array(16).fill(7))
  const named = createAccount(deps, { accountId, recoveryKey })
  expect(named.manifest).toMatchObject({ accountId, recoveryKey })
  expect(named.accountKeys.publicKey).not.toEqual(accountKeys.publicKey)
})

test('two new accounts write to each other', () => {
  const deps = { provider: sodium, random: seededRandom(2), now: START }
  const [alice, bob] = [createAccount(deps), createAccount(deps)]
  const { accountId, deviceId } = bob.local
  const batch = generatePreKeys(deps, { accountId, deviceId, deviceKeys: bob.deviceKeys, firstKeyId: 1, count: 0 })
  const bundle = { signed: batch.signed.public, lastResort: batch.lastResort.public }
  const plaintext = { common: Uint8Array.of(1), perSession: NOTHING }
  const { envelope } = encryptMessage(deps, { record: null, local: alice.local, remote: remoteDevice(bob.manifest, deviceId), plaintext, bundle })
  const preKeys = { signed: batch.signed.private, kem: batch.lastResort.private }
  const received = decryptMessage(deps, { record: null, local: bob.local, remote: remoteDevice(alice.manifest, alice.local.deviceId), envelope, preKeys })
  expect(received.plaintext).toEqual(plaintext)
})
