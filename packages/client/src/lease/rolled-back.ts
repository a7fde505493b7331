import { decodeSession, encodeSession } from '@securechat/crypto'
import type { Context } from '../context.js'
import { tellAlert } from '../devices/own-list.js'
import { replaceAllPreKeys } from '../devices/prekeys.js'
import type { Transaction } from '../state/database.js'
import { PREFIX } from '../state/keys.js'

/** Above what the lost state may have used: a new session is preferred to those that the peers still hold. */
const GENERATIONS_AHEAD = 16

/**
 * The sessions of a store that was put back or copied are gone, receiving ones included: what comes on them is asked for again over new ones
 * (docs/protocol/14-healing.md). Rows of the outbox that hold ciphertexts go out with the same bytes; whoever had them already recognises them.
 */
export async function replaceRolledBack(context: Context, tx: Transaction): Promise<void> {
  for (const { key, value } of await tx.list(PREFIX.session)) {
    const record = decodeSession(value)
    tx.put(key, encodeSession({ ...record, nextGeneration: record.nextGeneration + GENERATIONS_AHEAD, sessions: [] }))
  }
  await replaceAllPreKeys(context, tx)
  await tellAlert(context, tx, { kind: 'store-rolled-back' })
  tx.afterCommit(() => context.events.emit('store-rolled-back', {}))
}
