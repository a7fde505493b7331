import { Secret } from '@securechat/crypto'
import {
  type BackupEntry,
  type BackupKeys,
  type BackupKind,
  type BackupRecord,
  encodeBackupState,
  type OpenedBackup,
  openBackupManifest,
  openSegment,
  startBackup,
} from '@securechat/crypto/backup'
import { asSecureChatError, SecureChatError, toBase64Url } from '@securechat/protocol'
import type { Context } from '../context.js'
import { readAccountKeys } from '../state/account.js'
import { endedRestore, type RestoreRow, readBackup, readRestore, writeBackup, writeRestore } from '../state/backup.js'
import type { Transaction } from '../state/database.js'
import { type Archived, mergeRecords } from './merge.js'
import { emitBackup } from './present.js'

/** Small and needed by what follows; each wholly, so that of two records of one name the newer one is merged. */
const FIRST: readonly BackupKind[] = ['account', 'manifests', 'contacts', 'conversations']

/** Codes for which waiting helps nothing. */
const isFinal = (error: SecureChatError): boolean => error.retry === 'never' && error.code !== 'request/aborted' && error.code !== 'client/closed'

/**
 * Goes on with the restore that is under way: chats first, then messages, the newest segments first. What is merged and how far that is are one commit. Throws what the
 * network throws, and then it is to be called again; where nothing can help, the restore is marked as failed.
 */
export async function runRestore(context: Context): Promise<void> {
  const { db, provider } = context
  const row = await readRestore(db)
  if (row?.status !== 'running') return
  const { accountId } = await context.identity.self()
  const keys = { backupKey: new Secret(row.key), accountId }
  try {
    const opened = openBackupManifest(provider, { ...keys, bytes: row.manifest })
    const origin = { accountId, archive: toBase64Url(opened.anchor.hash.subarray(0, 16)) }
    for (const { kind, entries, last } of stepsOf(opened.entries).slice(row.next)) {
      const records = await newest(context, keys, entries)
      const bytes = entries.reduce((sum, { length }) => sum + length, 0)
      await mergeRecords(context, origin, { kind, records, done: (tx) => proceed(context, tx, { bytes, opened: last ? opened : undefined }) })
      await emitBackup(context)
    }
  } catch (cause) {
    const error = asSecureChatError(cause, 'server/internal')
    if (error.code.startsWith('storage/')) throw error
    const failure = { code: error.code, ...(error.detail !== undefined && { detail: error.detail }) }
    await db.run(async (tx) => {
      const current = await readRestore(tx)
      if (current?.status !== 'running') return
      if (isFinal(error)) writeRestore(tx, endedRestore(current, { status: 'failed', error: failure }))
      else if (current.error?.code !== error.code) writeRestore(tx, { ...current, error: failure })
    })
    await emitBackup(context)
    if (!isFinal(error)) throw error
  }
}

interface Step {
  readonly kind: BackupKind
  /** The newest first. */
  readonly entries: readonly BackupEntry[]
  readonly last: boolean
}

/** The same for the same manifest, so a number says how far a restore is. */
function stepsOf(entries: readonly BackupEntry[]): Step[] {
  const backwards = [...entries].reverse()
  const steps = [
    ...FIRST.map((kind) => ({ kind, entries: backwards.filter((entry) => entry.kind === kind) })),
    ...backwards.filter(({ kind }) => !FIRST.includes(kind)).map((entry) => ({ kind: entry.kind, entries: [entry] })),
  ]
  return steps.map((step, index) => ({ ...step, last: index === steps.length - 1 }))
}

/** Records of these segments, each name once, as the newest segment has it. */
async function newest({ network, provider }: Context, keys: BackupKeys, entries: readonly BackupEntry[]): Promise<Archived[]> {
  const byName = new Map<string, BackupRecord>()
  for (const entry of entries) {
    const { segment } = await network.call('backups.segment', { backupId: entry.backupId, number: entry.number })
    if (!segment) throw new SecureChatError('backup/damaged', { detail: 'missing segment' })
    for (const record of openSegment(provider, { ...keys, entry, bytes: segment })) {
      const name = toBase64Url(record.name)
      if (!byName.has(name)) byName.set(name, record)
    }
  }
  return [...byName.values()].flatMap(({ name, value }) => (value ? [{ name, value }] : []))
}

/** In the commit of a step's last records. With the last step this device takes the backup over: under an id of its own, never under the restored one. */
async function proceed(context: Context, tx: Transaction, { bytes, opened }: { bytes: number; opened: OpenedBackup | undefined }): Promise<void> {
  const row = await readRestore(tx)
  if (row?.status !== 'running') return
  const { error: _, ...rest } = row
  const next: RestoreRow = { ...rest, next: row.next + 1, done: row.done + bytes }
  writeRestore(tx, opened ? endedRestore(next, { status: 'done' }) : next)
  if (!opened || (await readBackup(tx)) || !(await readAccountKeys(tx))) return
  const { key, recoveryKey, version, total } = row
  const state = encodeBackupState(startBackup(context, opened.accountId, opened))
  writeBackup(tx, { key, recoveryKey, state, version, since: 0, lastAt: opened.created, bytes: total, wholeBytes: total, untidy: true })
}
