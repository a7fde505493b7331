import { decodeSession, encodeSession, pruneSessionRecord } from '@securechat/crypto'
import { equalPublicBytes, LIMITS } from '@securechat/protocol'
import type { Context } from '../context.js'
import { HELD_PER_PEER, sentPeers } from '../healing/hold.js'
import type { Entry, Transaction } from './database.js'
import { decodeSent } from './healing.js'
import { seenAt } from './inbox.js'
import { PREFIX, prefixOf } from './keys.js'
import { listPreKeys } from './prekeys.js'
import { readAheadAt } from './sync.js'

const DAY = 86_400_000
/** No row of a mailbox is older, so nothing that was seen before can come again. */
const SEEN_FOR = (LIMITS.mailboxDays + 7) * DAY
const ROWS_AT_ONCE = 200

/** Erases what only had to be remembered for a while: applied contents, superseded sessions, skipped keys. */
export async function sweep({ db }: Pick<Context, 'db'>, now: number): Promise<void> {
  await inPages(db, PREFIX.seen, async (tx, entries) => {
    for (const { key, value } of entries) if (now - seenAt(value) > SEEN_FOR) tx.delete(key)
  })
  await inPages(db, PREFIX.readAhead, async (tx, entries) => {
    for (const { key, value } of entries) if (now - readAheadAt(value) > SEEN_FOR) tx.delete(key)
  })
  await inPages(db, PREFIX.session, async (tx, entries) => {
    const livePreKeyIds = new Set((await listPreKeys(tx)).map(({ keyId }) => keyId))
    for (const { key, value } of entries) {
      const pruned = encodeSession(pruneSessionRecord(decodeSession(value), { now, livePreKeyIds }))
      if (!equalPublicBytes(pruned, value)) tx.put(key, pruned)
    }
  })
  await inPages(db, PREFIX.sent, async (tx, entries) => {
    for (const { key, value } of entries) if (now - decodeSent(value).at > LIMITS.retryDays * DAY) tx.delete(key)
  })
  for (const peer of await sentPeers(db)) await trimSent({ db }, prefixOf.sent(peer))
}

/** Above what is looked through for a request, nothing is held. */
async function trimSent({ db }: Pick<Context, 'db'>, prefix: string): Promise<void> {
  const newest = await db.list(prefix, { limit: HELD_PER_PEER, reverse: true })
  const oldestKept = newest.at(-1)?.key
  if (newest.length < HELD_PER_PEER || oldestKept === undefined) return
  await inPages(db, prefix, async (tx, entries) => {
    for (const { key } of entries) if (key < oldestKept) tx.delete(key)
  })
}

/** Each page is a commit of its own, so that nobody waits for the whole. */
async function inPages(db: Context['db'], prefix: string, visit: (tx: Transaction, entries: readonly Entry[]) => Promise<void>): Promise<void> {
  for (let after: string | undefined; ; ) {
    const from = after
    const entries = await db.run(
      async (tx) => {
        const page = await tx.list(prefix, { limit: ROWS_AT_ONCE, ...(from !== undefined && { after: from }) })
        await visit(tx, page)
        return page
      },
      { durability: 'relaxed' },
    )
    const last = entries.at(-1)
    if (!last) return
    after = last.key
  }
}
