import type { Contact } from '@securechat/client'
import type { LucideIcon } from 'lucide-react'
import { LockKeyhole } from 'lucide-react'
import type { ReactNode } from 'react'
import { Avatar } from '../ui/avatar.js'
import { TypingDots } from '../ui/typing-dots.js'

/** Bubbles to come. */
export function LoadingConversation({ inside = false }: { readonly inside?: boolean }) {
  return (
    <div
      role="status"
      className={
        inside ? 'flex min-h-0 flex-1 flex-col justify-end gap-2 overflow-hidden p-6' : 'wallpaper flex h-full flex-col justify-end gap-2 overflow-hidden p-6'
      }
    >
      <span className="sr-only">Loading the messages</span>
      {['w-52', 'ml-auto w-64', 'ml-auto w-36', 'w-72', 'w-40', 'ml-auto w-56'].map((shape) => (
        <span key={shape} aria-hidden className={`h-10 animate-pulse rounded-[18px] bg-surface/80 ${shape}`} />
      ))}
    </div>
  )
}

export function EmptyConversation({ peer, typing, onReview }: { readonly peer: Contact; readonly typing: boolean; readonly onReview: () => void }) {
  return (
    <div className="flex min-h-0 flex-1 flex-col items-center justify-center gap-4 overflow-y-auto p-6 text-center">
      <Avatar id={peer.accountId} name={peer.displayName} image={peer.profile?.avatar} size="large" className="shadow-mid" />
      <div className="flex max-w-sm flex-col gap-2">
        <p className="font-semibold text-lg">Say hello to {peer.displayName}</p>
        <p className="text-pretty text-ink-soft">
          Only the two of you can read what you write here.{' '}
          <button type="button" onClick={onReview} className="font-medium text-accent-ink underline underline-offset-3">
            Compare safety numbers
          </button>{' '}
          to be sure that it is them.
        </p>
      </div>
      <span role="status" className="h-6 text-ink-soft">
        {typing && (
          <>
            <TypingDots />
            <span className="sr-only">{peer.displayName} is typing</span>
          </>
        )}
      </span>
    </div>
  )
}

export function Problem({
  icon: Icon,
  title,
  children,
  action,
  alone = false,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
  /** It stands alone: there is no conversation's name above it. */
  readonly alone?: boolean
}) {
  const Heading = alone ? 'h1' : 'h2'
  return (
    <div role="alert" className="flex h-full min-h-0 flex-1 flex-col items-center justify-center gap-3 p-6 text-center">
      <Icon className="size-10 text-ink-faint" aria-hidden />
      <Heading className="font-semibold text-lg">{title}</Heading>
      {children && <p className="max-w-sm text-ink-soft">{children}</p>}
      {action}
    </div>
  )
}

/** The right side of a wide screen while no chat is open. */
export function NothingOpen() {
  return (
    <div className="wallpaper grid h-full place-items-center p-6">
      <div className="flex flex-col items-center gap-3 text-center">
        <span className="grid size-20 place-items-center rounded-full bg-surface text-accent-ink shadow-low">
          <LockKeyhole className="size-8" aria-hidden />
        </span>
        <p className="font-semibold text-lg">Choose a chat</p>
        <p className="max-w-xs text-pretty text-ink-soft">
          Pick one from the list, or start a new one with the button above it. What you write is encrypted on this device and opened on theirs.
        </p>
      </div>
    </div>
  )
}
