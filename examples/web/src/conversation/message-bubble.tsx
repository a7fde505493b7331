import type { AccountState, Message } from '@securechat/client'
import { ChevronDown, RotateCw } from 'lucide-react'
import { memo, useState } from 'react'
import { isOnlyEmoji } from '../format/message-text.js'
import { timeOfDay } from '../format/time.js'
import { classNames } from '../ui/class-names.js'
import { StatusMark } from '../ui/status-mark.js'
import { MessageBody } from './message-body.js'
import { MessageMenu, type MessageMenuActions } from './message-menu.js'
import { Quote } from './quote.js'
import { Reactions } from './reactions.js'
import { useLongPress } from './use-long-press.js'

export interface BubbleActions extends MessageMenuActions {
  readonly onRetry: (message: Message) => void
  readonly onJump: (id: Message['id']) => void
}

export interface MessageBubbleProps {
  readonly message: Message
  readonly first: boolean
  readonly last: boolean
  readonly ownId: AccountState['accountId']
  readonly peerName: string
  readonly replied: Message | undefined
  readonly flash: boolean
  readonly actions: BubbleActions
}

/** Rounded, with small corners where a group goes on and at its tail. */
const corners = (mine: boolean, first: boolean, last: boolean): string =>
  mine
    ? classNames('rounded-[18px]', !first && 'rounded-tr-md', last ? 'rounded-br-[5px]' : 'rounded-br-md')
    : classNames('rounded-[18px]', !first && 'rounded-tl-md', last ? 'rounded-bl-[5px]' : 'rounded-bl-md')

export const MessageBubble = memo(function MessageBubble({ message, first, last, ownId, peerName, replied, flash, actions }: MessageBubbleProps) {
  const [menuOpen, setMenuOpen] = useState(false)
  const { mine, kind, status, edited, reactions } = message
  const actionable = kind === 'text'
  const press = useLongPress(() => setMenuOpen(true), actionable)
  const large = kind === 'text' && isOnlyEmoji(message.text) && message.replyTo === undefined
  const ownReaction = reactions.find(({ accountId }) => accountId === ownId)?.emoji
  const deleted = kind === 'deleted'
  const time = timeOfDay(message.sentAt)
  const showEdited = edited && kind === 'text'
  const marked = status !== undefined && !deleted
  const soft = mine && !large && !deleted ? 'text-on-own-soft' : 'text-ink-faint'
  const surface = deleted
    ? 'border border-line-strong/60 border-dashed bg-surface/60'
    : mine
      ? 'bg-own text-on-own shadow-low'
      : 'border border-peer-line bg-peer shadow-low'

  return (
    <div
      className={classNames(
        'group flex flex-col px-3 two-pane:px-8',
        mine ? 'items-end' : 'items-start',
        first ? 'pt-2.5' : 'pt-0.5',
        flash && 'animate-flash',
      )}
    >
      <div className="relative max-w-[86%] two-pane:max-w-[min(70%,38rem)]">
        <article
          {...press}
          data-testid="message"
          data-message={message.id}
          data-kind={kind}
          aria-label={`${mine ? 'You' : peerName}, ${time}`}
          className={classNames(
            'min-w-0 pointer-coarse:select-none',
            large ? 'py-1' : 'px-3 py-1.5',
            !large && corners(mine, first, last),
            !large && surface,
            status === 'failed' && 'ring-2 ring-danger',
          )}
        >
          {message.replyTo !== undefined && (
            <Quote message={replied} peerName={peerName} onOwn={mine} onJump={() => message.replyTo && actions.onJump(message.replyTo)} />
          )}
          <div className={classNames(kind !== 'text' && (deleted || !mine ? 'text-ink-soft' : 'text-on-own-soft'))}>
            <MessageBody message={message} corner={showEdited ? `edited ${time}` : time} marked={marked} />
          </div>
          <span className={classNames('inline-flex items-center gap-1 text-[11px] leading-4', !large && 'absolute right-3 bottom-1.5', soft)}>
            {showEdited && <span>edited</span>}
            <time dateTime={new Date(message.sentAt).toISOString()}>{time}</time>
            {marked && (
              <StatusMark
                status={status}
                readClass={large ? 'text-accent-ink' : 'text-read'}
                failedClass={large ? 'text-danger' : ''}
                testId="message-status"
              />
            )}
          </span>
        </article>
        {actionable && (
          <MessageMenu
            message={message}
            ownReaction={ownReaction}
            open={menuOpen}
            onOpenChange={setMenuOpen}
            {...actions}
            trigger={
              <button
                type="button"
                aria-label="Message actions"
                data-testid="message-menu"
                className={classNames(
                  'absolute top-1/2 grid size-8 -translate-y-1/2 place-items-center rounded-full bg-surface text-ink-soft opacity-0 shadow-low transition-opacity',
                  'hover:text-ink focus-visible:opacity-100 group-hover:opacity-100 aria-expanded:opacity-100 pointer-coarse:pointer-events-none pointer-coarse:opacity-0!',
                  mine ? 'right-full mr-1.5' : 'left-full ml-1.5',
                )}
              >
                <ChevronDown className="size-[18px]" aria-hidden />
              </button>
            }
          />
        )}
      </div>
      {reactions.length > 0 && (
        <Reactions
          reactions={reactions}
          ownId={ownId}
          peerName={peerName}
          mine={mine}
          onToggle={(emoji) => actions.onReact(message, ownReaction === emoji ? null : emoji)}
        />
      )}
      {status === 'failed' && (
        <p className="flex items-center gap-1.5 pt-1 text-danger text-sm">
          Not sent.
          <button
            type="button"
            onClick={() => actions.onRetry(message)}
            className="inline-flex min-h-8 items-center gap-1 rounded font-semibold underline underline-offset-3"
            data-testid="retry-message"
          >
            <RotateCw className="size-3.5" aria-hidden />
            Try again
          </button>
        </p>
      )}
    </div>
  )
})
