import type { AccountId } from '@securechat/protocol'
import { type ConformanceCase, expectEqual, openTwice, type StoreContext } from './case.js'
import { HOUR, NOW, newAccount, uniqueBytes, uniqueId } from './fixtures.js'

const limits = { maxBytes: 10_000, maxSegments: 20 }
const segment = (accountId: AccountId, fields: { archiveId: Uint8Array; number: number; bytes?: Uint8Array; transfer?: boolean; now?: number }) => ({
  accountId,
  bytes: uniqueBytes(100),
  transfer: false,
  now: NOW,
  ...limits,
  ...fields,
})

export const archiveCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'archives: segments are kept as they are, each name once, in order and apart from other accounts',
    async run({ open }) {
      const store = await open()
      const [{ accountId }, other] = [await newAccount(store), await newAccount(store)]
      const [a, b] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
      const put = segment(accountId, { archiveId: b, number: 300 })
      expectEqual(await store.putSegment(put), 'stored', 'a segment')
      expectEqual(await store.putSegment(put), 'stored', 'again')
      expectEqual(await store.putSegment({ ...put, bytes: uniqueBytes(100) }), 'conflict', 'other bytes under its name')
      expectEqual(await store.putSegment({ ...put, transfer: true }), 'absent', 'to a transfer that there is not')
      for (const [archiveId, number] of [
        [b, 2],
        [a, 70_000],
        [a, 9],
      ] as const)
        await store.putSegment(segment(accountId, { archiveId, number }))
      const name = { accountId, archiveId: b, number: 300 }
      expectEqual(await store.segment({ ...name, transfer: false }), put.bytes, 'its bytes')
      expectEqual(await store.segment({ ...name, transfer: true }), undefined, 'as one of a transfer')
      expectEqual(await store.segment({ ...name, accountId: other.accountId, transfer: false }), undefined, 'of another account')
      const first = await store.segments({ accountId, limit: 3 })
      const names = [
        [a, 9],
        [a, 70_000],
        [b, 2],
        [b, 300],
      ].map(([archiveId, number]) => ({ archiveId, number, length: 100 }))
      expectEqual(first, { segments: names.slice(0, 3), more: true }, 'the first page')
      expectEqual(
        await store.segments({ accountId, after: { archiveId: b, number: 2 }, limit: 3 }),
        { segments: names.slice(3), more: false },
        'the second page',
      )
      expectEqual(await store.archiveUsage(accountId), { bytes: 400, segments: 4 }, 'what is used')
      expectEqual(await store.archiveUsage(other.accountId), { bytes: 0, segments: 0 }, 'by the other account')
      await store.deleteSegments(accountId, [
        { archiveId: a, number: 9 },
        { archiveId: a, number: 10 },
      ])
      await store.deleteSegments(other.accountId, [{ archiveId: b, number: 2 }])
      expectEqual((await store.segments({ accountId, limit: 10 })).segments, names.slice(1), 'what is left')
      expectEqual(await store.putSegment({ ...put, accountId: uniqueId() }), 'absent', 'of an unknown account')
    },
  },
  {
    name: 'archives: bytes and segments have a limit, which a repetition does not reach',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const archiveId = uniqueBytes(16)
      const first = segment(accountId, { archiveId, number: 1 })
      await store.putSegment(first)
      expectEqual(await store.putSegment({ ...first, maxBytes: 100, maxSegments: 1 }), 'stored', 'again at the limit')
      expectEqual(await store.putSegment({ ...segment(accountId, { archiveId, number: 2 }), maxBytes: 199 }), 'full', 'too many bytes')
      expectEqual(await store.putSegment({ ...segment(accountId, { archiveId, number: 2 }), maxSegments: 1 }), 'full', 'too many segments')
      expectEqual(await store.putSegment({ ...segment(accountId, { archiveId, number: 2 }), maxBytes: 200, maxSegments: 2 }), 'stored', 'just enough')
    },
  },
  {
    name: 'archives: the manifest is replaced by who knows the stored version',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const [first, second] = [uniqueBytes(200), uniqueBytes(200)]
      expectEqual(await store.backupManifest(accountId), undefined, 'before there is one')
      expectEqual(await store.putBackupManifest({ accountId, expected: 1, bytes: first }), { kind: 'conflict' }, 'after one that there is not')
      expectEqual(await store.putBackupManifest({ accountId, expected: 0, bytes: first }), { kind: 'stored', version: 1 }, 'the first')
      expectEqual(await store.putBackupManifest({ accountId, expected: 0, bytes: first }), { kind: 'repeated', version: 1 }, 'again')
      expectEqual(await store.putBackupManifest({ accountId, expected: 0, bytes: second }), { kind: 'conflict' }, 'another first')
      expectEqual(await store.putBackupManifest({ accountId, expected: 1, bytes: second }), { kind: 'stored', version: 2 }, 'the second')
      expectEqual(await store.backupManifest(accountId), { version: 2, bytes: second }, 'the newest')
      await store.putSegment(segment(accountId, { archiveId: uniqueBytes(16), number: 1 }))
      await store.eraseBackup(accountId)
      expectEqual(await store.backupManifest(accountId), undefined, 'erased')
      expectEqual(await store.archiveUsage(accountId), { bytes: 0, segments: 0 }, 'its segments')
      expectEqual(await store.putBackupManifest({ accountId, expected: 2, bytes: first }), { kind: 'conflict' }, 'after the erased one')
      expectEqual(await store.putBackupManifest({ accountId, expected: 0, bytes: first }), { kind: 'stored', version: 3 }, 'a new one')
      expectEqual(await store.putBackupManifest({ accountId: uniqueId(), expected: 0, bytes: first }), { kind: 'absent' }, 'of an unknown account')
    },
  },
  {
    name: 'archives: a transfer ends with its time, its parts with it, and the backup stays',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const transferId = uniqueBytes(16)
      const opened = { accountId, transferId, now: NOW, expiresAt: NOW + 24 * HOUR, maxTransfers: 2 }
      const part = segment(accountId, { archiveId: transferId, number: 1, transfer: true })
      expectEqual(await store.putSegment(part), 'absent', 'before it is opened')
      expectEqual(await store.openTransfer(opened), { kind: 'open', expiresAt: opened.expiresAt }, 'opening')
      expectEqual(await store.openTransfer({ ...opened, expiresAt: NOW + 48 * HOUR }), { kind: 'open', expiresAt: opened.expiresAt }, 'again')
      expectEqual((await store.openTransfer({ ...opened, transferId: uniqueBytes(16) })).kind, 'open', 'a second')
      expectEqual(await store.openTransfer({ ...opened, transferId: uniqueBytes(16) }), { kind: 'full' }, 'a third')
      expectEqual(await store.openTransfer({ ...opened, accountId: uniqueId() }), { kind: 'absent' }, 'of an unknown account')
      expectEqual(await store.putSegment(part), 'stored', 'a part')
      const kept = segment(accountId, { archiveId: uniqueBytes(16), number: 1 })
      await store.putSegment(kept)
      await store.eraseBackup(accountId)
      expectEqual(await store.segment({ ...part, transfer: true }), part.bytes, 'a part after the backup was erased')
      await store.putSegment(kept)
      await store.deleteSegments(accountId, [part])
      expectEqual((await store.segments({ accountId, limit: 10 })).segments.length, 1, 'segments of the backup')
      expectEqual(await store.transfer(accountId, transferId, opened.expiresAt - 1), opened.expiresAt, 'to the end')
      expectEqual(await store.transfer(accountId, transferId, opened.expiresAt), undefined, 'after its time')
      expectEqual(await store.putSegment({ ...part, number: 2, now: opened.expiresAt }), 'absent', 'a part after its time')
      while ((await store.sweep({ now: opened.expiresAt, mailboxBefore: 0, limit: 100 })) > 0);
      expectEqual(await store.segment({ ...part, transfer: true }), undefined, 'swept')
      expectEqual(await store.segment({ ...kept, transfer: false }), kept.bytes, 'the backup')
      await store.openTransfer({ ...opened, now: opened.expiresAt, expiresAt: opened.expiresAt + HOUR })
      expectEqual(await store.segment({ ...part, transfer: true }), undefined, 'opened anew')
      await store.putSegment({ ...part, now: opened.expiresAt })
      await store.closeTransfer(accountId, transferId)
      expectEqual(await store.segment({ ...part, transfer: true }), undefined, 'closed')
      expectEqual(await store.transfer(accountId, transferId, NOW), undefined, 'the closed transfer')
    },
  },
  {
    name: 'archives: with the account goes all of it',
    async run({ open }) {
      const store = await open()
      const { accountId } = await newAccount(store)
      const [archiveId, transferId] = [uniqueBytes(16), uniqueBytes(16)]
      await store.putSegment(segment(accountId, { archiveId, number: 1 }))
      await store.putBackupManifest({ accountId, expected: 0, bytes: uniqueBytes(50) })
      await store.openTransfer({ accountId, transferId, now: NOW, expiresAt: NOW + HOUR, maxTransfers: 2 })
      await store.putSegment(segment(accountId, { archiveId: transferId, number: 1, transfer: true }))
      await store.erase(accountId)
      expectEqual(await store.archiveUsage(accountId), { bytes: 0, segments: 0 }, 'what is used')
      expectEqual(await store.backupManifest(accountId), undefined, 'the manifest')
      expectEqual(await store.segment({ accountId, archiveId: transferId, number: 1, transfer: true }), undefined, 'a part')
      expectEqual(await store.transfer(accountId, transferId, NOW), undefined, 'the transfer')
    },
  },
  {
    name: 'two instances: of parallel backup manifests one is stored, and the limit of an archive holds for both together',
    async run(context) {
      const stores = await openTwice(context)
      const { accountId } = await newAccount(stores[0])
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % 2]!.putBackupManifest({ accountId, expected: 0, bytes: uniqueBytes(60) })),
      )
      expectEqual(outcomes.filter(({ kind }) => kind === 'stored').length, 1, 'stored manifests')
      const archiveId = uniqueBytes(16)
      const puts = await Promise.all(
        Array.from({ length: 20 }, (_, i) => stores[i % 2]!.putSegment({ ...segment(accountId, { archiveId, number: i + 1 }), maxBytes: 1_000 })),
      )
      expectEqual(puts.filter((outcome) => outcome === 'stored').length, 10, 'stored segments')
      expectEqual(await stores[0].archiveUsage(accountId), { bytes: 1_000, segments: 10 }, 'what is used')
    },
  },
]
