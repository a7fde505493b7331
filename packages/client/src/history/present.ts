import type { HistoryTransfer } from '../backups/types.js'
import type { Context } from '../context.js'
import { presentError } from '../conversations/present.js'
import { type HistoryRow, listHistory, readHistory, writeHistory } from '../state/history.js'

const present = ({ direction, status, done, total, error, expiresAt }: HistoryRow): HistoryTransfer =>
  Object.freeze({
    direction,
    status,
    progress: Object.freeze({ done, total: status === 'done' ? done : Math.max(done, total) }),
    ...(error && { error: presentError(error) }),
    ...(expiresAt !== undefined && { expiresAt }),
  })

/** One that waits for what may never have been offered is not shown. */
export async function historyState({ db }: Pick<Context, 'db'>): Promise<readonly HistoryTransfer[]> {
  const rows = await listHistory(db)
  return Object.freeze(rows.filter(({ direction, expiresAt }) => direction === 'sending' || expiresAt !== undefined).map(present))
}

export const emitHistory = async (context: Context): Promise<void> => context.events.emit('history', await historyState(context))

export async function changeHistory(context: Context, name: string, changes: Partial<HistoryRow>): Promise<void> {
  await context.db.run(async (tx) => {
    const row = await readHistory(tx, name)
    if (row) writeHistory(tx, { ...row, ...changes })
  })
  await emitHistory(context)
}
