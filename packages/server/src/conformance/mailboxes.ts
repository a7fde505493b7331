import type { DeviceId, MessageId } from '@securechat/protocol'
import { type ConformanceCase, expectEqual, expectThat, type StoreContext } from './case.js'
import { DAY, device, mailbox, manifestAfter, NOW, newAccount, sendTo, uniqueBytes, uniqueId } from './fixtures.js'

export const mailboxCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'mailbox: rows come back as they were sent, in the order of their appends',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const sends = Array.from({ length: 40 }, (_, i) => sendTo(alice, [bob], { time: NOW + i, ...(i % 3 === 0 && { body: uniqueBytes(50) }) }))
      const outcomes = await Promise.all(sends.map((send) => store.append(send)))
      const sequences = outcomes.map((outcome) => (outcome.kind === 'stored' ? outcome.sequences[0]! : -1))
      expectThat(
        sequences.every((sequence, i) => sequence > (sequences[i - 1] ?? 0)),
        'sequences ascend',
      )
      const sender = { accountId: alice.accountId, deviceId: 1 }
      const want = sends.map(({ time, body, recipients }, i) => ({
        sequence: sequences[i],
        time,
        sender,
        envelope: recipients[0]!.envelope,
        ...(body && { body }),
      }))
      const sorted = (row: object) => Object.fromEntries(Object.entries(row).sort())
      expectEqual((await store.readMailbox(mailbox(bob))).map(sorted), want.map(sorted), 'the rows')
      expectEqual(
        (await store.readMailbox(mailbox(bob, sequences[9], 5))).map(({ sequence }) => sequence),
        sequences.slice(10, 15),
        'a page',
      )
      expectEqual((await store.readMailbox(mailbox(alice))).length, 0, 'the sender’s mailbox')
    },
  },
  {
    name: 'mailbox: a page ends with its bytes, but never before its first row',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      for (let i = 0; i < 4; i++) await store.append(sendTo(alice, [bob]))
      expectEqual((await store.readMailbox({ ...mailbox(bob), maxBytes: 1 })).length, 1, 'a page of one byte')
      expectEqual((await store.readMailbox({ ...mailbox(bob), maxBytes: 250 })).length, 2, 'a page of two rows')
    },
  },
  {
    name: 'mailbox: a repeated send id stores nothing and answers the first time, in parallel too',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const send = sendTo(alice, [bob])
      const outcomes = await Promise.all([0, 1, 2].map((i) => store.append({ ...send, time: NOW + i })))
      expectEqual(
        outcomes.map(({ kind }) => kind),
        ['stored', 'repeated', 'repeated'],
        'the outcomes',
      )
      expectEqual(await store.append({ ...send, time: NOW + 9 * DAY }), { kind: 'repeated', time: NOW }, 'much later')
      expectEqual((await store.readMailbox(mailbox(bob))).length, 1, 'rows')
      await store.acknowledge(bob.accountId, bob.device.deviceId, Number.MAX_SAFE_INTEGER)
      expectEqual((await store.append(send)).kind, 'repeated', 'after the row was acknowledged')
      expectEqual((await store.append({ ...sendTo(bob, [bob]), sendId: send.sendId })).kind, 'stored', 'the same id by another device')
    },
  },
  {
    name: 'mailbox: all recipients or none',
    async run({ open }) {
      const store = await open()
      const [alice, bob, carol] = [await newAccount(store), await newAccount(store), await newAccount(store)]
      const good = sendTo(alice, [bob, carol])
      const [toBob, toCarol] = good.recipients
      const withSecond = (second: object) => ({ ...good, recipients: [toBob!, { ...toCarol!, ...second }] })
      expectEqual((await store.append(withSecond({ accountId: uniqueId() }))).kind, 'unknown-recipient', 'an unknown account')
      expectEqual((await store.append(withSecond({ deviceId: 9 as DeviceId }))).kind, 'unknown-recipient', 'an unknown device')
      expectEqual((await store.append(withSecond({ manifestVersion: 0 }))).kind, 'stale-manifest', 'an old manifest')
      expectEqual((await store.append({ ...good, maxRows: 0 })).kind, 'full', 'a full mailbox')
      expectEqual([(await store.readMailbox(mailbox(bob))).length, (await store.readMailbox(mailbox(carol))).length], [0, 0], 'rows after refusals')
      const outcome = await store.append(good)
      expectThat(outcome.kind === 'stored' && outcome.sequences.length === 2, 'the id of refused sends is free')
      expectEqual([(await store.readMailbox(mailbox(bob))).length, (await store.readMailbox(mailbox(carol))).length], [1, 1], 'rows')
    },
  },
  {
    name: 'mailbox: a device that a newer manifest dropped is a stale manifest to those who do not know it',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const next = manifestAfter(bob.manifest, [device(2)])
      await store.updateManifest({ accountId: bob.accountId, manifest: next, now: NOW })
      expectEqual((await store.append(sendTo(alice, [bob]))).kind, 'stale-manifest', 'a send under the old manifest')
      expectEqual(
        (await store.append(sendTo(alice, [{ ...bob, manifest: next }]))).kind,
        'unknown-recipient',
        'a send to the old device under the new manifest',
      )
    },
  },
  {
    name: 'mailbox: the limit counts what waits, within one send too, and acknowledging makes room',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      expectEqual((await store.append(sendTo(alice, [bob, bob, bob], { maxRows: 2 }))).kind, 'full', 'three rows where two fit')
      const first = await store.append(sendTo(alice, [bob, bob], { maxRows: 2 }))
      expectThat(first.kind === 'stored', 'two rows')
      expectEqual((await store.append(sendTo(alice, [bob], { maxRows: 2 }))).kind, 'full', 'a third row')
      await store.acknowledge(bob.accountId, bob.device.deviceId, first.sequences[0]!)
      expectEqual(
        (await store.readMailbox(mailbox(bob))).map(({ sequence }) => sequence),
        first.sequences.slice(1),
        'rows after one of two was acknowledged',
      )
      expectEqual((await store.append(sendTo(alice, [bob], { maxRows: 2 }))).kind, 'stored', 'a row after one was acknowledged')
    },
  },
  {
    name: 'mailbox: acknowledging deletes up to and including, in this mailbox alone, and sequences are never reused',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const sequences: number[] = []
      for (let i = 0; i < 5; i++) {
        const outcome = await store.append(sendTo(alice, [bob, alice]))
        if (outcome.kind === 'stored') sequences.push(outcome.sequences[0]!)
      }
      await store.acknowledge(bob.accountId, bob.device.deviceId, sequences[2]!)
      expectEqual(
        (await store.readMailbox(mailbox(bob))).map(({ sequence }) => sequence),
        sequences.slice(3),
        'what is left',
      )
      await store.acknowledge(bob.accountId, bob.device.deviceId, sequences[1]!)
      expectEqual((await store.readMailbox(mailbox(bob))).length, 2, 'after an older acknowledgement')
      await store.acknowledge(bob.accountId, bob.device.deviceId, sequences[4]!)
      expectEqual((await store.readMailbox(mailbox(alice))).length, 5, 'another mailbox with the same device id')
      const next = await store.append(sendTo(alice, [bob]))
      expectThat(next.kind === 'stored' && next.sequences[0]! > sequences[4]!, 'the next sequence is higher than every earlier one')
    },
  },
  {
    name: 'mailbox: where the store says it is exclusive, appends resolve in the order of their sequences',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const resolved: number[] = []
      const append = async (sender: typeof alice): Promise<void> => {
        const outcome = await store.append(sendTo(sender, [bob]))
        if (outcome.kind === 'stored') resolved.push(outcome.sequences[0]!)
      }
      await Promise.all(Array.from({ length: 30 }, (_, i) => append(i % 2 === 0 ? alice : bob)))
      expectEqual(resolved.length, 30, 'stored rows')
      if (store.exclusive)
        expectEqual(
          resolved,
          [...resolved].sort((a, b) => a - b),
          'the order of resolving',
        )
    },
  },
  {
    name: 'mailbox: bytes are copied in and out',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const send = sendTo(alice, [bob])
      const want = send.recipients[0]!.envelope.slice()
      await store.append(send)
      send.recipients[0]!.envelope.fill(0)
      const [row] = await store.readMailbox(mailbox(bob))
      expectEqual(row?.envelope, want, 'the row after the input was reused')
      row?.envelope.fill(0)
      expectEqual((await store.readMailbox(mailbox(bob)))[0]?.envelope, want, 'the row after the output was changed')
    },
  },
  {
    name: 'sweep: rows and send ids go when they are older than asked, not before',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const old = sendTo(alice, [bob], { time: NOW - 31 * DAY, body: uniqueBytes(30) })
      const young = sendTo(alice, [bob], { time: NOW - 29 * DAY, body: uniqueBytes(30) })
      await store.append(old)
      await store.append(young)
      while ((await store.sweep({ now: NOW, mailboxBefore: NOW - 30 * DAY, limit: 1 })) > 0);
      expectEqual(
        (await store.readMailbox(mailbox(bob))).map(({ time, body }) => [time, body]),
        [[young.time, young.body]],
        'the rows',
      )
      expectEqual((await store.append({ ...young, time: NOW })).kind, 'repeated', 'a young send id')
      expectEqual((await store.append({ ...old, time: NOW })).kind, 'stored', 'an old send id')
    },
  },
  {
    name: 'after a restart: rows, their order, send ids and the height of sequences are there',
    requires: 'reopen',
    async run({ open, reopen }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      const sends = Array.from({ length: 10 }, () => sendTo(alice, [bob], { body: uniqueBytes(20) }))
      const outcomes = await Promise.all(sends.map((send) => store.append(send)))
      const highest = Math.max(...outcomes.flatMap((outcome) => (outcome.kind === 'stored' ? outcome.sequences : [])))
      let later = await reopen!(store)
      expectEqual(
        (await later.readMailbox(mailbox(bob))).map(({ envelope }) => envelope),
        sends.map(({ recipients }) => recipients[0]!.envelope),
        'the rows',
      )
      expectEqual((await later.append(sends[4]!)).kind, 'repeated', 'a repeated send')
      await later.acknowledge(bob.accountId, bob.device.deviceId, highest)
      later = await reopen!(later)
      expectEqual((await later.readMailbox(mailbox(bob))).length, 0, 'acknowledged rows')
      const next = await later.append(sendTo(alice, [bob], { sendId: uniqueId<MessageId>() }))
      expectThat(next.kind === 'stored' && next.sequences[0]! > highest, 'sequences are not reused')
    },
  },
  {
    name: 'close: what was begun is finished, what comes later is refused',
    async run({ open }) {
      const store = await open()
      const [alice, bob] = [await newAccount(store), await newAccount(store)]
      await store.check()
      const begun = store.append(sendTo(alice, [bob]))
      await store.close()
      expectEqual((await begun).kind, 'stored', 'an append that was begun')
      await store.close()
      const refused = await Promise.allSettled([
        store.check(),
        store.append(sendTo(alice, [bob])),
        store.readMailbox(mailbox(bob)),
        store.account(bob.accountId),
      ])
      expectThat(
        refused.every((one) => one.status === 'rejected' && (one.reason as { code?: string }).code === 'server/unavailable'),
        'calls after close are server/unavailable',
      )
    },
  },
]
