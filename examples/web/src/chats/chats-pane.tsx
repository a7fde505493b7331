import type { AccountState } from '@securechat/client'
import { useConversations } from '@securechat/react'
import { Archive, ChevronRight, MessageCircleMore, MessageSquarePlus, Search, SearchX, UserRoundSearch } from 'lucide-react'
import { useState } from 'react'
import { RestoreBanner } from '../backup/restore-banner.js'
import { DeviceAlerts } from '../devices/device-alerts.js'
import { HistoryBanner } from '../devices/history-banner.js'
import { open, useRoute } from '../shell/route.js'
import { Avatar } from '../ui/avatar.js'
import { Button, IconButton } from '../ui/button.js'
import { arrange } from './arrange.js'
import { ChatList } from './chat-list.js'
import { EmptyList, LoadingRows } from './empty-list.js'
import { NewChatDialog } from './new-chat-dialog.js'
import { PaneHeader } from './pane-header.js'

/** The chats, newest first, with a filter over the names. */
export function ChatsPane({ account }: { readonly account: AccountState }) {
  const { data: chats } = useConversations()
  const { data: archived } = useConversations({ archived: true })
  const { chat } = useRoute()
  const [search, setSearch] = useState('')
  const [creating, setCreating] = useState(false)
  const { shown, requests } = arrange(chats ?? [], search)
  const name = account.profile?.name ?? account.phone ?? ''

  return (
    <>
      <PaneHeader title="Chats">
        <button
          type="button"
          onClick={() => open({ pane: 'settings', chat })}
          className="grid size-10 place-items-center rounded-full"
          aria-label="Settings and profile"
          title="Settings and profile"
          data-testid="settings"
        >
          <Avatar id={account.accountId ?? ''} name={name} image={account.profile?.avatar} size="small" />
        </button>
        <IconButton label="New chat" onClick={() => setCreating(true)} data-testid="new-chat" className="bg-accent! text-on-accent! hover:bg-accent-strong!">
          <MessageSquarePlus className="size-5" aria-hidden />
        </IconButton>
      </PaneHeader>
      <DeviceAlerts />
      <RestoreBanner />
      <HistoryBanner />
      {chats && chats.length > 0 && (
        <div className="relative px-4 pt-1 pb-2.5">
          <Search className="pointer-events-none absolute top-4 left-8 size-[18px] text-ink-faint" aria-hidden />
          <input
            type="search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            placeholder="Search by name or number"
            aria-label="Search chats by name or number"
            data-testid="chat-search"
            className="min-h-11 w-full rounded-full bg-sunken pr-4 pl-11 text-base [&::-webkit-search-cancel-button]:cursor-pointer"
          />
        </div>
      )}
      {!chats ? (
        <LoadingRows />
      ) : (
        <ChatList
          chats={shown}
          label="Chats"
          before={
            requests.length > 0 && (
              <SectionLink
                icon={UserRoundSearch}
                title="Message requests"
                detail={requestNames(requests)}
                count={requests.length}
                onClick={() => open({ pane: 'requests', chat })}
              />
            )
          }
          after={
            <>
              {chats.length === 0 && (archived?.length ?? 0) === 0 && (
                <EmptyList
                  icon={MessageCircleMore}
                  title="No chats yet"
                  action={
                    <Button icon={<MessageSquarePlus className="size-5" aria-hidden />} onClick={() => setCreating(true)} data-testid="first-chat">
                      Start your first chat
                    </Button>
                  }
                >
                  Write to anybody whose phone number you know. Only the two of you can read it.
                </EmptyList>
              )}
              {chats.length > 0 && shown.length === 0 && requests.length === 0 && (
                <EmptyList icon={SearchX} title="Nobody found">
                  No chat has a name or number like “{search.trim()}”.
                </EmptyList>
              )}
              {archived && archived.length > 0 && search === '' && (
                <SectionLink icon={Archive} title="Archived" count={archived.length} quiet onClick={() => open({ pane: 'archived', chat })} />
              )}
            </>
          }
        />
      )}
      <NewChatDialog open={creating} onOpenChange={setCreating} ownPhone={account.phone} />
    </>
  )
}

const requestNames = (requests: readonly { peer: { displayName: string } }[]): string => requests.map(({ peer }) => peer.displayName).join(', ')

interface SectionLinkProps {
  readonly icon: typeof Archive
  readonly title: string
  readonly detail?: string
  readonly count: number
  readonly quiet?: boolean
  readonly onClick: () => void
}

function SectionLink({ icon: Icon, title, detail, count, quiet = false, onClick }: SectionLinkProps) {
  return (
    <div className="px-2">
      <button type="button" onClick={onClick} className="flex w-full items-center gap-3 rounded-2xl px-3 py-2.5 text-left transition-colors hover:bg-hover">
        <span
          className={
            quiet
              ? 'grid size-12 place-items-center rounded-full bg-sunken text-ink-soft'
              : 'grid size-12 place-items-center rounded-full bg-accent-soft text-accent-ink'
          }
        >
          <Icon className="size-5" aria-hidden />
        </span>
        <span className="flex min-w-0 flex-1 flex-col">
          <span className="font-semibold">{title}</span>
          {detail && <span className="truncate text-ink-soft text-sm">{detail}</span>}
        </span>
        <span
          className={
            quiet
              ? 'text-ink-faint text-sm tabular-nums'
              : 'inline-grid h-5.5 min-w-5.5 place-items-center rounded-full bg-accent px-1.5 font-semibold text-on-accent text-xs tabular-nums'
          }
        >
          {count}
        </span>
        <ChevronRight className="size-4 text-ink-faint" aria-hidden />
      </button>
    </div>
  )
}
