import type { Message } from '@securechat/client'
import type { Messages } from '@securechat/react'
import { ArrowDown, LoaderCircle } from 'lucide-react'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { useNow } from '../shell/browser-state.js'
import { TypingDots } from '../ui/typing-dots.js'
import { type BubbleActions, MessageBubble } from './message-bubble.js'
import { BeginningNotice, DayNotice, IdentityNotice, UnreadNotice } from './notices.js'
import { type Row, rowsOf, type UnreadFrom } from './rows.js'

/** Closer to the end than this, the list follows new messages. */
const NEAR_END_PX = 90
/** Closer to the beginning than this, the page before is loaded. */
const NEAR_START_PX = 500
const FLASH_MS = 1_600

export interface MessageListProps {
  readonly history: Messages
  readonly ownId: string | undefined
  readonly peerName: string
  readonly peerTyping: boolean
  readonly identityChanged: boolean
  readonly unreadFrom: UnreadFrom | undefined
  readonly actions: Omit<BubbleActions, 'onJump'>
  readonly onReview: () => void
  /** Whether the newest message is in view. */
  readonly onAtEnd: (atEnd: boolean) => void
}

/** The messages, of which only those in view exist. Stays at the end when it is there, and keeps its place when older ones come in above. */
export function MessageList({ history, ownId, peerName, peerTyping, identityChanged, unreadFrom, actions, onReview, onAtEnd }: MessageListProps) {
  const { messages, hasMore, loading, loadOlder } = history
  const rows = useMemo(() => rowsOf(messages, { unreadFrom, complete: !hasMore }), [messages, unreadFrom, hasMore])
  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages])
  const now = useNow(60_000)
  const scroller = useRef<HTMLDivElement>(null)
  const list = useRef<VirtualizerHandle>(null)
  // Undefined until the rows are measured.
  const [atEnd, setAtEnd] = useState<boolean>()
  const following = useRef(true)
  /** A person has scrolled since the list was last at its end. */
  const touched = useRef(false)
  const touch = (): void => {
    touched.current = true
  }
  /** The scroll bar and the scrolling keys act on the list itself; what happens on a message is no scrolling. */
  const touchSelf = (event: { readonly target: EventTarget; readonly currentTarget: EventTarget }): void => {
    if (event.target === event.currentTarget) touch()
  }
  const [missed, setMissed] = useState(0)
  const [jumpTo, setJumpTo] = useState<Message['id']>()
  const [flashing, setFlashing] = useState<Message['id']>()
  const prepended = usePrepended(rows)

  const toEnd = useCallback((): void => {
    following.current = true
    touched.current = false
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
  }, [])
  const measure = (): void => {
    const { scrollOffset = 0, scrollSize = 0, viewportSize = 0 } = list.current ?? {}
    const near = scrollSize - scrollOffset - viewportSize < NEAR_END_PX
    // Rows that turn out higher than estimated, and a window that shrinks, are no reason to stop following: a person who scrolls is.
    if (!near && following.current && !touched.current) return toEnd()
    following.current = near
    if (near) touched.current = false
    setAtEnd(near)
    if (near) setMissed(0)
    if (scrollOffset < NEAR_START_PX && hasMore && !loading) void loadOlder()
  }

  // Opens at the first unread message, else at the end.
  const opened = useRef(false)
  useLayoutEffect(() => {
    if (opened.current || rows.length === 0) return
    opened.current = true
    const unreadRow = rows.findIndex(({ kind }) => kind === 'unread')
    if (unreadRow >= 0) {
      following.current = false
      list.current?.scrollToIndex(unreadRow, { align: 'start', offset: -64 })
    } else toEnd()
  }, [rows, toEnd])
  // Heights are estimates until rows were in view, and the window shrinks with a phone's keyboard: what is followed stays in view.
  const latestMeasure = useRef(measure)
  useEffect(() => {
    latestMeasure.current = measure
  })
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      if (following.current && !touched.current) toEnd()
      latestMeasure.current()
    })
    observer.observe(element)
    for (const child of element.children) observer.observe(child)
    return () => observer.disconnect()
  }, [toEnd])

  const newest = messages.at(-1)
  const lastNewest = useRef(newest?.id)
  useLayoutEffect(() => {
    if (newest === undefined || newest.id === lastNewest.current) return
    const first = lastNewest.current === undefined
    lastNewest.current = newest.id
    if (first) return
    if (newest.mine || following.current) toEnd()
    else setMissed((count) => count + 1)
  }, [newest, toEnd])
  useEffect(() => onAtEnd(atEnd === true), [atEnd, onAtEnd])

  // A reply's message may have to be loaded first, page by page.
  useEffect(() => {
    if (jumpTo === undefined) return
    const row = rows.findIndex(({ key }) => key === jumpTo)
    if (row >= 0) {
      following.current = false
      list.current?.scrollToIndex(row, { align: 'center' })
      setFlashing(jumpTo)
      setJumpTo(undefined)
    } else if (!hasMore) setJumpTo(undefined)
    else if (!loading) void loadOlder()
  }, [jumpTo, rows, hasMore, loading, loadOlder])
  useEffect(() => {
    if (flashing === undefined) return
    const timer = setTimeout(() => setFlashing(undefined), FLASH_MS)
    return () => clearTimeout(timer)
  }, [flashing])

  const bubbleActions = useMemo<BubbleActions>(() => ({ ...actions, onJump: setJumpTo }), [actions])
  const renderRow = (row: Row) => {
    if (row.kind === 'day') return <DayNotice key={row.key} time={row.time} now={now} />
    if (row.kind === 'beginning') return <BeginningNotice key={row.key} peerName={peerName} onReview={onReview} />
    if (row.kind === 'end') return <EndOfList key={row.key} peerName={peerName} typing={peerTyping} />
    if (row.kind === 'unread') return <UnreadNotice key={row.key} count={row.count} />
    const { message } = row
    if (message.kind === 'identity-changed' || message.kind === 'identity-recovered')
      return <IdentityNotice key={row.key} peerName={peerName} pending={identityChanged} onReview={onReview} />
    return (
      <MessageBubble
        key={row.key}
        message={message}
        first={row.first}
        last={row.last}
        ownId={ownId as Parameters<typeof MessageBubble>[0]['ownId']}
        peerName={peerName}
        replied={message.replyTo === undefined ? undefined : byId.get(message.replyTo)}
        flash={flashing === message.id}
        actions={bubbleActions}
      />
    )
  }

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scroller}
        aria-label={`Messages with ${peerName}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it with the keys.
        tabIndex={0}
        className="flex h-full flex-col overflow-y-auto outline-offset-[-2px]"
        data-testid="message-list"
        onWheel={touch}
        onTouchMove={touch}
        onPointerDown={touchSelf}
        onKeyDown={touchSelf}
      >
        <div className="grow" />
        <Virtualizer ref={list} scrollRef={scroller} as="ol" item="li" shift={prepended} onScroll={measure}>
          {rows.map(renderRow)}
        </Virtualizer>
      </section>
      {loading && history.status === 'ready' && (
        <div role="status" className="absolute inset-x-0 top-3 flex justify-center">
          <span className="rounded-full bg-surface p-2 shadow-mid">
            <LoaderCircle className="size-5 animate-spin text-accent-ink" aria-hidden />
            <span className="sr-only">Loading older messages</span>
          </span>
        </div>
      )}
      {atEnd === false && (
        <button
          type="button"
          onClick={toEnd}
          data-testid="jump-to-latest"
          className="absolute right-4 bottom-4 inline-flex h-11 min-w-11 animate-rise items-center justify-center gap-1.5 rounded-full border border-line bg-surface px-3 font-semibold text-ink-soft text-sm shadow-mid hover:text-ink two-pane:right-8"
        >
          {missed > 0 && <span className="text-accent-ink tabular-nums">{missed} new</span>}
          <ArrowDown className="size-5" aria-hidden />
          <span className="sr-only">Go to the newest message</span>
        </button>
      )}
    </div>
  )
}

function EndOfList({ peerName, typing }: { readonly peerName: string; readonly typing: boolean }) {
  return (
    <div role="status" className="min-h-4 px-3 pb-3 two-pane:px-8">
      {typing && (
        <span
          className="mt-2.5 inline-flex h-9 items-center rounded-[18px] rounded-bl-[5px] border border-peer-line bg-peer px-4 text-ink-soft shadow-low"
          data-testid="typing"
        >
          <TypingDots />
          <span className="sr-only">{peerName} is typing</span>
        </span>
      )}
    </div>
  )
}

/** Whether the rows of this rendering are the last ones with more in front of them. */
function usePrepended(rows: readonly Row[]): boolean {
  const [state, setState] = useState({ rows, prepended: false })
  if (state.rows === rows) return state.prepended
  const anchor = state.rows.find(({ kind }) => kind === 'message')?.key
  const before = state.rows.findIndex(({ key }) => key === anchor)
  const after = rows.findIndex(({ key }) => key === anchor)
  const next = { rows, prepended: anchor !== undefined && after > before && after >= 0 && rows.at(-1)?.key === state.rows.at(-1)?.key }
  setState(next)
  return next.prepended
}
