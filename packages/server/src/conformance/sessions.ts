import { type ConformanceCase, expectEqual, expectThat, type StoreContext } from './case.js'
import { DAY, NOW, newAccount, preKeys, range, uniqueBytes, uniqueId } from './fixtures.js'

const rotation = (presentedHash: Uint8Array, now = NOW) => ({
  presentedHash,
  successorHash: uniqueBytes(32),
  sealedSuccessor: uniqueBytes(32),
  now,
  expiresAt: now + 90 * DAY,
})

export const sessionCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'refresh: a token is exchanged once; while its successor is unused it answers the same one, however late, then it ends the session',
    async run({ open }) {
      const store = await open()
      const { tokenHash, sessionId } = (await newAccount(store)).registration.session
      const first = rotation(tokenHash)
      expectEqual(await store.rotateRefresh(first), { kind: 'rotated' }, 'the exchange')
      expectEqual((await store.findRefresh(first.successorHash, NOW))?.sessionId, sessionId, 'the successor')
      expectEqual((await store.findRefresh(tokenHash, NOW))?.sessionId, sessionId, 'the used token is known')
      expectEqual(
        await store.rotateRefresh(rotation(tokenHash, NOW + 20 * DAY)),
        { kind: 'repeated', sealedSuccessor: first.sealedSuccessor },
        'a lost answer, weeks later',
      )
      const second = rotation(first.successorHash, NOW + 21 * DAY)
      expectEqual(await store.rotateRefresh(second), { kind: 'rotated' }, 'the exchange of the successor')
      expectEqual(
        await store.rotateRefresh(rotation(first.successorHash, NOW + 21 * DAY)),
        { kind: 'repeated', sealedSuccessor: second.sealedSuccessor },
        'its lost answer',
      )
      expectEqual(await store.rotateRefresh(rotation(tokenHash, NOW + 21 * DAY)), { kind: 'reused' }, 'the first token, whose successor was used')
      expectEqual(await store.session(sessionId), undefined, 'the session')
      expectEqual(await store.findRefresh(second.successorHash, NOW), undefined, 'its newest token')
      expectEqual((await store.rotateRefresh(rotation(second.successorHash))).kind, 'absent', 'an exchange of that')
    },
  },
  {
    name: 'refresh: a used token ends the session as soon as its successor was used, at the same moment too',
    async run({ open }) {
      const store = await open()
      const { tokenHash, sessionId } = (await newAccount(store)).registration.session
      const first = rotation(tokenHash)
      await store.rotateRefresh(first)
      expectEqual((await store.rotateRefresh(rotation(first.successorHash))).kind, 'rotated', 'the successor')
      expectEqual((await store.rotateRefresh(rotation(tokenHash))).kind, 'reused', 'the first token')
      expectEqual(await store.session(sessionId), undefined, 'the session')
    },
  },
  {
    name: 'refresh: of 20 parallel exchanges one rotates and all name its successor',
    async run({ open }) {
      const store = await open()
      const { tokenHash } = (await newAccount(store)).registration.session
      const all = Array.from({ length: 20 }, () => rotation(tokenHash))
      const outcomes = await Promise.all(all.map((one) => store.rotateRefresh(one)))
      const winners = outcomes.flatMap(({ kind }, i) => (kind === 'rotated' ? [i] : []))
      expectEqual(winners.length, 1, 'exchanges')
      const sealed = all[winners[0]!]!.sealedSuccessor
      for (const outcome of outcomes) if (outcome.kind !== 'rotated') expectEqual(outcome, { kind: 'repeated', sealedSuccessor: sealed }, 'a parallel exchange')
    },
  },
  {
    name: 'refresh: unknown and expired tokens are absent, and an ended session’s too; other sessions live on',
    async run({ open }) {
      const store = await open()
      const alice = (await newAccount(store)).registration.session
      const bob = (await newAccount(store)).registration.session
      expectEqual((await store.rotateRefresh(rotation(uniqueBytes(32)))).kind, 'absent', 'an unknown token')
      expectEqual((await store.rotateRefresh(rotation(alice.tokenHash, alice.expiresAt))).kind, 'absent', 'an expired token')
      expectEqual(await store.findRefresh(alice.tokenHash, alice.expiresAt), undefined, 'an expired token, looked up')
      expectEqual(await store.endSession(alice.sessionId), true, 'the end')
      expectEqual(await store.endSession(alice.sessionId), false, 'the end again')
      expectEqual(await store.endSession(uniqueId()), false, 'an unknown session')
      expectEqual((await store.rotateRefresh(rotation(alice.tokenHash))).kind, 'absent', 'a token of an ended session')
      expectThat((await store.session(bob.sessionId)) !== undefined, 'the other session lives')
    },
  },
  {
    name: 'sweep: a session goes with its last token, not before',
    async run({ open }) {
      const store = await open()
      const { tokenHash, sessionId } = (await newAccount(store)).registration.session
      const first = rotation(tokenHash, NOW + 10 * DAY)
      await store.rotateRefresh(first)
      const sweepAt = async (now: number): Promise<void> => {
        while ((await store.sweep({ now, mailboxBefore: 0, limit: 100 })) > 0);
      }
      await sweepAt(NOW + 91 * DAY)
      expectThat(
        (await store.session(sessionId)) !== undefined && (await store.findRefresh(tokenHash, NOW + 91 * DAY)) === undefined,
        'only the expired token is gone',
      )
      await sweepAt(NOW + 101 * DAY)
      expectEqual(await store.session(sessionId), undefined, 'the session')
    },
  },
]

