import type { AccountState, Conversation, ConversationSnapshot, Message } from '@securechat/client'
import { useConversation, useConversationActions, useMessages } from '@securechat/react'
import { MessageCircleX } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { ContactDialog } from '../contact/contact-dialog.js'
import { errorText } from '../format/error-text.js'
import { useAttention, useTwoPanes } from '../shell/browser-state.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { leave } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { Composer, type ComposerHandle, type ComposerMode } from './composer.js'
import { ConversationHeader } from './conversation-header.js'
import { EmptyConversation, LoadingConversation, Problem } from './conversation-states.js'
import { MessageList } from './message-list.js'
import { BlockedBar, IdentityBar, RequestBar } from './relation-bars.js'
import { type UnreadFrom, unreadStart } from './rows.js'

/** One conversation. `key` it by its id: drafts, scroll position and the unread marker belong to one opening. */
export function ConversationPane({ id, account }: { readonly id: Conversation['id']; readonly account: AccountState }) {
  const chat = useConversation(id)
  if (chat.status === 'loading') return <LoadingConversation />
  if (chat.status === 'ready') return <OpenConversation chat={chat.data} account={account} />
  return (
    <Problem
      alone
      icon={MessageCircleX}
      title={chat.status === 'missing' ? 'This chat is not on this device' : 'This chat cannot be opened'}
      action={<Button onClick={() => leave({ pane: 'chats', chat: undefined })}>Back to the chats</Button>}
    >
      {chat.status === 'error' && errorText(chat.error)}
    </Problem>
  )
}

function OpenConversation({ chat, account }: { readonly chat: ConversationSnapshot; readonly account: AccountState }) {
  const history = useMessages(chat.id)
  const { react, retry, delete: remove } = useConversationActions(chat.id)
  const toast = useToast()
  const twoPanes = useTwoPanes()
  const composer = useRef<ComposerHandle>(null)
  const [mode, setMode] = useState<ComposerMode>({ kind: 'new' })
  const [reviewing, setReviewing] = useState(false)
  const [deleting, setDeleting] = useState<Message>()
  const [deleteProblem, setDeleteProblem] = useState<string>()
  const [atEnd, setAtEnd] = useState(false)
  const marker = useUnreadMarker(chat, history.messages, history.status === 'ready')
  useMarkRead(chat, atEnd && marker.known)

  const actions = useMemo(() => {
    const say = (error: unknown): void => toast(errorText(error))
    return {
      onReact: (message: Message, emoji: string | null) => void react(message.id, emoji).catch(say),
      onRetry: (message: Message) => void retry(message.id).catch(say),
      onReply: (message: Message) => setMode({ kind: 'new', replyTo: message }),
      focusComposer: () => composer.current?.focus(),
      onEdit: (message: Message) => setMode({ kind: 'edit', message }),
      onDelete: (message: Message) => setDeleting(message),
      onCopy: (message: Message) =>
        void navigator.clipboard.writeText(message.text).then(
          () => toast('Copied'),
          () => toast('The browser did not allow copying'),
        ),
    }
  }, [react, retry, toast])
  const review = useCallback(() => setReviewing(true), [])

  const confirmDelete = async (): Promise<boolean> => {
    if (!deleting) return true
    try {
      await remove(deleting.id)
      return true
    } catch (error) {
      setDeleteProblem(errorText(error))
      return false
    }
  }
  const { peer } = chat
  const lastOwn = history.messages.findLast(({ mine, kind }) => mine && kind === 'text')
  return (
    <section aria-label={`Chat with ${peer.displayName}`} className="wallpaper flex h-full min-w-0 flex-col">
      <ConversationHeader chat={chat} onContact={review} />
      {history.status === 'error' ? (
        <Problem icon={MessageCircleX} title="The messages cannot be read">
          {errorText(history.error)}
        </Problem>
      ) : history.status === 'loading' ? (
        <LoadingConversation inside />
      ) : history.messages.length === 0 ? (
        <EmptyConversation peer={peer} typing={chat.typing} onReview={review} />
      ) : (
        <MessageList
          history={history}
          ownId={account.accountId}
          peerName={peer.displayName}
          peerTyping={chat.typing}
          identityChanged={peer.identityChanged}
          unreadFrom={marker.from}
          actions={actions}
          onReview={review}
          onAtEnd={setAtEnd}
        />
      )}
      {history.error && history.status === 'ready' && (
        <p role="alert" className="bg-danger-soft px-4 py-1.5 text-center text-danger text-sm">
          {errorText(history.error)}
        </p>
      )}
      {peer.identityChanged && peer.relation === 'accepted' && <IdentityBar peerName={peer.displayName} onReview={review} />}
      {peer.relation === 'request' ? (
        <RequestBar chat={chat} />
      ) : peer.relation === 'blocked' ? (
        <BlockedBar chat={chat} />
      ) : (
        <Composer ref={composer} chat={chat} mode={mode} onMode={setMode} onSent={marker.clear} lastOwn={lastOwn} autoFocus={twoPanes} />
      )}
      <ContactDialog open={reviewing} onOpenChange={setReviewing} peer={peer} />
      <ConfirmDialog
        open={deleting !== undefined}
        onOpenChange={(open) => {
          if (open) return
          setDeleting(undefined)
          setDeleteProblem(undefined)
        }}
        title="Delete this message?"
        description={`It is removed here and asked to be removed for ${peer.displayName}. What was read or copied there cannot be taken back.`}
        action="Delete"
        onConfirm={confirmDelete}
        error={deleteProblem}
        testId="confirm-delete"
      />
    </section>
  )
}

/** Where the unread messages began when the chat was opened; it stays there while they are read, until the person writes. */
function useUnreadMarker(chat: ConversationSnapshot, messages: readonly Message[], ready: boolean) {
  const [marker, setMarker] = useState<{ readonly from: UnreadFrom | undefined }>()
  // Both come from the store, but not in one step: the count of the first moment in which the messages are there as well.
  if (!marker && ready) setMarker({ from: unreadStart(messages, chat.unread) })
  const clear = useCallback(() => setMarker({ from: undefined }), [])
  return { from: marker?.from, known: marker !== undefined, clear }
}

/** Read is what was on the screen, at the end of the chat, while somebody looked; of a stranger not before the chat is accepted. */
function useMarkRead(chat: ConversationSnapshot, seen: boolean): void {
  const { markRead } = useConversationActions(chat.id)
  const attention = useAttention()
  const { unread, peer } = chat
  const toast = useToast()
  useEffect(() => {
    if (unread > 0 && seen && attention && peer.relation === 'accepted') markRead().catch((error: unknown) => toast(errorText(error)))
  }, [unread, seen, attention, peer.relation, markRead, toast])
}
