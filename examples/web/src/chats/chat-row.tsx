import type { ConversationSnapshot } from '@securechat/client'
import { BellOff, EllipsisVertical, Pin } from 'lucide-react'
import { memo } from 'react'
import { previewOf } from '../format/preview.js'
import { rowTime } from '../format/time.js'
import { Avatar } from '../ui/avatar.js'
import { IconButton } from '../ui/button.js'
import { classNames } from '../ui/class-names.js'
import { StatusMark } from '../ui/status-mark.js'
import { ChatMenu } from './chat-menu.js'

export interface ChatRowProps {
  readonly chat: ConversationSnapshot
  readonly selected: boolean
  readonly onOpen: (id: ConversationSnapshot['id']) => void
  /** An arrow key: to the row below or above. */
  readonly onArrow: (from: HTMLElement, step: 1 | -1) => void
  readonly now: number
}

function Preview({ chat, selected }: { readonly chat: ConversationSnapshot; readonly selected: boolean }) {
  const { lastMessage, draft, typing } = chat
  if (typing) return <span className="font-medium text-accent-ink">typing …</span>
  // Where the chat is open, its draft stands in the composer.
  if (draft.trim() !== '' && !selected) {
    return (
      <>
        <span className="font-medium text-danger">Draft: </span>
        {draft.replace(/\s+/g, ' ')}
      </>
    )
  }
  if (!lastMessage) return <>No messages yet</>
  return (
    <>
      {lastMessage.mine && lastMessage.status && lastMessage.kind === 'text' && (
        <span className="mr-1 inline-block align-[-3px]">
          <StatusMark status={lastMessage.status} readClass="text-accent-ink" />
        </span>
      )}
      <span className={classNames(lastMessage.kind !== 'text' && 'italic')}>{previewOf(lastMessage)}</span>
    </>
  )
}

export const ChatRow = memo(function ChatRow({ chat, selected, onOpen, onArrow, now }: ChatRowProps) {
  const { peer, unread, muted, pinned } = chat
  return (
    <div className="group relative px-2">
      <button
        type="button"
        data-testid="chat-row"
        data-chat={chat.id}
        aria-current={selected ? 'page' : undefined}
        onClick={() => onOpen(chat.id)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          event.preventDefault()
          onArrow(event.currentTarget, event.key === 'ArrowDown' ? 1 : -1)
        }}
        className={classNames(
          'flex w-full items-center gap-3 rounded-2xl px-3 py-2.5 text-left transition-colors',
          selected ? 'bg-selected' : 'hover:bg-hover',
        )}
      >
        <Avatar id={peer.accountId} name={peer.displayName} image={peer.profile?.avatar} />
        <span className="flex min-w-0 flex-1 flex-col gap-0.5">
          <span className="flex items-baseline gap-2">
            <span className="min-w-0 flex-1 truncate font-semibold" dir="auto">
              {peer.displayName}
            </span>
            <time
              className={classNames('shrink-0 text-xs', unread > 0 && !muted ? 'font-semibold text-accent-ink' : 'text-ink-faint')}
              dateTime={new Date(chat.updatedAt).toISOString()}
            >
              {rowTime(chat.updatedAt, now)}
            </time>
          </span>
          <span className="flex min-h-[1.375rem] items-center gap-1.5 pr-0 text-ink-soft text-sm two-pane:group-focus-within:pr-8 two-pane:group-hover:pr-8">
            <span className="min-w-0 flex-1 truncate" dir="auto">
              <Preview chat={chat} selected={selected} />
            </span>
            {muted && <BellOff className="size-4 shrink-0 text-ink-faint" aria-label="Muted" role="img" />}
            {pinned && <Pin className="size-4 shrink-0 rotate-45 text-ink-faint" aria-label="Pinned" role="img" />}
            {unread > 0 && (
              <span
                className={classNames(
                  'inline-grid h-5.5 min-w-5.5 shrink-0 place-items-center rounded-full px-1.5 font-semibold text-xs tabular-nums',
                  muted ? 'bg-sunken text-ink-soft' : 'bg-accent text-on-accent',
                )}
              >
                {unread > 999 ? '999+' : unread}
                <span className="sr-only"> unread</span>
              </span>
            )}
          </span>
        </span>
      </button>
      <div className="absolute right-3.5 bottom-1 hidden two-pane:group-focus-within:block two-pane:group-hover:block two-pane:has-aria-expanded:block">
        <ChatMenu
          chat={chat}
          trigger={
            <IconButton label={`Options for ${peer.displayName}`} className="size-8 hover:bg-selected">
              <EllipsisVertical className="size-[18px]" aria-hidden />
            </IconButton>
          }
        />
      </div>
    </div>
  )
})
