import type { Conversation } from '@securechat/client'
import { useSyncExternalStore } from 'react'
import { MessageHistory, type MessageHistoryState } from './message-history.js'
import { useOpened } from './provider.js'

export interface Messages extends Omit<MessageHistoryState, 'loadingOlder'> {
  /** The first messages, or older ones after `loadOlder`, are being read. */
  readonly loading: boolean
  /** Loads one more page of `limit` messages at the front. Safe to call at any time and several times; never rejects, see `error`. */
  readonly loadOlder: () => Promise<void>
}

const SERVER_STATE: MessageHistoryState = Object.freeze({
  status: 'loading',
  messages: Object.freeze([]),
  hasMore: false,
  loadingOlder: false,
  error: undefined,
})

/** The newest `limit` (50 unless given, 200 at most) messages of a conversation, live, and older ones on demand. */
export function useMessages(id: Conversation['id'], options: { readonly limit?: number } = {}): Messages {
  const { client, queries } = useOpened()
  const limit = options.limit ?? 50
  const history = queries.get(`messages ${id} ${limit}`, () => new MessageHistory(() => client.conversations.get(id), limit))
  const { loadingOlder, ...state } = useSyncExternalStore(history.subscribe, history.get, () => SERVER_STATE)
  return { ...state, loading: state.status === 'loading' || loadingOlder, loadOlder: history.loadOlder }
}
