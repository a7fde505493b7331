import type { MailboxRow } from '@securechat/protocol'
import type { AppendOutcome, MailboxStore } from '../ports/store.js'
import { type MemoryState, mailboxKey, requireOpen } from './state.js'

export function memoryMailboxes(state: MemoryState): MailboxStore {
  return {
    exclusive: true,

    async append({ sender, sendId, time, body, recipients, maxRows }): Promise<AppendOutcome> {
      requireOpen(state)
      if (!state.accounts.get(sender.accountId)?.devices.has(sender.deviceId)) return { kind: 'revoked' }
      const sendKey = `${mailboxKey(sender.accountId, sender.deviceId)}.${sendId}`
      const before = state.sends.get(sendKey)
      if (before !== undefined) return { kind: 'repeated', time: before }
      const added = new Map<MailboxRow[], number>()
      for (const { accountId, deviceId, manifestVersion } of recipients) {
        const account = state.accounts.get(accountId)
        const newest = account?.manifests.at(-1)
        if (!account || !newest) return { kind: 'unknown-recipient' }
        if (manifestVersion < newest.version) return { kind: 'stale-manifest' }
        const rows = state.mailboxes.get(mailboxKey(accountId, deviceId))
        if (!rows) return { kind: 'unknown-recipient' }
        const count = (added.get(rows) ?? 0) + 1
        if (rows.length + count > maxRows) return { kind: 'full' }
        added.set(rows, count)
      }
      const sequences: number[] = []
      for (const { accountId, deviceId, envelope } of recipients) {
        const sequence = ++state.sequence
        sequences.push(sequence)
        state.mailboxes.get(mailboxKey(accountId, deviceId))!.push({ sequence, time, sender, envelope: envelope.slice(), ...(body && { body: body.slice() }) })
      }
      state.sends.set(sendKey, time)
      return { kind: 'stored', time, sequences }
    },

    async readMailbox({ accountId, deviceId, after, limit, maxBytes }) {
      requireOpen(state)
      const rows = state.mailboxes.get(mailboxKey(accountId, deviceId)) ?? []
      const out: MailboxRow[] = []
      let bytes = 0
      for (let i = firstAbove(rows, after); i < rows.length && out.length < limit; i++) {
        const row = rows[i]!
        const size = row.envelope.length + (row.body?.length ?? 0)
        if (out.length > 0 && bytes + size > maxBytes) break
        bytes += size
        out.push({ ...row, envelope: row.envelope.slice(), ...(row.body && { body: row.body.slice() }) })
      }
      return out
    },

    async acknowledge(accountId, deviceId, upTo) {
      requireOpen(state)
      const rows = state.mailboxes.get(mailboxKey(accountId, deviceId))
      if (rows) rows.splice(0, firstAbove(rows, upTo))
    },
  }
}

/** Index of the first row with a sequence above `after`; rows ascend. */
function firstAbove(rows: readonly MailboxRow[], after: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.sequence <= after) low = middle + 1
    else high = middle
  }
  return low
}
