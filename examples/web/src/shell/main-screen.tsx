import type { AccountState, Conversation } from '@securechat/client'
import { type ComponentType, lazy, Suspense } from 'react'
import { ChatsPane } from '../chats/chats-pane.js'
import { ArchivedPane, RequestsPane } from '../chats/side-lists.js'
import { ConversationPane } from '../conversation/conversation-pane.js'
import { NothingOpen } from '../conversation/conversation-states.js'
import { SettingsPane } from '../settings/settings-pane.js'
import { LowSpaceBanner } from '../storage/low-space-banner.js'
import { Announcer, DocumentTitle } from './announcer.js'
import { useTwoPanes } from './browser-state.js'
import { ConnectionBanner } from './connection-banner.js'
import { type Pane, useRoute } from './route.js'
import { useFocusHandover } from './use-focus-handover.js'

/** What not every visit needs is loaded when it is opened. */
const PANES: Readonly<Record<Pane, ComponentType<{ account: AccountState }>>> = {
  chats: ChatsPane,
  archived: ArchivedPane,
  requests: RequestsPane,
  settings: SettingsPane,
  devices: lazy(() => import('../devices/devices-pane.js')),
  backup: lazy(() => import('../backup/backup-pane.js')),
  lock: lazy(() => import('../lock/lock-pane.js')),
}

/** Two panes side by side, or on a narrow screen the one that matters. */
export function MainScreen({ account }: { readonly account: AccountState }) {
  const route = useRoute()
  const { pane, chat } = route
  const twoPanes = useTwoPanes()
  useFocusHandover(route)
  const CurrentPane = PANES[pane]
  const Side = twoPanes ? 'aside' : 'main'
  const showPane = twoPanes || chat === undefined
  return (
    <div className="flex h-full flex-col">
      <ConnectionBanner />
      <LowSpaceBanner />
      <div className="grid min-h-0 flex-1 two-pane:grid-cols-[minmax(20rem,25rem)_minmax(0,1fr)]">
        {showPane && (
          <Side
            tabIndex={-1}
            data-screen="pane"
            className="flex min-h-0 flex-col border-line bg-surface outline-none two-pane:border-r"
            aria-label="Chats and settings"
          >
            <Suspense>
              <CurrentPane account={account} />
            </Suspense>
          </Side>
        )}
        {chat !== undefined ? (
          <main tabIndex={-1} data-screen="conversation" className="min-h-0 min-w-0 outline-none">
            <ConversationPane key={chat} id={chat as Conversation['id']} account={account} />
          </main>
        ) : (
          twoPanes && (
            <main className="min-h-0 min-w-0">
              <NothingOpen />
            </main>
          )
        )}
      </div>
      <Announcer />
      <DocumentTitle />
    </div>
  )
}
