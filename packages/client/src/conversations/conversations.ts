import { type AccountId, type ConversationId, isIdText, SecureChatError } from '@securechat/protocol'
import type { Contacts } from '../contacts/contacts.js'
import { acceptContact } from '../contacts/relation.js'
import { directConversationId } from '../context.js'
import { requireAccount } from '../state/account.js'
import { readContact } from '../state/contacts.js'
import { newConversation, readConversation, writeConversation } from '../state/conversations.js'
import type { Client, Conversation } from '../types.js'
import { type ConversationDeps, createConversation } from './conversation.js'

export interface Conversations {
  readonly api: Client['conversations']
  handle(id: ConversationId, peer: AccountId): Conversation
}

export function createConversations(deps: ConversationDeps, contacts: Contacts): Conversations {
  const { context, views } = deps
  const { db, clock, provider } = context
  const handle = (id: ConversationId, peer: AccountId): Conversation => createConversation(deps, id, peer)

  return {
    handle,
    api: {
      async direct(peer, options) {
        const accountId = await contacts.resolve(peer, options)
        if (!accountId) throw new SecureChatError('client/not-found', { detail: 'phone number' })
        const id = await db.run(async (tx) => {
          const self = await requireAccount(tx)
          const conversation = directConversationId(provider, self.accountId, accountId)
          if (!(await readConversation(tx, conversation))) writeConversation(tx, newConversation(conversation, accountId, clock.now()))
          // Starting a chat accepts; a stranger's request or a block is not lifted by looking at it.
          if ((await readContact(tx, accountId))?.relation === 'none' || !(await readContact(tx, accountId)))
            await acceptContact(context, tx, { peer: accountId, conversation })
          return conversation
        })
        return handle(id, accountId)
      },
      async get(id) {
        const record = isIdText(id) ? await readConversation(db, id) : undefined
        return record && handle(record.id, record.peer)
      },
      list: ({ archived } = {}) => views.list({ archived }),
      live: ({ archived } = {}) => views.liveList({ archived }),
    },
  }
}
