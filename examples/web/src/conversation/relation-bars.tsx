import type { ConversationSnapshot } from '@securechat/client'
import { useAction } from '@securechat/react'
import { ShieldAlert } from 'lucide-react'
import { errorText } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { replace, useRoute } from '../shell/route.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'

/** Stands instead of the composer until a stranger is accepted. */
export function RequestBar({ chat }: { readonly chat: ConversationSnapshot }) {
  const { pane } = useRoute()
  const { run, pending, error } = useAction(async (client, accept: boolean) => {
    const conversation = await client.conversations.get(chat.id)
    await (accept ? conversation?.accept() : conversation?.block())
    // It is no request any more: back leads to the chats, and not to a list that it has left.
    if (pane === 'requests') replace({ pane: 'chats', chat: chat.id })
  })
  const { displayName, phone } = chat.peer
  return (
    <section
      aria-label="Message request"
      className="flex flex-col items-center gap-3 border-line border-t bg-surface px-6 pt-4 pb-[max(1rem,env(safe-area-inset-bottom))] text-center"
      data-testid="request-bar"
    >
      <p className="max-w-md text-pretty text-ink-soft">
        <strong className="font-semibold text-ink">{displayName}</strong>
        {phone !== undefined && showPhone(phone) !== displayName && ` (${showPhone(phone)})`} wants to chat with you. They do not learn that you read this until
        you accept.
      </p>
      <div className="flex gap-2">
        <Button variant="quiet-danger" onClick={() => void run(false)} disabled={pending} data-testid="block-request">
          Block
        </Button>
        <Button onClick={() => void run(true)} pending={pending} data-testid="accept-request">
          Accept
        </Button>
      </div>
      {error && <FieldError>{errorText(error)}</FieldError>}
    </section>
  )
}

export function BlockedBar({ chat }: { readonly chat: ConversationSnapshot }) {
  const { run, pending, error } = useAction(async (client) => (await client.conversations.get(chat.id))?.unblock())
  return (
    <section
      aria-label="Blocked"
      className="flex flex-col items-center gap-2 border-line border-t bg-surface px-6 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] text-center"
    >
      <p className="text-ink-soft">You blocked {chat.peer.displayName}. Neither of you can write here.</p>
      <Button small variant="quiet" onClick={() => void run()} pending={pending} data-testid="unblock">
        Unblock
      </Button>
      {error && <FieldError>{errorText(error)}</FieldError>}
    </section>
  )
}

/** What is written waits until the changed key is accepted. */
export function IdentityBar({ peerName, onReview }: { readonly peerName: string; readonly onReview: () => void }) {
  return (
    <div
      role="status"
      className="flex items-center justify-center gap-3 border-warning-line border-t bg-warning-soft py-2 pr-2 pl-4 text-sm text-warning-ink"
      data-testid="identity-bar"
    >
      <ShieldAlert className="size-4 shrink-0" aria-hidden />
      <p>Messages wait until you have reviewed {peerName}’s new safety number.</p>
      <Button
        small
        variant="quiet"
        className="shrink-0 text-warning-ink! underline underline-offset-3 hover:bg-transparent!"
        onClick={onReview}
        data-testid="review-identity"
      >
        Review
      </Button>
    </div>
  )
}
