import { useConversations } from '@securechat/react'
import { Archive, UserRoundCheck } from 'lucide-react'
import { leave, useRoute } from '../shell/route.js'
import { arrange } from './arrange.js'
import { ChatList } from './chat-list.js'
import { EmptyList, LoadingRows } from './empty-list.js'
import { PaneHeader } from './pane-header.js'

export function ArchivedPane() {
  const { data: chats } = useConversations({ archived: true })
  const { chat } = useRoute()
  return (
    <>
      <PaneHeader title="Archived" onBack={() => leave({ pane: 'chats', chat })} />
      {!chats ? (
        <LoadingRows />
      ) : (
        <ChatList
          chats={chats}
          label="Archived chats"
          after={
            chats.length === 0 && (
              <EmptyList icon={Archive} title="Nothing archived">
                Archive a chat to get it out of the way without losing it.
              </EmptyList>
            )
          }
        />
      )}
    </>
  )
}

export function RequestsPane() {
  const { data: chats } = useConversations()
  const { chat } = useRoute()
  const { requests } = arrange(chats ?? [], '')
  return (
    <>
      <PaneHeader title="Message requests" onBack={() => leave({ pane: 'chats', chat })} />
      {!chats ? (
        <LoadingRows />
      ) : (
        <ChatList
          chats={requests}
          label="Message requests"
          before={
            requests.length > 0 && (
              <p className="px-5 pb-2 text-ink-soft text-sm">People you have not written to. They do not see that you read their message until you accept.</p>
            )
          }
          after={
            requests.length === 0 && (
              <EmptyList icon={UserRoundCheck} title="No requests">
                When somebody new writes to you, it appears here first.
              </EmptyList>
            )
          }
        />
      )}
    </>
  )
}