export const preKeyCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'prekeys: 50 parallel claims get distinct one-time keys, then none and the last-resort key',
    async run({ open }) {
      const store = await open()
      const { accountId, device, registration } = await newAccount(store, { oneTime: range(1, 40) })
      const claims = await Promise.all(Array.from({ length: 50 }, () => store.claimPreKeys({ accountId, deviceIds: [device.deviceId], oneTime: true })))
      const bundles = claims.flat()
      expectEqual(bundles.length, 50, 'bundles')
      const oneTime = bundles.flatMap((bundle) => (bundle.oneTime ? [bundle.oneTime.join()] : []))
      expectEqual(oneTime.length, 40, 'one-time keys handed out')
      expectEqual(new Set(oneTime).size, 40, 'distinct ones')
      for (const bundle of bundles)
        expectEqual([bundle.signed, bundle.lastResort], [registration.preKeys.signed!.bytes, registration.preKeys.lastResort!.bytes], 'the other keys')
      expectEqual((await store.preKeyCount(accountId, device.deviceId))?.oneTime, 0, 'keys left')
    },
  },
  {
    name: 'prekeys: lowest id first, what is left is told, and none where none is asked for',
    async run({ open }) {
      const store = await open()
      const { accountId, device, registration } = await newAccount(store, { oneTime: [7, 3, 5] })
      const claim = async (oneTime: boolean) => (await store.claimPreKeys({ accountId, deviceIds: [device.deviceId, device.deviceId], oneTime }))[0]
      expectEqual((await claim(false))?.oneTime, undefined, 'a claim without')
      const first = await claim(true)
      expectEqual(
        [first?.oneTime, first?.remaining],
        [registration.preKeys.oneTime.find(({ keyId }) => keyId === 3)!.bytes, 2],
        'the first claim; a device named twice gives one bundle',
      )
      expectEqual((await store.claimPreKeys({ accountId: uniqueId(), deviceIds: [device.deviceId], oneTime: true })).length, 0, 'an unknown account')
    },
  },
  {
    name: 'prekeys: a repeated upload brings back no claimed key, and surplus keys are left out from the top',
    async run({ open }) {
      const store = await open()
      const { accountId, device, registration } = await newAccount(store, { oneTime: range(1, 5) })
      await store.claimPreKeys({ accountId, deviceIds: [device.deviceId], oneTime: true })
      const repeated = await store.publishPreKeys(accountId, device.deviceId, registration.preKeys)
      expectEqual(repeated?.oneTime, 4, 'keys after a repeated upload')
      const surplus = await store.publishPreKeys(accountId, device.deviceId, preKeys(range(6, 20), 10))
      expectEqual(surplus?.oneTime, 10, 'keys up to the limit')
      await store.claimPreKeys({ accountId, deviceIds: [device.deviceId], oneTime: true })
      expectEqual((await store.publishPreKeys(accountId, device.deviceId, preKeys(range(12, 12), 10)))?.oneTime, 10, 'a key that was left out before is taken')
      expectEqual(await store.publishPreKeys(uniqueId(), device.deviceId, preKeys([99])), undefined, 'an unknown account')
    },
  },
  {
    name: 'prekeys: signed and last-resort keys are replaced, absent ones stay',
    async run({ open }) {
      const store = await open()
      const { accountId, device, registration } = await newAccount(store)
      const signed = { keyId: 77, bytes: uniqueBytes(80) }
      expectEqual(
        await store.publishPreKeys(accountId, device.deviceId, { signed, oneTime: [], limit: 100 }),
        { oneTime: 10, signedKeyId: 77, lastResortKeyId: 1_000_002 },
        'the count',
      )
      const [bundle] = await store.claimPreKeys({ accountId, deviceIds: [device.deviceId], oneTime: false })
      expectEqual([bundle?.signed, bundle?.lastResort], [signed.bytes, registration.preKeys.lastResort!.bytes], 'the bundle')
    },
  },
]
