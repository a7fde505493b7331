import type { AccountId, DeviceId } from '@securechat/protocol'
import type { ServerStore } from '../ports/store.js'
import { type ConformanceCase, expectEqual, expectThat, openTwice, type StoreContext } from './case.js'
import {
  DAY,
  device,
  HOUR,
  manifestAfter,
  NOW,
  newAccount,
  newSession,
  preKeys,
  redeem,
  type TestAccount,
  UNLOCKED,
  uniqueBytes,
  uniqueId,
} from './fixtures.js'

const TODAY = NOW - (NOW % DAY)
const FIRST = 1 as DeviceId
const lock = (fields: { readonly since?: number } = {}) => ({ salt: uniqueBytes(16), mac: uniqueBytes(32), since: NOW, ...fields })

/** Somebody with a right code for the number, and what he would register. */
async function intruder(store: ServerStore, victim: TestAccount) {
  const { account, registrationHash } = await redeem(store, victim.phoneHash)
  const next = device(account.nextDeviceId)
  return {
    ...victim.registration,
    registrationHash,
    deviceId: next.deviceId,
    manifest: manifestAfter(victim.manifest, [next]),
    preKeys: preKeys([1]),
    replaceKeys: true,
    session: newSession(),
    ...UNLOCKED,
  }
}
const guess = (registrationHash: Uint8Array, now = NOW) => ({ registrationHash, now, maxTries: 10, windowMs: DAY })

