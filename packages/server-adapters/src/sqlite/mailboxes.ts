import { type AccountId, type DeviceId, idToBytes, type MailboxRow } from '@securechat/protocol'
import type { Append, AppendOutcome, MailboxStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'
import { accountBytes, accountText } from './devices.js'

/** Where sends to an account go; kept in memory until the account changes. */
interface Route {
  readonly account: Uint8Array
  readonly manifestVersion: number
  readonly devices: ReadonlyMap<DeviceId, number>
}
interface Row {
  readonly sequence: number
  readonly time: number
  readonly sender_account: Uint8Array
  readonly sender_device: DeviceId
  readonly envelope: Uint8Array
  readonly body: Uint8Array | null
}
type Refusal = Exclude<AppendOutcome, { readonly kind: 'stored' | 'repeated' }>
/** Rows read in one statement; a page ends earlier when its bytes are full. */
const READ_CHUNK = 32
/** Accounts whose routes are kept; beyond it all are forgotten and read again. */
const MAX_ROUTES = 50_000

/** What is kept in memory because this instance alone writes the file. */
export interface MailboxMemory {
  beforeCommit(): void
  afterRollback(): void
  dropped(deviceRow: number): void
  /** The account's manifest or devices changed, or it is gone. */
  changed(accountId: AccountId): void
  /** Rows went by another way than an acknowledgement. */
  forgetCounts(): void
}

export function sqliteMailboxes(database: SqlDriver, batch: () => Batch): { store: MailboxStore; memory: MailboxMemory } {
  const versionOf = database.prepare<{ manifest_version: number }>('SELECT manifest_version FROM accounts WHERE account_id = ? AND manifest_version > 0')
  const devicesOf = database.prepare<{ device_row: number; device_id: DeviceId }>('SELECT device_row, device_id FROM devices WHERE account_id = ?')
  const sentBefore = database.prepare<{ time: number }>('SELECT time FROM sends WHERE device_row = ? AND send_id = ?')
  const remember = database.prepare('INSERT OR IGNORE INTO sends (device_row, send_id, time) VALUES (?, ?, ?)')
  const count = database.prepare<{ n: number }>('SELECT count(*) AS n FROM mailbox_rows WHERE device_row = ?')
  const insert = database.prepare(
    'INSERT INTO mailbox_rows (sequence, device_row, time, sender_account, sender_device, envelope, body_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
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
  const routes = new Map<AccountId, Route>()
  const routeOf = (accountId: AccountId): Route | undefined => {
    let route = routes.get(accountId)
    if (route) return route
    const account = accountBytes(accountId)
    const version = versionOf.get(account)
    if (!version) return undefined
    route = {
      account,
      manifestVersion: version.manifest_version,
      devices: new Map(devicesOf.all(account).map(({ device_id, device_row }) => [device_id, device_row])),
    }
    if (routes.size >= MAX_ROUTES) routes.clear()
    routes.set(accountId, route)
    return route
  }
  const deviceRow = (accountId: AccountId, deviceId: DeviceId): number | undefined => routeOf(accountId)?.devices.get(deviceId)

  /** The mailboxes of a send, or why it cannot be stored. */
  const targetsOf = ({ recipients, maxRows }: Append): number[] | Refusal => {
    const rows: number[] = []
    const added = new Map<number, number>()
    for (const { accountId, deviceId, manifestVersion } of recipients) {
      const route = routeOf(accountId)
      if (!route) return { kind: 'unknown-recipient' }
      if (manifestVersion < route.manifestVersion) return { kind: 'stale-manifest' }
      const row = route.devices.get(deviceId)
      if (row === undefined) return { kind: 'unknown-recipient' }
      const more = (added.get(row) ?? 0) + 1
      if (countOf(row) + more > maxRows) return { kind: 'full' }
      added.set(row, more)
      rows.push(row)
    }
    return rows
  }

  const append = (request: Append): AppendOutcome => {
    const { sender, time, body, recipients } = request
    const route = routeOf(sender.accountId)
    const from = route?.devices.get(sender.deviceId)
    if (!route || from === undefined) return { kind: 'revoked' }
    const sendId = idToBytes(request.sendId)
    const targets = targetsOf(request)
    // One statement both asks and remembers; only a refused send has to ask, since an earlier success wins over the refusal.
    if (!Array.isArray(targets) || remember.run(from, sendId, time).changes === 0) {
      const before = sentBefore.get(from, sendId)
      return before ? { kind: 'repeated', time: before.time } : (targets as Refusal)
    }
    const bodyId = body ? Number(addBody.run(body).lastInsertRowid) : null
    const sequences: number[] = []
    for (let i = 0; i < recipients.length; i++) {
      const mailbox = targets[i]!
      insert.run(++sequence, mailbox, time, route.account, sender.deviceId, recipients[i]!.envelope, bodyId)
      sequences.push(sequence)
      counts.set(mailbox, countOf(mailbox) + 1)
    }
    return { kind: 'stored', time, sequences }
  }

  const store: MailboxStore = {
    exclusive: true,

    append: (send) => batch().write(() => append(send)),

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

  const memory: MailboxMemory = {
    beforeCommit() {
      // Sequences are never reused, not even when the newest rows are acknowledged before a restart.
      if (sequence !== saved) storeSequence.run(sequence)
      saved = sequence
    },
    afterRollback() {
      counts.clear()
      routes.clear()
      saved = sequence = storedSequence.get()?.value ?? 0
    },
    dropped: (row) => void counts.delete(row),
    changed: (accountId) => void routes.delete(accountId),
    forgetCounts: () => counts.clear(),
  }
  return { store, memory }
}
