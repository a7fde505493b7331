import { type AccountId, type DeviceId, idToBytes, type MailboxRow } from '@securechat/protocol'
import type { AppendOutcome, MailboxStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'
import { accountBytes, accountText } from './devices.js'

interface Target {
  readonly device_row: number
  readonly manifest_version: number
}
interface Row {
  readonly sequence: number
  readonly time: number
  readonly sender_account: Uint8Array
  readonly sender_device: DeviceId
  readonly envelope: Uint8Array
  readonly body: Uint8Array | null
}
/** Rows read in one statement; a page ends earlier when its bytes are full. */
const READ_CHUNK = 32

/** The numbers that are kept in memory because this instance alone writes the file. */
export interface MailboxMemory {
  beforeCommit(): void
  afterRollback(): void
  dropped(deviceRow: number): void
  /** Rows went by another way than an acknowledgement. */
  forgetCounts(): void
}

export function sqliteMailboxes(database: SqlDriver, batch: () => Batch): { store: MailboxStore; memory: MailboxMemory } {
  const target = database.prepare<Target>('SELECT device_row, manifest_version FROM devices JOIN accounts USING (account_id) WHERE account_id = ? AND device_id = ?')
  const sentBefore = database.prepare<{ time: number }>('SELECT time FROM sends WHERE device_row = ? AND send_id = ?')
  const remember = database.prepare('INSERT INTO sends (device_row, send_id, time) VALUES (?, ?, ?)')
  const count = database.prepare<{ n: number }>('SELECT count(*) AS n FROM mailbox_rows WHERE device_row = ?')
  const insert = database.prepare('INSERT INTO mailbox_rows (sequence, device_row, time, sender_account, sender_device, envelope, body_id) VALUES (?, ?, ?, ?, ?, ?, ?)')
  const addBody = database.prepare('INSERT INTO bodies (bytes) VALUES (?)')
  const read = database.prepare<Row>(
    'SELECT sequence, time, sender_account, sender_device, envelope, bytes AS body FROM mailbox_rows LEFT JOIN bodies USING (body_id) WHERE device_row = ? AND sequence > ? ORDER BY sequence LIMIT ?',
  )
  const remove = database.prepare('DELETE FROM mailbox_rows WHERE device_row = ? AND sequence <= ?')
  const storedSequence = database.prepare<{ value: number }>("SELECT value FROM counters WHERE name = 'sequence'")
  const storeSequence = database.prepare("INSERT INTO counters (name, value) VALUES ('sequence', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")

  let saved = storedSequence.get()?.value ?? 0
  let sequence = saved
  const counts = new Map<number, number>()

  const countOf = (deviceRow: number): number => {
    let n = counts.get(deviceRow)
    if (n === undefined) {
      n = count.get(deviceRow)!.n
      counts.set(deviceRow, n)
    }
    return n
  }
  const deviceRow = (accountId: AccountId, deviceId: DeviceId): number | undefined => target.get(accountBytes(accountId), deviceId)?.device_row

  const store: MailboxStore = {
    exclusive: true,

    append: ({ sender, sendId, time, body, recipients, maxRows }) =>
      batch().write((): AppendOutcome => {
        const senderAccount = accountBytes(sender.accountId)
        const from = target.get(senderAccount, sender.deviceId)
        if (!from) return { kind: 'revoked' }
        const send = idToBytes(sendId)
        const before = sentBefore.get(from.device_row, send)
        if (before) return { kind: 'repeated', time: before.time }
        const rows: number[] = []
        const added = new Map<number, number>()
        for (const { accountId, deviceId, manifestVersion } of recipients) {
          const to = target.get(accountBytes(accountId), deviceId)
          if (!to) return staleOrUnknown(accountId, manifestVersion)
          if (manifestVersion < to.manifest_version) return { kind: 'stale-manifest' }
          const more = (added.get(to.device_row) ?? 0) + 1
          if (countOf(to.device_row) + more > maxRows) return { kind: 'full' }
          added.set(to.device_row, more)
          rows.push(to.device_row)
        }
        const bodyId = body ? Number(addBody.run(body).lastInsertRowid) : null
        const sequences = recipients.map(({ envelope }, index) => {
          insert.run(++sequence, rows[index]!, time, senderAccount, sender.deviceId, envelope, bodyId)
          return sequence
        })
        for (const [row, more] of added) counts.set(row, countOf(row) + more)
        remember.run(from.device_row, send, time)
        return { kind: 'stored', time, sequences }
      }),

    readMailbox: async ({ accountId, deviceId, after, limit, maxBytes }) =>
      batch().read(() => {
        const mailbox = deviceRow(accountId, deviceId)
        const out: MailboxRow[] = []
        let bytes = 0
        for (let from = after; mailbox !== undefined && out.length < limit; ) {
          const asked = Math.min(READ_CHUNK, limit - out.length)
          const chunk = read.all(mailbox, from, asked)
          for (const row of chunk) {
            const size = row.envelope.length + (row.body?.length ?? 0)
            if (out.length > 0 && bytes + size > maxBytes) return out
            bytes += size
            from = row.sequence
            const sender = { accountId: accountText(row.sender_account), deviceId: row.sender_device }
            out.push({ sequence: row.sequence, time: row.time, sender, envelope: row.envelope, ...(row.body && { body: row.body }) })
          }
          if (chunk.length < asked) break
        }
        return out
      }),

    acknowledge: (accountId, deviceId, upTo) =>
      batch().lazyWrite(() => {
        const mailbox = deviceRow(accountId, deviceId)
        if (mailbox === undefined) return
        const { changes } = remove.run(mailbox, upTo)
        const known = counts.get(mailbox)
        if (known !== undefined) counts.set(mailbox, known - changes)
      }),
  }

  const newest = database.prepare<{ manifest_version: number }>('SELECT manifest_version FROM accounts WHERE account_id = ? AND manifest_version > 0')
  /** A device that is gone, as seen by a sender with an older manifest, is a stale manifest; for everybody else it is unknown. */
  const staleOrUnknown = (accountId: AccountId, manifestVersion: number): AppendOutcome => {
    const account = newest.get(accountBytes(accountId))
    return { kind: account && manifestVersion < account.manifest_version ? 'stale-manifest' : 'unknown-recipient' }
  }

  const memory: MailboxMemory = {
    beforeCommit() {
      // Sequences are never reused, not even when the newest rows are acknowledged before a restart.
      if (sequence !== saved) storeSequence.run(sequence)
      saved = sequence
    },
    afterRollback() {
      counts.clear()
      saved = sequence = storedSequence.get()?.value ?? 0
    },
    dropped: (row) => void counts.delete(row),
    forgetCounts: () => counts.clear(),
  }
  return { store, memory }
}
