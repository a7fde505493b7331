import type { AccountId } from '@securechat/protocol'
import { type ConformanceCase, expectEqual, expectThat, type StoreContext } from './case.js'
import { DAY, HOUR, NOW, newAccount, openLogin, redeem, uniqueBytes, uniqueId } from './fixtures.js'

export const loginCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'codes: 50 parallel guesses get exactly the tries there are',
    async run({ open }) {
      const store = await open()
      const { loginId, codeMac } = await openLogin(store, uniqueBytes(32))
      const tries = await Promise.all(Array.from({ length: 50 }, () => store.tryCode({ loginId, now: NOW, maxTries: 5 })))
      const counted = tries.filter((one) => one.state === 'counted')
      expectEqual(counted.length, 5, 'tries that were counted')
      expectEqual(counted.map(({ triesLeft }) => triesLeft).sort(), [0, 1, 2, 3, 4], 'tries left')
      for (const one of counted) expectEqual(one.codeMac, codeMac, 'the MAC of the code')
      expectEqual(tries.filter(({ state }) => state === 'exhausted').length, 45, 'exhausted tries')
    },
  },
  {
    name: 'codes: unknown and expired logins are told apart from exhausted ones',
    async run({ open }) {
      const store = await open()
      const { loginId } = await openLogin(store, uniqueBytes(32))
      expectEqual(await store.tryCode({ loginId: uniqueId(), now: NOW, maxTries: 5 }), { state: 'absent' }, 'an unknown login')
      expectEqual(await store.tryCode({ loginId, now: NOW + 600_000, maxTries: 5 }), { state: 'expired' }, 'an expired login')
    },
  },
  {
    name: 'codes: sendings are charged to the number, and a refused one is not counted',
    async run({ open }) {
      const store = await open()
      const phoneHash = uniqueBytes(32)
      await openLogin(store, phoneHash, NOW - 25 * HOUR)
      await openLogin(store, phoneHash, NOW - HOUR)
      const login = { loginId: uniqueId(), codeMac: uniqueBytes(32), phoneHash, now: NOW, expiresAt: NOW + 600_000 }
      const seen: number[][] = []
      const refused = await store.openLogin(login, (sent) => {
        seen.push([...sent])
        return NOW + 5_000
      })
      expectEqual(refused, { opened: false, retryAt: NOW + 5_000 }, 'a refusal')
      expectEqual(await store.tryCode({ loginId: login.loginId, now: NOW, maxTries: 5 }), { state: 'absent' }, 'a refused login')
      await store.openLogin({ ...login, loginId: uniqueId() }, (sent) => {
        seen.push([...sent])
        return null
      })
      await store.openLogin({ ...login, loginId: uniqueId(), phoneHash: uniqueBytes(32) }, (sent) => {
        seen.push([...sent])
        return null
      })
      expectEqual(seen, [[NOW - HOUR], [NOW - HOUR], []], 'the sendings of the last 24 hours')
    },
  },
  {
    name: 'codes: of parallel sendings each sees those before it',
    async run({ open }) {
      const store = await open()
      const phoneHash = uniqueBytes(32)
      const counts: number[] = []
      await Promise.all(
        Array.from({ length: 10 }, () =>
          store.openLogin({ loginId: uniqueId(), codeMac: uniqueBytes(32), phoneHash, now: NOW, expiresAt: NOW + 1 }, (sent) => {
            counts.push(sent.length)
            return sent.length < 3 ? null : NOW + 1
          }),
        ),
      )
      expectEqual(counts.sort().slice(0, 4), [0, 1, 2, 3], 'sendings seen')
      expectEqual(counts.filter((n) => n > 3).length, 0, 'sendings beyond the limit')
    },
  },
  {
    name: 'codes: a login is redeemed once; the same registration again only within the grace',
    async run({ open }) {
      const store = await open()
      const { loginId } = await openLogin(store, uniqueBytes(32))
      const redemption = {
        loginId,
        now: NOW,
        graceUntil: NOW + 60_000,
        newAccountId: uniqueId<AccountId>(),
        registrationHash: uniqueBytes(32),
        registrationExpiresAt: NOW + HOUR,
      }
      const first = await store.redeemLogin(redemption)
      expectThat(first !== undefined && !first.exists && first.nextDeviceId === 1 && first.manifestVersion === 0, 'a new account is reserved')
      expectEqual(await store.redeemLogin({ ...redemption, now: NOW + 59_999, newAccountId: uniqueId<AccountId>() }), first, 'the repeated answer')
      expectEqual(await store.redeemLogin({ ...redemption, registrationHash: uniqueBytes(32) }), undefined, 'another registration')
      expectEqual(await store.redeemLogin({ ...redemption, now: NOW + 60_000 }), undefined, 'after the grace')
      expectEqual(await store.tryCode({ loginId, now: NOW + 60_000, maxTries: 5 }), { state: 'expired' }, 'a try after the grace')
      expectEqual((await store.findRegistration(redemption.registrationHash, NOW))?.accountId, first.accountId, 'the registration')
      expectEqual(await store.findRegistration(redemption.registrationHash, NOW + HOUR), undefined, 'an expired registration')
      expectEqual(await store.findRegistration(uniqueBytes(32), NOW), undefined, 'an unknown registration')
    },
  },
  {
    name: 'codes: parallel logins of one number share one account id, and a known number keeps its own',
    async run({ open }) {
      const store = await open()
      const phoneHash = uniqueBytes(32)
      const ids = await Promise.all(Array.from({ length: 5 }, () => redeem(store, phoneHash)))
      expectEqual(new Set(ids.map(({ account }) => account.accountId)).size, 1, 'account ids')
      const alice = await newAccount(store)
      const again = await redeem(store, alice.phoneHash)
      expectEqual(
        [again.account.accountId, again.account.exists, again.account.manifestHash, again.account.nextDeviceId],
        [alice.accountId, true, alice.manifest.hash, 2],
        'the state of a known account',
      )
    },
  },
  {
    name: 'sweep: expired logins, registrations and reserved accounts go, in batches; what lives stays',
    async run({ open }) {
      const store = await open()
      const alice = await newAccount(store)
      const reserved = await redeem(store, uniqueBytes(32))
      const { loginId } = await openLogin(store, uniqueBytes(32), NOW + 2 * HOUR)
      let rounds = 0
      while ((await store.sweep({ now: NOW + 2 * HOUR, mailboxBefore: NOW - 30 * DAY, limit: 1 })) > 0) rounds++
      expectThat(rounds > 1, 'a sweep is done in batches')
      expectEqual((await store.tryCode({ loginId, now: NOW + 2 * HOUR, maxTries: 5 })).state, 'counted', 'a live login')
      expectEqual((await store.account(alice.accountId))?.accountId, alice.accountId, 'a registered account')
      expectEqual(await store.findRegistration(reserved.registrationHash, NOW), undefined, 'an expired registration')
      const renewed = await store.redeemLogin({
        loginId,
        now: NOW + 2 * HOUR,
        graceUntil: NOW + 3 * HOUR,
        newAccountId: uniqueId<AccountId>(),
        registrationHash: uniqueBytes(32),
        registrationExpiresAt: NOW + 4 * HOUR,
      })
      expectThat(renewed !== undefined && renewed.accountId !== reserved.account.accountId, 'a reserved id goes with its registration')
    },
  },
]
