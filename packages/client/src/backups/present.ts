import type { Context } from '../context.js'
import { presentError } from '../conversations/present.js'
import { type RestoreRow, readBackup, readBackupRun, readRestore } from '../state/backup.js'
import type { BackupState, RestoreState } from './types.js'

function presentRestore({ status, createdAt, done, total, error }: RestoreRow): RestoreState {
  return Object.freeze({ status, createdAt, progress: Object.freeze({ done, total }), ...(error && { error: presentError(error) }) })
}

export async function backupState({ db }: Pick<Context, 'db'>): Promise<BackupState> {
  const [backup, run, restore] = await Promise.all([readBackup(db), readBackupRun(db), readRestore(db)])
  return Object.freeze({
    enabled: backup !== undefined,
    bytes: backup?.bytes ?? 0,
    ...(backup?.lastAt !== undefined && { lastAt: backup.lastAt }),
    ...(backup && run && { progress: Object.freeze({ done: run.done, total: run.total }) }),
    ...(backup?.error && { error: presentError(backup.error) }),
    ...(restore && { restore: presentRestore(restore) }),
  })
}

export const emitBackup = async (context: Context): Promise<void> => context.events.emit('backup', await backupState(context))
