import { type AccountId, asSecureChatError, type ConversationId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { enqueue } from '../send/compose.js'
import { readContact } from '../state/contacts.js'
import { dueReceipts, type ReceiptKind, receiptConversations } from '../state/inbox.js'
import { PREFIX } from '../state/keys.js'
import { fraction } from '../waiting.js'

export interface Receipts {
  start(): void
  stop(): void
}

/** At least a second (docs/threat-model.md), so that receipts do not tell when exactly a device was online. */
const LEAST_MS = 1_000
const JITTER_MS = 1_000
const TARGETS = 256

/**
 * Turns receipts that are due into outbox rows: some time later, many in one. What is due is in the store, written by the commit that made
 * it so; this only collects, and a process that dies in between collects at the next start.
 */
export function createReceipts(context: Context): Receipts {
  const { storage, db, clock, random, logger } = context
  let running = false
  let cancel: (() => void) | undefined
  let unwatch: (() => void) | undefined

  const schedule = (): void => {
    if (!running || cancel) return
    cancel = clock.after(LEAST_MS + Math.floor(JITTER_MS * fraction(random)), () => {
      cancel = undefined
      collect().catch((error: unknown) => {
        logger.warn('client.receipts-later', { code: asSecureChatError(error, 'storage/unavailable').code })
        schedule()
      })
    })
  }
  const collect = async (): Promise<void> => {
    for (const conversation of await receiptConversations(db)) while (running && (await collectOne(conversation)) === TARGETS);
  }
  /** One commit: the receipts are queued and not due any more. Gives how many there were. */
  const collectOne = (conversation: ConversationId): Promise<number> =>
    db.run(async (tx) => {
      const due = await dueReceipts(tx, conversation, TARGETS)
      for (const { key } of due) tx.delete(key)
      const peer: AccountId | undefined = due[0]?.peer
      if (peer === undefined || (await readContact(tx, peer))?.relation !== 'accepted') return due.length
      for (const kind of ['delivered', 'read'] satisfies ReceiptKind[]) {
        const targets = due.filter((receipt) => receipt.kind === kind).map(({ message }) => message)
        if (targets.length > 0) await enqueue(context, tx, { peer, conversation, content: { type: 'receipt', kind, targets } })
      }
      return due.length
    })

  return {
    start() {
      if (running) return
      running = true
      unwatch = storage.watch(PREFIX.receipt, schedule)
      schedule()
    },
    stop() {
      running = false
      cancel?.()
      cancel = undefined
      unwatch?.()
    },
  }
}
