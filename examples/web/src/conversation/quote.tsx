import type { Message } from '@securechat/client'
import { previewOf } from '../format/preview.js'
import { classNames } from '../ui/class-names.js'

export interface QuoteProps {
  /** Undefined: not loaded, or not on this device. */
  readonly message: Message | undefined
  readonly peerName: string
  readonly onOwn: boolean
  readonly onJump: () => void
}

/** The message that a reply answers; a click leads to it. */
export function Quote({ message, peerName, onOwn, onJump }: QuoteProps) {
  return (
    <button
      type="button"
      onClick={onJump}
      className={classNames(
        'mt-0.5 mb-1.5 flex w-full flex-col rounded-xl border-l-4 px-2.5 py-1.5 text-left text-sm',
        onOwn ? 'border-read bg-own-quote' : 'border-accent bg-peer-quote',
      )}
    >
      <span className={classNames('font-semibold', onOwn ? 'text-read' : 'text-accent-ink')}>
        {message ? (message.mine ? 'You' : peerName) : 'Earlier message'}
      </span>
      <span className="line-clamp-2 [overflow-wrap:anywhere]" dir="auto">
        {message ? previewOf(message) : 'Go to the message'}
      </span>
    </button>
  )
}