export const ownDeviceCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'seen: each device has its latest day, one that never came has none',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const { accountId } = alice
      expectEqual(await store.seen(accountId), [{ deviceId: 1, lastSeen: TODAY }], 'after the registration')
      await store.updateManifest({ accountId, manifest: manifestAfter(alice.manifest, [alice.device, device(2)]), now: NOW })
      await store.markSeen(accountId, FIRST, TODAY + DAY)
      await store.markSeen(accountId, FIRST, TODAY)
      await store.markSeen(accountId, 3 as DeviceId, TODAY)
      await store.markSeen(uniqueId<AccountId>(), FIRST, TODAY)
      expectEqual(await store.seen(accountId), [{ deviceId: 1, lastSeen: TODAY + DAY }, { deviceId: 2 }], 'the days')
      expectEqual(await store.seen(uniqueId<AccountId>()), [], 'of an unknown account')
    },
  },
  {
    name: 'leases: the last one is exchanged for the next, a repetition is answered as before, an old one is told',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const [none, a, b, c, d] = [new Uint8Array(0), uniqueBytes(16), uniqueBytes(16), uniqueBytes(16), uniqueBytes(16)]
      const swap = (held: Uint8Array, next: Uint8Array) => store.swapLease(accountId, FIRST, { held, next })
      expectEqual(await swap(none, a), true, 'the first one')
      expectEqual(await swap(none, a), true, 'whose answer was lost')
      expectEqual(await swap(a, b), true, 'the next one')
      expectEqual(await swap(none, a), false, 'an old store repeats')
      expectEqual(await swap(none, a), false, 'whose answer was lost too')
      expectEqual(await swap(b, c), false, 'the one that it took the place of')
      expectEqual(await swap(c, d), true, 'goes on from there')
      expectEqual(await swap(none, uniqueBytes(16)), false, 'a store without one, for a device that has one')
      expectEqual(await store.swapLease(accountId, 7 as DeviceId, { held: none, next: a }), undefined, 'an unknown device')
      expectEqual(await store.swapLease(uniqueId<AccountId>(), FIRST, { held: none, next: a }), undefined, 'an unknown account')
    },
  },
  {
    name: 'leases: of two copies of a store that come at once one alone is kept',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const held = uniqueBytes(16)
      await store.swapLease(accountId, FIRST, { held: new Uint8Array(0), next: held })
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.swapLease(accountId, FIRST, { held, next: uniqueBytes(16) })))
      expectEqual(answers.filter((kept) => kept === true).length, 1, 'kept')
    },
  },
  {
    name: 'leases: a device that comes anew begins without one',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const { accountId } = alice
      const second = device(2)
      const listed = manifestAfter(alice.manifest, [alice.device, second])
      await store.updateManifest({ accountId, manifest: listed, now: NOW })
      await store.swapLease(accountId, second.deviceId, { held: new Uint8Array(0), next: uniqueBytes(16) })
      const without = manifestAfter(listed, [alice.device])
      await store.updateManifest({ accountId, manifest: without, now: NOW })
      await store.updateManifest({ accountId, manifest: manifestAfter(without, [alice.device, second]), now: NOW })
      expectEqual(await store.swapLease(accountId, second.deviceId, { held: new Uint8Array(0), next: uniqueBytes(16) }), true, 'the first one')
    },
  },
  {
    name: 'locks: who has the code and not the PIN registers nothing, and changes nothing',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const { accountId } = alice
      const set = lock()
      expectEqual(await store.setLock(uniqueId<AccountId>(), set), false, 'for an unknown account')
      expectEqual(await store.lock(accountId), undefined, 'before')
      expectEqual(await store.setLock(accountId, set), true, 'setting it')
      expectEqual(await store.lock(accountId), { ...set, activeAt: NOW }, 'the lock')
      const thief = await intruder(store, alice)
      expectEqual(await store.register(thief), { kind: 'locked' }, 'with a code alone')
      expectEqual(await store.register({ ...thief, manifest: alice.manifest, deviceId: FIRST }), { kind: 'locked' }, 'with the manifest that is stored')
      expectEqual((await store.account(accountId))?.manifestVersion, 1, 'the manifest')
      expectEqual(await store.device(accountId, FIRST), { deviceId: 1, signingKey: alice.device.signingKey }, 'the device')
      expectThat((await store.session(alice.registration.session.sessionId)) !== undefined, 'the session lives')
      expectEqual((await store.register({ ...thief, session: newSession(), recovered: true })).kind, 'stored', 'with the recovery key')
      expectEqual((await store.register({ ...thief, session: newSession() })).kind, 'repeated', 'the same again')
      expectEqual((await store.lock(accountId))?.mac, set.mac, 'the lock stays')
      await store.setLock(accountId, null)
      expectEqual(await store.lock(accountId), undefined, 'taken away')
    },
  },
  {
    name: 'locks: the PIN opens this one registration; an invitation needs none',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const { accountId } = alice
      const set = lock()
      await store.setLock(accountId, set)
      const [thief, owner] = [await intruder(store, alice), await intruder(store, alice)]
      const tried = await store.tryPin(guess(owner.registrationHash))
      expectEqual(tried, { state: 'counted', mac: set.mac, accountId, triesLeft: 9 }, 'a try')
      expectEqual(await store.unlockRegistration(uniqueBytes(32), NOW), false, 'an unknown token')
      expectEqual(await store.unlockRegistration(owner.registrationHash, NOW + HOUR), false, 'an expired token')
      expectEqual(await store.unlockRegistration(owner.registrationHash, NOW), true, 'unlocking')
      expectEqual(await store.tryPin(guess(thief.registrationHash)), { state: 'counted', mac: set.mac, accountId, triesLeft: 9 }, 'the try was given back')
      expectEqual(await store.register(thief), { kind: 'locked' }, 'another token')
      expectEqual((await store.register(owner)).kind, 'stored', 'the unlocked token')
      const registrationHash = uniqueBytes(32)
      await store.invite({ registrationHash, accountId, deviceId: owner.deviceId, expiresAt: NOW + HOUR })
      expectEqual((await store.register({ ...owner, registrationHash, session: newSession() })).kind, 'repeated', 'an invited device')
    },
  },
  {
    name: 'locks: of parallel tries over two instances as many are counted as are allowed, for all tokens together, until the next day',
    async run(context) {
      const [a, b] = await openTwice(context)
      const alice = await newAccount(a)
      await a.setLock(alice.accountId, lock())
      const tokens = [await intruder(a, alice), await intruder(a, alice)].map(({ registrationHash }) => registrationHash)
      const tries = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? a : b).tryPin(guess(tokens[i % 4 < 2 ? 0 : 1]!))))
      expectEqual(tries.filter(({ state }) => state === 'counted').length, 10, 'tries that were counted')
      expectEqual(await a.tryPin(guess(tokens[0]!, NOW + HOUR / 2)), { state: 'exhausted', retryAt: NOW + DAY }, 'and then')
      expectEqual(await a.tryPin(guess(uniqueBytes(32))), { state: 'absent' }, 'an unknown token')
      await a.setLock(alice.accountId, lock())
      expectEqual((await a.tryPin(guess(tokens[0]!))).state, 'counted', 'with a new PIN')
      const bob = await newAccount(a)
      const open = await intruder(a, bob)
      expectEqual(await a.tryPin(guess(open.registrationHash)), { state: 'absent' }, 'an account without a lock')
    },
  },
  {
    name: 'locks: tries come back when their time is over',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      await store.setLock(alice.accountId, lock())
      const { registrationHash } = await intruder(store, alice)
      const attempt = { registrationHash, now: NOW, maxTries: 1, windowMs: HOUR / 2 }
      expectEqual((await store.tryPin(attempt)).state, 'counted', 'the first')
      expectEqual((await store.tryPin({ ...attempt, now: NOW + HOUR / 2 - 1 })).state, 'exhausted', 'too early')
      expectEqual((await store.tryPin({ ...attempt, now: NOW + HOUR / 2 })).state, 'counted', 'after it')
      expectEqual((await store.tryPin({ ...attempt, now: NOW + HOUR / 2 + 1 })).state, 'exhausted', 'and not twice')
    },
  },
  {
    name: 'locks: one of an account that was idle for long gives way, and is gone then',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const { accountId } = alice
      await store.setLock(accountId, lock({ since: NOW - 90 * DAY }))
      expectEqual((await store.lock(accountId))?.activeAt, TODAY, 'the day of its only device counts')
      const next = await intruder(store, alice)
      expectEqual(await store.register({ ...next, lockedSince: TODAY - 1 }), { kind: 'locked' }, 'still active')
      expectEqual((await store.register({ ...next, lockedSince: TODAY })).kind, 'stored', 'idle')
      expectEqual(await store.lock(accountId), undefined, 'the lock of the one before')
      expectEqual(await store.erase(accountId), true, 'erasing')
    },
  },
]
