import type { Message } from '@securechat/client'
import { Ban, LockKeyhole, PackageOpen } from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { isOnlyEmoji, textParts } from '../format/message-text.js'
import { previewOf } from '../format/preview.js'
import { classNames } from '../ui/class-names.js'

function Placeholder({ icon, children, spacer }: { readonly icon: ReactNode; readonly children: ReactNode; readonly spacer: ReactNode }) {
  return (
    <span className="flex items-start gap-2 italic [&>svg]:mt-0.5 [&>svg]:size-4 [&>svg]:shrink-0">
      {icon}
      <span>
        {children}
        {spacer}
      </span>
    </span>
  )
}

export interface MessageBodyProps {
  readonly message: Message
  /** What stands in the bubble's lower right corner: the last line keeps as much room free. */
  readonly corner: string
  /** A status mark stands there as well. */
  readonly marked: boolean
}

/** What a bubble holds: the text with its links, or why there is none. */
export const MessageBody = memo(function MessageBody({ message, corner, marked }: MessageBodyProps) {
  const spacer = (
    <span
      aria-hidden
      data-corner={corner}
      className={classNames('invisible inline-block h-3 pl-2.5 text-[11px] before:content-[attr(data-corner)]', marked && 'pr-5')}
    />
  )
  switch (message.kind) {
    case 'text':
      if (isOnlyEmoji(message.text)) return <span className="block font-emoji text-4xl leading-tight">{message.text}</span>
      return (
        <span dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
          {textParts(message.text).map(({ at, text, href }) =>
            href === undefined ? (
              text
            ) : (
              <a
                key={at}
                href={href}
                target="_blank"
                rel="noopener noreferrer"
                className={classNames('underline underline-offset-2', !message.mine && 'text-accent-ink')}
              >
                {text}
              </a>
            ),
          )}
          {spacer}
        </span>
      )
    case 'undecryptable':
      return (
        <Placeholder icon={<LockKeyhole aria-hidden />} spacer={spacer}>
          Waiting for this message. It appears here as soon as it can be decrypted.
        </Placeholder>
      )
    case 'unsupported':
      return (
        <Placeholder icon={<PackageOpen aria-hidden />} spacer={spacer}>
          This message needs a newer version of the app.
        </Placeholder>
      )
    default:
      return (
        <Placeholder icon={<Ban aria-hidden />} spacer={spacer}>
          {previewOf(message)}
        </Placeholder>
      )
  }
})
