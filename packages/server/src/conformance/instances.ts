import type { MessageId } from '@securechat/protocol'
import type { MailboxStore, ServerStore } from '../ports/store.js'
import { type ConformanceCase, expectEqual, expectThat, openTwice, type StoreContext } from './case.js'
import {
  DAY,
  device,
  mailbox,
  manifestAfter,
  NOW,
  newAccount,
  openLogin,
  preKeys,
  range,
  redeem,
  sendTo,
  type TestAccount,
  uniqueBytes,
  uniqueId,
} from './fixtures.js'

/** All sequences in the order in which a device that asks for what is above the last one gets them, until `total` have come. */
async function follow(store: MailboxStore, account: TestAccount, total: number): Promise<number[]> {
  const seen: number[] = []
  for (let empty = 0; seen.length < total && empty < 2_000; ) {
    const rows = await store.readMailbox(mailbox(account, seen.at(-1) ?? 0, 7))
    seen.push(...rows.map(({ sequence }) => sequence))
    empty = rows.length === 0 ? empty + 1 : 0
    // Lets those write who wait for the event loop.
    if (empty > 0) await new Promise((done) => setTimeout(done))
  }
  return seen
}

const sequencesOf = async (sends: readonly ReturnType<ServerStore['append']>[]): Promise<number[]> =>
  (await Promise.all(sends)).flatMap((outcome) => (outcome.kind === 'stored' ? outcome.sequences : []))

