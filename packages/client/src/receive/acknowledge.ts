import { acknowledgementDue, type SessionRecord } from '@securechat/crypto'
import type { AccountId, ConversationId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { enqueue } from '../send/compose.js'
import { readContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'

export interface Answerable {
  readonly peer: AccountId
  readonly conversation: ConversationId
  readonly record: SessionRecord
  /** A receipt goes out anyway, and answers too. */
  readonly owesReceipt: boolean
}

/**
 * Keys turn over only when both sides send, so a new session, and one on which only the other side writes, is answered with an empty
 * encrypted message (docs/protocol/04-ratchet.md, Sessions). Only to accepted contacts: to a stranger it would tell that somebody is here.
 */
export async function answerSession(context: Context, tx: Transaction, { peer, conversation, record, owesReceipt }: Answerable): Promise<void> {
  if (owesReceipt || !acknowledgementDue(record, context.clock.now())) return
  if ((await readContact(tx, peer))?.relation !== 'accepted') return
  await enqueue(context, tx, { peer, conversation, content: { type: 'empty' } })
}
