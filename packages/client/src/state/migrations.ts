import type { Migration, StorageReader, Write } from '@securechat/storage'
import { decodeAccount } from './account.js'
import { decodeConversation } from './conversations.js'
import { KEYS, keyOf, PREFIX, prefixOf, QUEUED_ORDER } from './keys.js'
import { decodeMessage, encodeMessage } from './messages.js'

const PAGE = 200

/** 2: an unread message says so itself, since what is read on another device is told message by message. The newest ones of others are those that were counted. */
async function markUnread(read: StorageReader): Promise<readonly Write[]> {
  const account = await read.get(KEYS.account)
  if (!account) return []
  const { accountId } = decodeAccount(account.value)
  const writes: Write[] = []
  for (const { value } of await read.list(PREFIX.conversation)) {
    const { id, unread } = decodeConversation(value)
    let left = unread
    for (let before = keyOf.message(id, QUEUED_ORDER); left > 0; ) {
      const page = await read.list(prefixOf.messages(id), { limit: PAGE, reverse: true, before })
      for (const { key, value: row } of page) {
        const message = decodeMessage(row)
        if (left === 0 || message.sender === accountId || message.kind === 'identity-changed' || message.kind === 'identity-recovered') continue
        writes.push({ put: key, value: encodeMessage({ ...message, unread: true }) })
        left--
      }
      const last = page.at(-1)
      if (!last) break
      before = last.key
    }
  }
  return writes
}

/** Formats of the store, oldest first. A new one comes with a snapshot of the one before it (packages/integration/snapshots). */
export const MIGRATIONS: readonly Migration[] = [
  { to: 1, migrate: () => [] },
  { to: 2, migrate: markUnread },
]