/** What must hold where several nodes work on one database; an exclusive store stands for both nodes itself. */
export const instanceCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'two instances: attack 15: of 200 parallel claims through both, each one-time key is handed out once',
    async run(context) {
      const stores = await openTwice(context)
      const { accountId, device: first } = await newAccount(stores[0], { oneTime: range(1, 90) })
      await stores[1].publishPreKeys(accountId, first.deviceId, preKeys(range(91, 150), 150))
      const claims = await Promise.all(
        Array.from({ length: 200 }, (_, i) => stores[i % 2]!.claimPreKeys({ accountId, deviceIds: [first.deviceId], oneTime: true })),
      )
      const oneTime = claims.flat().flatMap((bundle) => (bundle.oneTime ? [bundle.oneTime.join()] : []))
      expectEqual([claims.flat().length, oneTime.length, new Set(oneTime).size], [200, 150, 150], 'bundles, one-time keys handed out, distinct ones')
      expectEqual((await stores[0].preKeyCount(accountId, first.deviceId))?.oneTime, 0, 'keys left')
    },
  },
  {
    name: 'two instances: attack 14: a device whose one-time keys are used up is reached through both, and refills through either',
    async run(context) {
      const stores = await openTwice(context)
      const { accountId, device: first, registration } = await newAccount(stores[0], { oneTime: range(1, 3) })
      const claim = (store: ServerStore) => store.claimPreKeys({ accountId, deviceIds: [first.deviceId], oneTime: true })
      for (const store of [...stores, ...stores]) await claim(store)
      for (const store of stores) {
        const [bundle] = await claim(store)
        expectEqual([bundle?.oneTime, bundle?.lastResort], [undefined, registration.preKeys.lastResort!.bytes], 'a bundle without a one-time key')
      }
      await stores[1].publishPreKeys(accountId, first.deviceId, preKeys([4]))
      expectThat((await claim(stores[0]))[0]?.oneTime !== undefined, 'a key that the other instance stored')
    },
  },
  {
    name: 'two instances: a reader who asks for what is above the last row gets every row that both append, once and in order',
    async run(context) {
      const stores = await openTwice(context)
      const [alice, bob, carol] = [await newAccount(stores[0]), await newAccount(stores[1]), await newAccount(stores[0])]
      const appends: Promise<number[]>[] = []
      const total = 150
      const following = follow(stores[1], bob, total)
      for (let i = 0; i < total / 5; i++) {
        const sender = i % 2 === 0 ? alice : carol
        appends.push(sequencesOf(Array.from({ length: 5 }, () => stores[i % 2]!.append(sendTo(sender, [bob, carol])))))
        if (i % 4 === 0) await appends.at(-1)
      }
      const stored = (await Promise.all(appends)).flat()
      expectEqual(stored.length, 2 * total, 'rows that were stored')
      const seen = await following
      expectEqual(seen.length, total, 'rows that were read')
      expectThat(
        seen.every((sequence, i) => sequence > (seen[i - 1] ?? 0)),
        'they ascend',
      )
      if (stores[0].consecutive) expectEqual(seen, range(1, total), 'the numbers of a mailbox, where the store says that they have no gaps')
      expectEqual((await stores[0].readMailbox(mailbox(bob))).length, total, 'rows that the other instance reads')
    },
  },
  {
    name: 'two instances: one send id through both is stored once, and both say the same time',
    async run(context) {
      const stores = await openTwice(context)
      const [alice, bob] = [await newAccount(stores[0]), await newAccount(stores[0])]
      for (let i = 0; i < 10; i++) {
        const send = sendTo(alice, [bob], { sendId: uniqueId<MessageId>() })
        const outcomes = await Promise.all([stores[0].append({ ...send, time: NOW + 1 }), stores[1].append({ ...send, time: NOW + 2 })])
        expectEqual(outcomes.map(({ kind }) => kind).sort(), ['repeated', 'stored'], 'the outcomes')
        const times = outcomes.map((outcome) => ('time' in outcome ? outcome.time : 0))
        expectEqual(times[0], times[1], 'the times')
      }
      expectEqual((await stores[1].readMailbox(mailbox(bob))).length, 10, 'rows')
    },
  },
  {
    name: 'two instances: the limit of a mailbox holds for both together',
    async run(context) {
      const stores = await openTwice(context)
      const [alice, bob] = [await newAccount(stores[0]), await newAccount(stores[0])]
      const outcomes = await Promise.all(Array.from({ length: 40 }, (_, i) => stores[i % 2]!.append(sendTo(alice, [bob, bob], { maxRows: 25 }))))
      expectEqual(outcomes.filter(({ kind }) => kind === 'stored').length, 12, 'sends of two rows that fit')
      expectEqual(outcomes.filter(({ kind }) => kind === 'full').length, 28, 'sends that do not')
      expectEqual((await stores[1].append(sendTo(alice, [bob], { maxRows: 25 }))).kind, 'stored', 'a send of one row, the last that fits')
      await stores[0].acknowledge(bob.accountId, bob.device.deviceId, Number.MAX_SAFE_INTEGER)
      expectEqual((await stores[1].append(sendTo(alice, [bob, bob], { maxRows: 2 }))).kind, 'stored', 'after the other instance acknowledged')
    },
  },
  {
    name: 'two instances: a storm of acknowledgements and sends through both ends, and leaves what was not acknowledged',
    async run(context) {
      const stores = await openTwice(context)
      const accounts = await Promise.all(Array.from({ length: 24 }, () => newAccount(stores[0])))
      const body = uniqueBytes(64)
      /** Both nodes acknowledge the same mailboxes, in opposite orders. */
      const acknowledge = (upTo: (account: TestAccount) => number): Promise<void>[] =>
        [accounts, [...accounts].reverse()].flatMap((order, node) =>
          order.map((account) => stores[node]!.acknowledge(account.accountId, account.device.deviceId, upTo(account))),
        )
      for (let round = 0; round < 8; round++) {
        const waiting = new Map<TestAccount, number[]>(accounts.map((account) => [account, []]))
        const send = async (sender: TestAccount, i: number): Promise<void> => {
          const recipients = round % 3 === 0 ? accounts : accounts.slice(i)
          const outcome = await stores[i % 2]!.append(sendTo(sender, recipients, { body }))
          expectThat(outcome.kind === 'stored', 'a send in the storm is stored')
          recipients.forEach((recipient, at) => void waiting.get(recipient)!.push(outcome.sequences[at]!))
        }
        await Promise.all(accounts.map(send))
        for (const rows of waiting.values()) rows.sort((a, b) => a - b)
        const upTo = (part: number) => (account: TestAccount) => waiting.get(account)![Math.floor((waiting.get(account)!.length - 1) * part)]!
        await Promise.all(acknowledge(upTo(0.2)))
        await Promise.all(acknowledge(upTo(0.4)))
        // And while both store sends to them.
        const during = acknowledge(upTo(0.6))
        await Promise.all([...during, ...accounts.map(send)])
      }
      for (const account of accounts) {
        const rows = await stores[1].readMailbox(mailbox(account, 0, 1_000))
        const last = rows.at(-1)?.sequence ?? 0
        await Promise.all(stores.map((store) => store.acknowledge(account.accountId, account.device.deviceId, last)))
        expectEqual((await stores[0].readMailbox(mailbox(account))).length, 0, 'rows after all were acknowledged')
      }
    },
  },
  {
    name: 'two instances: of parallel manifests one is stored, and the device that it drops is gone for both at once',
    async run(context) {
      const stores = await openTwice(context)
      const [alice, bob] = [await newAccount(stores[0]), await newAccount(stores[1])]
      await stores[0].append(sendTo(bob, [alice]))
      const next = Array.from({ length: 20 }, () => manifestAfter(alice.manifest, [device(2)]))
      const outcomes = await Promise.all(next.map((manifest, i) => stores[i % 2]!.updateManifest({ accountId: alice.accountId, manifest, now: NOW })))
      expectEqual(outcomes.filter(({ kind }) => kind === 'stored').length, 1, 'stored successors')
      for (const store of stores) {
        expectEqual(await store.session(alice.registration.session.sessionId), undefined, 'the session of the dropped device')
        expectEqual((await store.append(sendTo(bob, [alice]))).kind, 'stale-manifest', 'a send under the old manifest')
        expectEqual((await store.append(sendTo(alice, [bob]))).kind, 'revoked', 'a send by the dropped device')
        expectEqual((await store.readMailbox(mailbox(alice))).length, 0, 'the queue of the dropped device')
      }
    },
  },
  {
    name: 'two instances: tries, sendings, redemptions, refreshes and kept values are counted together',
    async run(context) {
      const stores = await openTwice(context)
      const alternate = <T>(n: number, call: (store: ServerStore, i: number) => Promise<T>): Promise<T[]> =>
        Promise.all(Array.from({ length: n }, (_, i) => call(stores[i % 2]!, i)))
      const { loginId } = await openLogin(stores[0], uniqueBytes(32))
      const tries = await alternate(50, (store) => store.tryCode({ loginId, now: NOW, maxTries: 5 }))
      expectEqual(tries.filter(({ state }) => state === 'counted').length, 5, 'tries')
      const phoneHash = uniqueBytes(32)
      const login = () => ({ loginId: uniqueId(), codeMac: uniqueBytes(32), phoneHash, now: NOW, expiresAt: NOW + DAY })
      const opened = await alternate(10, (store) => store.openLogin(login(), (sent) => (sent.length < 3 ? null : NOW + 1)))
      expectEqual(opened.filter((one) => one.opened).length, 3, 'sendings')
      const redeemed = await alternate(6, (store) => redeem(store, phoneHash))
      expectEqual(new Set(redeemed.map(({ account }) => account.accountId)).size, 1, 'accounts of one number')
      const { tokenHash } = (await newAccount(stores[1])).registration.session
      const rotated = await alternate(20, (store) =>
        store.rotateRefresh({ presentedHash: tokenHash, successorHash: uniqueBytes(32), sealedSuccessor: uniqueBytes(32), now: NOW, expiresAt: NOW + DAY }),
      )
      expectEqual(rotated.filter(({ kind }) => kind === 'rotated').length, 1, 'exchanges of one token')
      expectEqual(rotated.filter(({ kind }) => kind === 'repeated').length, 19, 'repeated answers')
      const kept = await alternate(10, (store) => store.keepOnce('shared', uniqueBytes(32)))
      expectEqual(new Set(kept.map(String)).size, 1, 'kept values')
    },
  },
]
