import type { Context } from '../context.js'
import { listHistory } from '../state/history.js'
import { receiveHistory } from './receive.js'
import { sendHistory } from './send.js'

/** What is loaded when history travels, and not with every start. */
export { historyState } from './present.js'

/** Every transfer as far as it goes now. Gives the milliseconds until the next look; undefined: none is under way. */
export async function rounds(context: Context): Promise<number | undefined> {
  let pause: number | undefined
  for (const row of await listHistory(context.db)) {
    if (row.status !== 'running') continue
    if (row.direction === 'sending') await sendHistory(context, row)
    else pause = (await receiveHistory(context, row)) ?? pause
  }
  return pause
}
