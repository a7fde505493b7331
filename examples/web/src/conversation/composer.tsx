import type { ConversationSnapshot, Message } from '@securechat/client'
import { useConversationActions, useSendMessage } from '@securechat/react'
import { Check, Pencil, Reply, SendHorizontal, X } from 'lucide-react'
import { type KeyboardEvent, type RefObject, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react'
import { errorText } from '../format/error-text.js'
import { previewOf } from '../format/preview.js'
import { useToast } from '../shell/toast.js'
import { IconButton } from '../ui/button.js'
import { useDraft } from './use-draft.js'
import { useTypingSignal } from './use-typing-signal.js'

export type ComposerMode = { readonly kind: 'new'; readonly replyTo?: Message } | { readonly kind: 'edit'; readonly message: Message }

export interface ComposerHandle {
  focus(): void
}

export interface ComposerProps {
  readonly ref: RefObject<ComposerHandle | null>
  readonly chat: ConversationSnapshot
  readonly mode: ComposerMode
  readonly onMode: (mode: ComposerMode) => void
  readonly onSent: () => void
  /** The own message that the up arrow edits in an empty field. */
  readonly lastOwn: Message | undefined
  readonly autoFocus: boolean
}

/** Bytes in UTF-8 that one message may have. */
const MAX_BYTES = 32 * 1024
const MAX_HEIGHT_PX = 168

export function Composer({ ref, chat, mode, onMode, onSent, lastOwn, autoFocus }: ComposerProps) {
  const [text, setText] = useState(chat.draft)
  const field = useRef<HTMLTextAreaElement>(null)
  const { send } = useSendMessage(chat.id)
  const { edit } = useConversationActions(chat.id)
  const toast = useToast()
  const draft = useDraft(chat)
  const typing = useTypingSignal(chat.id)
  const tooLong = new TextEncoder().encode(text).length > MAX_BYTES
  const empty = text.trim() === ''

  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }), [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the chat is opened.
  useEffect(() => {
    if (autoFocus) field.current?.focus({ preventScroll: true })
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: grows and shrinks with its text.
  useLayoutEffect(() => {
    const element = field.current
    if (!element) return
    element.style.height = '0'
    element.style.height = `${Math.min(element.scrollHeight, MAX_HEIGHT_PX)}px`
  }, [text])
  const edited = mode.kind === 'edit' ? mode.message : undefined
  useEffect(() => {
    if (!edited) return
    setText(edited.text)
    field.current?.focus()
  }, [edited])

  const change = (next: string): void => {
    setText(next)
    if (mode.kind === 'edit') return
    draft.change(next)
    typing.typed(next.trim() !== '')
  }
  const cancel = (): void => {
    // What was being written before the edit comes back.
    if (mode.kind === 'edit') setText(draft.current())
    onMode({ kind: 'new' })
    field.current?.focus()
  }
  const submit = async (): Promise<void> => {
    const body = text.trim()
    if (body === '' || tooLong) return
    field.current?.focus()
    if (mode.kind === 'edit') {
      cancel()
      if (body === mode.message.text) return
      await edit(mode.message.id, body).catch((error: unknown) => toast(errorText(error)))
      return
    }
    // Cleared at once, so that nobody sends twice by a second press; it comes back if it could not even be stored.
    setText('')
    draft.change('')
    typing.typed(false)
    onMode({ kind: 'new' })
    onSent()
    const outcome = await send({ text: body, ...(mode.replyTo && { replyTo: mode.replyTo.id }) })
    if (outcome.ok) return
    toast(errorText(outcome.error))
    setText((current) => (current === '' ? body : current))
    draft.change(body)
  }
  const keyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // While an input method composes, Enter chooses a word; some browsers say so only by the old code 229.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault()
      void submit()
    } else if (event.key === 'Escape' && (mode.kind === 'edit' || mode.replyTo)) {
      event.preventDefault()
      cancel()
    } else if (event.key === 'ArrowUp' && text === '' && lastOwn && mode.kind === 'new') {
      event.preventDefault()
      onMode({ kind: 'edit', message: lastOwn })
    }
  }

  return (
    <div className="border-line border-t bg-surface px-3 pt-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] two-pane:px-6 two-pane:pt-3 two-pane:pb-3">
      <Context mode={mode} peerName={chat.peer.displayName} onCancel={cancel} />
      {tooLong && (
        <p role="alert" className="px-2 pb-1.5 text-danger text-sm">
          This message is too long. Send it in parts.
        </p>
      )}
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          data-testid="composer"
          data-focus-home
          aria-label={mode.kind === 'edit' ? 'Edit the message' : `Message to ${chat.peer.displayName}`}
          placeholder="Message"
          enterKeyHint="send"
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={keyDown}
          onBlur={() => typing.typed(false)}
          className="no-scrollbar min-h-11 flex-1 resize-none rounded-[22px] border border-transparent bg-sunken px-4 py-2.5 text-base leading-[1.4] outline-none focus:border-accent"
        />
        <button
          type="submit"
          disabled={empty || tooLong}
          aria-label={mode.kind === 'edit' ? 'Save the change' : 'Send'}
          title={mode.kind === 'edit' ? 'Save the change' : 'Send'}
          data-testid="send"
          // The field keeps its focus, and a phone its keyboard.
          onPointerDown={(event) => event.preventDefault()}
          className="grid size-11 shrink-0 place-items-center rounded-full bg-accent text-on-accent shadow-low transition-[background-color,transform] enabled:hover:bg-accent-strong enabled:active:scale-95 disabled:bg-sunken disabled:text-ink-faint disabled:shadow-none"
        >
          {mode.kind === 'edit' ? <Check className="size-5" aria-hidden /> : <SendHorizontal className="size-5" aria-hidden />}
        </button>
      </form>
    </div>
  )
}

function Context({ mode, peerName, onCancel }: { readonly mode: ComposerMode; readonly peerName: string; readonly onCancel: () => void }) {
  const message = mode.kind === 'edit' ? mode.message : mode.replyTo
  if (!message) return null
  const Icon = mode.kind === 'edit' ? Pencil : Reply
  return (
    <div className="mb-2 flex animate-rise items-center gap-3 rounded-2xl bg-sunken py-1.5 pr-1.5 pl-4" data-testid="composer-context">
      <Icon className="size-[18px] shrink-0 text-accent-ink" aria-hidden />
      <p className="flex min-w-0 flex-1 flex-col text-sm">
        <span className="font-semibold text-accent-ink">{mode.kind === 'edit' ? 'Editing' : `Replying to ${message.mine ? 'yourself' : peerName}`}</span>
        <span className="truncate text-ink-soft" dir="auto">
          {previewOf(message)}
        </span>
      </p>
      <IconButton label={mode.kind === 'edit' ? 'Stop editing' : 'Do not reply to it'} onClick={onCancel} className="hover:bg-selected">
        <X className="size-[18px]" aria-hidden />
      </IconButton>
    </div>
  )
}
