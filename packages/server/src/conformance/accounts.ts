import { type AccountId, type DeviceId, equalPublicBytes } from '@securechat/protocol'
import { type ConformanceCase, expectEqual, expectThat, type StoreContext } from './case.js'
import {
  device,
  HOUR,
  mailbox,
  manifestAfter,
  NOW,
  newAccount,
  newSession,
  preKeys,
  range,
  redeem,
  sendTo,
  UNLOCKED,
  uniqueBytes,
  uniqueId,
} from './fixtures.js'

export const accountCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'register: stores manifest, device, prekeys and session in one step',
    async run({ open }) {
      const store = await open()
      const { accountId, phoneHash, manifest, device: first, registration } = await newAccount(store)
      expectEqual(
        await store.account(accountId),
        { accountId, exists: true, manifestVersion: 1, manifestHash: manifest.hash, manifest: manifest.bytes, nextDeviceId: 2 },
        'the account',
      )
      expectEqual(await store.device(accountId, first.deviceId), { deviceId: 1, signingKey: first.signingKey }, 'the device')
      expectEqual(await store.device(accountId, 2 as DeviceId), undefined, 'another device')
      expectEqual(await store.accountByPhone(phoneHash), accountId, 'the number')
      expectEqual(await store.preKeyCount(accountId, first.deviceId), { oneTime: 10, signedKeyId: 1_000_001, lastResortKeyId: 1_000_002 }, 'prekeys')
      const { sessionId, tokenHash } = registration.session
      const session = { sessionId, accountId, deviceId: 1, signingKey: first.signingKey }
      expectEqual(await store.session(sessionId), session, 'the session')
      expectEqual(await store.findRefresh(tokenHash, NOW), session, 'its token')
    },
  },
  {
    name: 'register: a wrong or expired token, a gap and a known account without replacement change nothing',
    async run({ open }) {
      const store = await open()
      const { account, registrationHash } = await redeem(store, uniqueBytes(32))
      const first = device(1)
      const registration = {
        registrationHash,
        accountId: account.accountId,
        deviceId: first.deviceId,
        manifest: manifestAfter(undefined, [first]),
        preKeys: preKeys([1]),
        replaceKeys: false,
        session: newSession(),
        now: NOW,
        ...UNLOCKED,
      }
      expectEqual((await store.register({ ...registration, registrationHash: uniqueBytes(32) })).kind, 'expired', 'an unknown token')
      expectEqual((await store.register({ ...registration, now: NOW + HOUR })).kind, 'expired', 'an expired token')
      expectEqual((await store.register({ ...registration, accountId: uniqueId<AccountId>() })).kind, 'expired', 'the token of another account')
      expectEqual((await store.register({ ...registration, manifest: { ...registration.manifest, version: 2 } })).kind, 'conflict', 'a gap')
      expectEqual(await store.account(account.accountId), undefined, 'the reserved account')
      expectEqual((await store.register(registration)).kind, 'stored', 'the first registration')
      expectEqual(
        (await store.register({ ...registration, manifest: manifestAfter(undefined, [device(2)]), deviceId: 2 as DeviceId })).kind,
        'exists',
        'a known account',
      )
      expectEqual((await store.account(account.accountId))?.manifestHash, registration.manifest.hash, 'the manifest')
    },
  },
  {
    name: 'register: the same manifest again gives a further session and changes nothing else',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const bob = await newAccount(store)
      await store.append(sendTo(bob, [alice]))
      const session = newSession()
      const again = await store.register({ ...alice.registration, session })
      expectEqual(again, { kind: 'repeated', revokedDeviceIds: [] }, 'the outcome')
      expectThat(
        (await store.session(session.sessionId)) !== undefined && (await store.session(alice.registration.session.sessionId)) !== undefined,
        'both sessions live',
      )
      expectEqual((await store.readMailbox(mailbox(alice))).length, 1, 'rows of the mailbox')
      expectEqual((await store.preKeyCount(alice.accountId, alice.device.deviceId))?.oneTime, 10, 'one-time keys')
    },
  },
  {
    name: 'register: replacing keys removes the old device’s sessions, queue and prekeys, and goes on counting',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const bob = await newAccount(store)
      await store.append(sendTo(bob, [alice]))
      const { registrationHash, account } = await redeem(store, alice.phoneHash)
      const next = device(account.nextDeviceId)
      const manifest = manifestAfter(alice.manifest, [next])
      const outcome = await store.register({
        ...alice.registration,
        registrationHash,
        deviceId: next.deviceId,
        manifest,
        replaceKeys: true,
        session: newSession(),
        preKeys: preKeys([1]),
      })
      expectEqual(outcome, { kind: 'stored', revokedDeviceIds: [1] }, 'the outcome')
      expectEqual(await store.session(alice.registration.session.sessionId), undefined, 'the old session')
      expectEqual(await store.findRefresh(alice.registration.session.tokenHash, NOW), undefined, 'the old refresh token')
      expectEqual(await store.device(alice.accountId, alice.device.deviceId), undefined, 'the old device')
      expectEqual((await store.readMailbox(mailbox(alice))).length, 0, 'the old queue')
      expectEqual(await store.preKeyCount(alice.accountId, alice.device.deviceId), undefined, 'the old prekeys')
      expectEqual((await store.account(alice.accountId))?.nextDeviceId, 3, 'the next device id')
      expectEqual((await store.append(sendTo(alice, [bob]))).kind, 'revoked', 'a send by the old device')
    },
  },
  {
    name: 'manifests: of 20 parallel successors one is stored',
    async run({ open }) {
      const store = await open()
      const { accountId, manifest, device: first } = await newAccount(store)
      const next = Array.from({ length: 20 }, () => manifestAfter(manifest, [first]))
      const outcomes = await Promise.all(next.map((one) => store.updateManifest({ accountId, manifest: one, now: NOW })))
      const winners = outcomes.flatMap(({ kind }, i) => (kind === 'stored' ? [i] : []))
      expectEqual(winners.length, 1, 'stored successors')
      expectEqual(outcomes.filter(({ kind }) => kind === 'conflict').length, 19, 'conflicts')
      expectEqual((await store.account(accountId))?.manifestHash, next[winners[0]!]!.hash, 'the stored manifest')
      expectEqual((await store.updateManifest({ accountId, manifest: next[winners[0]!]!, now: NOW })).kind, 'repeated', 'the same again')
    },
  },
  {
    name: 'manifests: gaps, wrong parents and unknown accounts are refused; the chain is read oldest first, by pages',
    async run({ open }) {
      const store = await open()
      const { accountId, manifest, device: first } = await newAccount(store)
      const second = manifestAfter(manifest, [first])
      expectEqual((await store.updateManifest({ accountId, manifest: { ...second, version: 3 }, now: NOW })).kind, 'conflict', 'a gap')
      expectEqual((await store.updateManifest({ accountId, manifest: { ...second, prevHash: uniqueBytes(64) }, now: NOW })).kind, 'conflict', 'a wrong parent')
      expectEqual((await store.updateManifest({ accountId: uniqueId<AccountId>(), manifest: second, now: NOW })).kind, 'absent', 'an unknown account')
      await store.updateManifest({ accountId, manifest: second, now: NOW })
      const third = manifestAfter(second, [first])
      await store.updateManifest({ accountId, manifest: third, now: NOW })
      expectEqual(await store.manifests({ accountId, after: 0, limit: 2 }), { manifests: [manifest.bytes, second.bytes], more: true }, 'the first page')
      expectEqual(await store.manifests({ accountId, after: 2, limit: 2 }), { manifests: [third.bytes], more: false }, 'the last page')
      expectEqual(await store.manifests({ accountId, after: 3, limit: 2 }), { manifests: [], more: false }, 'an empty page')
      expectEqual(await store.manifests({ accountId: uniqueId<AccountId>(), after: 0, limit: 2 }), undefined, 'an unknown account')
    },
  },
  {
    name: 'manifests: a device that is no longer listed, or with another key, is gone; a new one has a mailbox',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const bob = await newAccount(store)
      const second = device(2)
      const both = manifestAfter(alice.manifest, [alice.device, second])
      expectEqual(
        await store.updateManifest({ accountId: alice.accountId, manifest: both, now: NOW }),
        { kind: 'stored', revokedDeviceIds: [] },
        'a further device',
      )
      const toSecond = { ...alice, device: second, manifest: both }
      expectEqual((await store.append(sendTo(bob, [toSecond]))).kind, 'stored', 'a send to the new device')
      const rekeyed = manifestAfter(both, [{ ...device(1) }, second])
      expectEqual(
        await store.updateManifest({ accountId: alice.accountId, manifest: rekeyed, now: NOW }),
        { kind: 'stored', revokedDeviceIds: [1] },
        'a device with another key',
      )
      expectEqual(await store.session(alice.registration.session.sessionId), undefined, 'its session')
      expectEqual((await store.readMailbox(mailbox(toSecond))).length, 1, 'the other device’s queue')
    },
  },
  {
    name: 'profiles: a lower version and other bytes of the same version are conflicts, the same again is not',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const profile = { version: 5, bytes: uniqueBytes(40) }
      expectEqual(await store.profile(accountId), undefined, 'no profile')
      expectEqual(await store.setProfile(accountId, profile), 'stored', 'the first')
      expectEqual(await store.setProfile(accountId, profile), 'stored', 'the same')
      expectEqual(await store.setProfile(accountId, { ...profile, bytes: uniqueBytes(40) }), 'conflict', 'other bytes')
      expectEqual(await store.setProfile(accountId, { version: 4, bytes: uniqueBytes(40) }), 'conflict', 'a lower version')
      expectEqual(await store.profile(accountId), profile, 'the stored profile')
      expectEqual(await store.setProfile(uniqueId<AccountId>(), profile), 'absent', 'an unknown account')
    },
  },
  {
    name: 'erase: nothing of the account is left, others are untouched, the number starts anew',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const bob = await newAccount(store)
      await store.setProfile(alice.accountId, { version: 1, bytes: uniqueBytes(10) })
      await store.append(sendTo(bob, [alice, bob]))
      expectEqual(await store.erase(alice.accountId), true, 'the erasure')
      expectEqual(await store.erase(alice.accountId), false, 'the erasure again')
      const { sessionId, tokenHash } = alice.registration.session
      const left = [
        await store.account(alice.accountId),
        await store.device(alice.accountId, alice.device.deviceId),
        await store.accountByPhone(alice.phoneHash),
        await store.profile(alice.accountId),
        await store.session(sessionId),
        await store.findRefresh(tokenHash, NOW),
        await store.preKeyCount(alice.accountId, alice.device.deviceId),
        await store.findRegistration(alice.registration.registrationHash, NOW),
        await store.manifests({ accountId: alice.accountId, after: 0, limit: 1 }),
      ]
      expectEqual(
        left,
        left.map(() => undefined),
        'what is left',
      )
      expectEqual((await store.readMailbox(mailbox(alice))).length, 0, 'rows of its mailbox')
      expectEqual((await store.append(sendTo(bob, [alice]))).kind, 'unknown-recipient', 'a send to it')
      expectEqual((await store.readMailbox(mailbox(bob))).length, 1, 'rows of the other mailbox')
      const anew = await redeem(store, alice.phoneHash)
      expectThat(!anew.account.exists && anew.account.accountId !== alice.accountId, 'the number gets another account')
    },
  },
  {
    name: 'kept values: the first one stays',
    async run({ open }) {
      const store = await open()
      const first = uniqueBytes(32)
      const answers = await Promise.all([store.keepOnce('key', first), store.keepOnce('key', uniqueBytes(32)), store.keepOnce('other', uniqueBytes(32))])
      expectEqual(answers[1], first, 'the second answer')
      expectThat(!equalPublicBytes(answers[2]!, first), 'names are separate')
      expectEqual(await store.keepOnce('key', uniqueBytes(32)), first, 'the value later')
    },
  },
  {
    name: 'after a restart: accounts, devices, sessions, prekeys and kept values are there',
    requires: 'reopen',
    async run({ open, reopen }) {
      const store = await open()
      const alice = await newAccount(store)
      const kept = await store.keepOnce('key', uniqueBytes(32))
      const later = await reopen!(store)
      expectEqual((await later.account(alice.accountId))?.manifest, alice.manifest.bytes, 'the manifest')
      expectEqual((await later.session(alice.registration.session.sessionId))?.signingKey, alice.device.signingKey, 'the session')
      expectEqual((await later.preKeyCount(alice.accountId, alice.device.deviceId))?.oneTime, 10, 'one-time keys')
      expectEqual(await later.keepOnce('key', uniqueBytes(32)), kept, 'the kept value')
      const publish = await later.publishPreKeys(alice.accountId, alice.device.deviceId, preKeys(range(1, 10)))
      expectEqual(publish?.oneTime, 10, 'one-time keys after a repeated upload')
    },
  },
]
