import { type Client, type Conversation, type Message, SecureChatError } from '@securechat/client'
import { useMemo } from 'react'
import { useClient } from './hooks.js'
import { type Outcome, useAction } from './use-action.js'

async function conversationOf(client: Client, id: Conversation['id']): Promise<Conversation> {
  const conversation = await client.conversations.get(id)
  if (!conversation) throw new SecureChatError('client/not-found', { detail: 'conversation' })
  return conversation
}

export type ConversationActions = Pick<
  Conversation,
  'send' | 'react' | 'edit' | 'delete' | 'retry' | 'markRead' | 'setTyping' | 'update' | 'accept' | 'block' | 'unblock'
>

/** What can be done with a conversation, without loading it first. The functions keep their identity and reject with the client's errors. */
export function useConversationActions(id: Conversation['id']): ConversationActions {
  const client = useClient()
  return useMemo(() => {
    const on = async <T>(act: (conversation: Conversation) => Promise<T>): Promise<T> => act(await conversationOf(client, id))
    return {
      send: (input, options) => on((conversation) => conversation.send(input, options)),
      react: (target, emoji) => on((conversation) => conversation.react(target, emoji)),
      edit: (target, text) => on((conversation) => conversation.edit(target, text)),
      delete: (target) => on((conversation) => conversation.delete(target)),
      retry: (message) => on((conversation) => conversation.retry(message)),
      markRead: () => on((conversation) => conversation.markRead()),
      setTyping: (active) => on((conversation) => conversation.setTyping(active)),
      update: (changes) => on((conversation) => conversation.update(changes)),
      accept: () => on((conversation) => conversation.accept()),
      block: () => on((conversation) => conversation.block()),
      unblock: () => on((conversation) => conversation.unblock()),
    }
  }, [client, id])
}

export interface SendMessage {
  /** Resolves once the message is stored and queued, also offline. Never rejects: the outcome says how it went. */
  readonly send: (input: Parameters<Conversation['send']>[0]) => Promise<Outcome<Message>>
  readonly pending: boolean
  readonly error: Error | undefined
  readonly reset: () => void
}

export function useSendMessage(id: Conversation['id']): SendMessage {
  const { run, pending, error, reset } = useAction(async (client, input: Parameters<Conversation['send']>[0]) => (await conversationOf(client, id)).send(input))
  return { send: run, pending, error, reset }
}
