import type { ConversationSnapshot } from '@securechat/client'
import { useCallback, useRef } from 'react'
import { Virtualizer } from 'virtua'
import { useNow } from '../shell/browser-state.js'
import { open, useRoute } from '../shell/route.js'
import { ChatRow } from './chat-row.js'

export interface ChatListProps {
  readonly chats: readonly ConversationSnapshot[]
  readonly label: string
  readonly before?: React.ReactNode
  readonly after?: React.ReactNode
}

/** Ten thousand chats are as quick as ten: only the rows in view exist. Arrow keys go from row to row. */
export function ChatList({ chats, label, before, after }: ChatListProps) {
  const { pane, chat: selected } = useRoute()
  const now = useNow(60_000)
  const scroller = useRef<HTMLDivElement>(null)
  const onOpen = useCallback((id: ConversationSnapshot['id']) => open({ pane, chat: id }), [pane])

  const onArrow = useCallback((from: HTMLElement, step: 1 | -1) => {
    const rows = [...(scroller.current?.querySelectorAll<HTMLElement>('[data-testid="chat-row"]') ?? [])]
    rows[rows.indexOf(from) + step]?.focus()
  }, [])
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto pb-4">
      {before}
      {chats.length > 0 && (
        <nav aria-label={label}>
          <Virtualizer scrollRef={scroller} as="ul" item="li">
            {chats.map((chat) => (
              <ChatRow key={chat.id} chat={chat} selected={chat.id === selected} onOpen={onOpen} onArrow={onArrow} now={now} />
            ))}
          </Virtualizer>
        </nav>
      )}
      {after}
    </div>
  )
}
