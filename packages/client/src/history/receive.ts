import { Secret } from '@securechat/crypto'
import { type BackupEntry, type BackupRecord, decodeBackupState, encodeBackupState, openStreamPart, startBackup } from '@securechat/crypto/backup'
import { asSecureChatError, isSecureChatError, LIMITS } from '@securechat/protocol'
import { type Archived, mergeRecords } from '../backups/merge.js'
import { decodeTransfer } from '../backups/records.js'
import type { Context } from '../context.js'
import { type HistoryRow, historyName, readHistory, writeHistory } from '../state/history.js'
import { keyOf } from '../state/keys.js'
import { changeHistory, emitHistory } from './present.js'

/** Milliseconds between two looks for a part that is not there yet: a tenth of the time since the transfer began, within these bounds. */
const LOOK_MS = { least: 2_000, most: 60_000 } as const
const WHOLE_MS = LIMITS.historyHours * 3_600_000

/**
 * The new device's side of docs/protocol/13-linking.md, "History": takes part after part, in the order of their numbers, until the manifest says that these were all.
 * Gives the milliseconds after which it makes sense to look again; undefined: it has ended. Throws what the network throws.
 */
export async function receiveHistory(context: Context, row: HistoryRow): Promise<number | undefined> {
  const name = historyName(row)
  try {
    for (;;) {
      const current = await readHistory(context.db, name)
      if (current?.status !== 'running') return undefined
      const outcome = await takeNext(context, current)
      if (outcome === 'wait') return pauseOf(current.expiresAt ?? context.clock.now() + WHOLE_MS, context.clock.now())
      if (outcome === 'end') return undefined
    }
  } catch (cause) {
    const error = asSecureChatError(cause, 'server/internal')
    // What somebody has damaged stays damaged; what came before is genuine.
    if (!['backup/damaged', 'crypto/authentication-failed', 'protocol/malformed', 'protocol/unsupported-version'].includes(error.code)) throw error
    await changeHistory(context, name, { status: 'failed', error: { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) } })
    return undefined
  }
}

const pauseOf = (expiresAt: number, now: number): number => Math.min(LOOK_MS.most, Math.max(LOOK_MS.least, Math.floor((WHOLE_MS - (expiresAt - now)) / 10)))

async function takeNext(context: Context, row: HistoryRow): Promise<'more' | 'wait' | 'end'> {
  const { network, provider } = context
  const { accountId } = await context.identity.self()
  const name = historyName(row)
  const state = row.state ? decodeBackupState(row.state) : startBackup({ random: () => row.id }, accountId)
  const received = state.entries
  const answer = await network.call('history.read', { transferId: row.id, number: received.length + 1 }).catch((error: unknown) => {
    if (isSecureChatError(error, 'request/not-found')) return undefined
    throw error
  })
  if (!answer) {
    await notThere(context, row)
    return 'end'
  }
  if (row.expiresAt === undefined) await changeHistory(context, name, { expiresAt: answer.expiresAt })
  if (!answer.segment) return 'wait'
  const part = openStreamPart(provider, { backupKey: new Secret(row.key), accountId, backupId: row.id, received, bytes: answer.segment })
  if (part.entry === null) {
    await changeHistory(context, name, { status: 'done' })
    // Nobody else has the key; where this call is lost, a day ends it.
    await network.call('history.close', { transferId: row.id }).catch((error: unknown) => {
      context.logger.debug('client.history-not-closed', { code: asSecureChatError(error, 'server/internal').code })
    })
    return 'end'
  }
  await take(context, { name, entry: part.entry, records: part.records, entries: received })
  return 'more'
}

/** Records and the entry in one commit, the last of the part's. */
async function take(
  context: Context,
  { name, entry, records, entries }: { name: string; entry: BackupEntry; records: readonly BackupRecord[]; entries: readonly BackupEntry[] },
): Promise<void> {
  const { accountId } = await context.identity.self()
  const summary = entry.kind === 'settings' && records[0]?.value ? decodeTransfer(records[0].value) : undefined
  const present = records.flatMap(({ name: recordName, value }): Archived[] => (value ? [{ name: recordName, value }] : []))
  await mergeRecords(
    context,
    { archive: name, accountId },
    {
      kind: entry.kind,
      records: present,
      done: async (tx) => {
        const row = await readHistory(tx, name)
        if (row?.status !== 'running') return
        const state = encodeBackupState({ ...startBackup({ random: () => row.id }, accountId), entries: [...entries, entry] })
        const done = row.done + (entry.kind === 'messages' ? present.length : 0)
        writeHistory(tx, { ...row, state, done, ...(summary && { total: summary.messages }) })
      },
    },
  )
  await emitHistory(context)
}

/** No place: the primary device has offered no history, or the day is over. */
async function notThere(context: Context, row: HistoryRow): Promise<void> {
  if (row.expiresAt !== undefined) return changeHistory(context, historyName(row), { status: 'expired' })
  await context.db.run(async (tx) => tx.delete(keyOf.history(historyName(row))))
  await emitHistory(context)
}
