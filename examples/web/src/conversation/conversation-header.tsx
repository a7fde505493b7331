import type { ConversationSnapshot } from '@securechat/client'
import { ArrowLeft, BellOff, EllipsisVertical, ShieldCheck } from 'lucide-react'
import { ChatMenu } from '../chats/chat-menu.js'
import { showPhone } from '../format/phone.js'
import { leave, useRoute } from '../shell/route.js'
import { Avatar } from '../ui/avatar.js'
import { IconButton } from '../ui/button.js'

export function ConversationHeader({ chat, onContact }: { readonly chat: ConversationSnapshot; readonly onContact: () => void }) {
  const { pane } = useRoute()
  const { peer, typing, muted } = chat
  const phone = peer.phone === undefined ? undefined : showPhone(peer.phone)
  return (
    <header className="z-10 flex min-h-16 items-center gap-1 border-line border-b bg-surface px-2 two-pane:px-5">
      <IconButton label="Back to the chats" onClick={() => leave({ pane, chat: undefined })} className="two-pane:hidden" data-testid="back">
        <ArrowLeft className="size-5" aria-hidden />
      </IconButton>
      <button type="button" onClick={onContact} className="flex min-w-0 flex-1 items-center gap-3 rounded-xl px-1 py-1.5 text-left" data-testid="open-contact">
        <Avatar id={peer.accountId} name={peer.displayName} image={peer.profile?.avatar} size="small" className="two-pane:size-10" />
        <span className="flex min-w-0 flex-col">
          <span className="flex items-center gap-1.5">
            <h1 className="truncate font-semibold text-base leading-tight" dir="auto">
              {peer.displayName}
            </h1>
            {peer.verified && <ShieldCheck className="size-4 shrink-0 text-accent-ink" aria-label="Verified" role="img" />}
            {muted && <BellOff className="size-4 shrink-0 text-ink-faint" aria-label="Muted" role="img" />}
          </span>
          <span className={typing ? 'font-medium text-accent-ink text-sm' : 'truncate text-ink-faint text-sm'}>
            {typing ? 'typing …' : phone !== undefined && phone !== peer.displayName ? phone : 'End-to-end encrypted'}
          </span>
        </span>
      </button>
      <ChatMenu
        chat={chat}
        onContact={onContact}
        trigger={
          <IconButton label="Chat options" data-testid="chat-menu">
            <EllipsisVertical className="size-5" aria-hidden />
          </IconButton>
        }
      />
    </header>
  )
}
