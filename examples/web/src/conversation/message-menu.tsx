import type { Message } from '@securechat/client'
import { Copy, Pencil, Reply, Trash2 } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { type ReactNode, useRef, useState } from 'react'
import { Menu, MenuItem, MenuLine } from '../ui/menu.js'

/** Few enough to choose from at a glance. The names are what screen readers say. */
export const PALETTE = [
  ['👍', 'thumbs up'],
  ['❤️', 'heart'],
  ['😂', 'tears of joy'],
  ['😮', 'surprised'],
  ['😢', 'crying'],
  ['🙏', 'folded hands'],
  ['🎉', 'party'],
] as const

export interface MessageMenuActions {
  readonly onReact: (message: Message, emoji: string | null) => void
  readonly onReply: (message: Message) => void
  readonly onEdit: (message: Message) => void
  readonly onDelete: (message: Message) => void
  readonly onCopy: (message: Message) => void
  /** After reply and edit the composer has the focus. */
  readonly focusComposer: () => void
}

export interface MessageMenuProps extends MessageMenuActions {
  readonly message: Message
  readonly ownReaction: string | undefined
  readonly trigger: ReactNode
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

/** Reactions in a row, then what can be done with this message. */
export function MessageMenu({
  message,
  ownReaction,
  trigger,
  open,
  onOpenChange,
  onReact,
  onReply,
  onEdit,
  onDelete,
  onCopy,
  focusComposer,
}: MessageMenuProps) {
  // Menus that were never opened cost nothing but their button.
  const [used, setUsed] = useState(false)
  if (open && !used) setUsed(true)
  const toComposer = useRef(false)
  const handFocusOver = (event: Event): void => {
    if (!toComposer.current) return
    toComposer.current = false
    event.preventDefault()
    focusComposer()
  }
  const thenCompose = (action: (message: Message) => void) => (): void => {
    toComposer.current = true
    action(message)
  }
  return (
    <Menu trigger={trigger} open={open} onOpenChange={onOpenChange} align={message.mine ? 'end' : 'start'} label="Message actions" onCloseFocus={handFocusOver}>
      {used && (
        <>
          <DropdownMenu.Group aria-label="React" className="flex gap-0.5 pb-1">
            {PALETTE.map(([emoji, name]) => (
              <DropdownMenu.Item
                key={emoji}
                aria-label={ownReaction === emoji ? `Take back ${name}` : `React with ${name}`}
                onSelect={() => onReact(message, ownReaction === emoji ? null : emoji)}
                className={`grid size-9 cursor-pointer place-items-center rounded-full font-emoji text-xl outline-none transition-transform data-highlighted:scale-115 data-highlighted:bg-hover ${ownReaction === emoji ? 'bg-selected' : ''}`}
              >
                {emoji}
              </DropdownMenu.Item>
            ))}
          </DropdownMenu.Group>
          <MenuLine />
          <MenuItem icon={<Reply aria-hidden />} onSelect={thenCompose(onReply)}>
            Reply
          </MenuItem>
          <MenuItem icon={<Copy aria-hidden />} onSelect={() => onCopy(message)}>
            Copy text
          </MenuItem>
          {message.mine && (
            <>
              <MenuItem icon={<Pencil aria-hidden />} onSelect={thenCompose(onEdit)}>
                Edit
              </MenuItem>
              <MenuItem icon={<Trash2 aria-hidden />} onSelect={() => onDelete(message)} danger>
                Delete for everybody …
              </MenuItem>
            </>
          )}
        </>
      )}
    </Menu>
  )
}
