import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS, PREFIX } from './keys.js'
import { bytes, count, defineRecord } from './record.js'

const error = z.looseObject({ code: z.string(), detail: z.optional(z.string()) })

const backup = defineRecord(
  'backup',
  z.looseObject({
    /** Seals the containers; of the words, which are nowhere. */
    key: bytes,
    /** Public; the account's manifest names it. */
    recoveryKey: bytes,
    /** Crypto's encoding of the backup's state: what the newest sealed container belongs to. */
    state: bytes,
    /** Version of the manifest on the server, 0: none. */
    version: count,
    /** Rows that the store has written later are not in the backup; 0: nothing is. */
    since: count,
    lastAt: z.optional(count),
    /** Sealed bytes of the published backup, and of the last that was made as a whole. */
    bytes: count,
    wholeBytes: count,
    /** Segments that no manifest lists any more may lie on the server. */
    untidy: z.boolean(),
    error: z.optional(error),
  }),
)
export type BackupRow = ReturnType<typeof backup.decode>

const run = defineRecord(
  'backup run',
  z.looseObject({
    /** Everything anew: the segments before it are dropped. */
    whole: z.boolean(),
    /** Entries of the state that were there before. */
    kept: count,
    /** Rows up to this commit of the store are in the backup afterwards. */
    target: count,
    /** Chats, the newest first, each with its highest window. */
    chats: z.array(z.looseObject({ id: z.string(), top: count })),
    /** The next place to read. */
    stage: count,
    round: count,
    chat: count,
    done: count,
    total: count,
    /** Sealed and committed, until the server has it. */
    manifest: z.optional(bytes),
  }),
)
export type BackupRunRow = ReturnType<typeof run.decode>

const restore = defineRecord(
  'restore',
  z.looseObject({
    /** Empty once it has ended. */
    key: bytes,
    recoveryKey: bytes,
    /** The sealed manifest that is restored, as it was when the restore began; empty once it has ended. */
    manifest: bytes,
    version: count,
    createdAt: count,
    status: z.enum(['running', 'done', 'failed']),
    /** Segments that are applied, in the order of the restore. */
    next: count,
    done: count,
    total: count,
    error: z.optional(error),
  }),
)
export type RestoreRow = ReturnType<typeof restore.decode>

export const readBackup = (reader: Pick<Reader, 'get'>): Promise<BackupRow | undefined> => backup.read(reader, KEYS.backup)
export const writeBackup = (tx: Transaction, value: BackupRow): void => backup.write(tx, KEYS.backup, value)
export const readBackupRun = (reader: Pick<Reader, 'get'>): Promise<BackupRunRow | undefined> => run.read(reader, KEYS.backupRun)
export const writeBackupRun = (tx: Transaction, value: BackupRunRow): void => run.write(tx, KEYS.backupRun, value)
export const readRestore = (reader: Pick<Reader, 'get'>): Promise<RestoreRow | undefined> => restore.read(reader, KEYS.restore)
export const writeRestore = (tx: Transaction, value: RestoreRow): void => restore.write(tx, KEYS.restore, value)

/** A restore that has ended leaves how it went, and nothing that opens the backup, in which the account key is. */
export const endedRestore = <Row extends RestoreRow>(row: Row, how: Pick<RestoreRow, 'status' | 'error'>): Row => ({
  ...row,
  ...how,
  key: new Uint8Array(0),
  manifest: new Uint8Array(0),
})

export async function forgetRun(tx: Transaction): Promise<void> {
  tx.delete(KEYS.backupRun)
  for (const { key } of await tx.list(PREFIX.backupOut)) tx.delete(key)
}

/** What opens the backup goes with the account key, since that is in the backup. What the server has stays, for the words and whoever goes on with it. */
export async function forgetBackup(tx: Transaction): Promise<void> {
  tx.delete(KEYS.backup)
  await forgetRun(tx)
  const row = await readRestore(tx)
  if (row?.status === 'running') writeRestore(tx, endedRestore(row, { status: 'failed', error: { code: 'devices/not-primary' } }))
}
