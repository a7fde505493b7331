import type { ConversationSnapshot } from '@securechat/client'
import { useAction } from '@securechat/react'
import { Archive, ArchiveRestore, Ban, Bell, BellOff, Pin, PinOff, ShieldCheck } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { errorText } from '../format/error-text.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { useToast } from '../shell/toast.js'
import { Menu, MenuItem, MenuLine } from '../ui/menu.js'

export interface ChatMenuProps {
  readonly chat: ConversationSnapshot
  readonly trigger: ReactNode
  /** Where the chat is open: opens the contact's dialog. */
  readonly onContact?: () => void
}

/** What can be done with a whole chat. */
export function ChatMenu({ chat, trigger, onContact }: ChatMenuProps) {
  const { id, pinned, muted, archived, peer } = chat
  const toast = useToast()
  const [blocking, setBlocking] = useState(false)
  const update = useAction(async (client, changes: { pinned?: boolean; muted?: boolean; archived?: boolean }) =>
    (await client.conversations.get(id))?.update(changes),
  )
  const block = useAction(async (client, blocked: boolean) => {
    const conversation = await client.conversations.get(id)
    await (blocked ? conversation?.block() : conversation?.unblock())
  })
  const change = async (changes: Parameters<typeof update.run>[0], done: string): Promise<void> => {
    const outcome = await update.run(changes)
    toast(outcome.ok ? done : errorText(outcome.error))
  }
  const unblock = async (): Promise<void> => {
    const outcome = await block.run(false)
    toast(outcome.ok ? `${peer.displayName} is unblocked` : errorText(outcome.error))
  }
  return (
    <>
      <Menu trigger={trigger} label={`Options for ${peer.displayName}`}>
        {onContact && (
          <MenuItem icon={<ShieldCheck aria-hidden />} onSelect={onContact}>
            Contact and safety number
          </MenuItem>
        )}
        <MenuItem
          icon={pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
          onSelect={() => void change({ pinned: !pinned }, pinned ? 'Unpinned' : 'Pinned to the top')}
        >
          {pinned ? 'Unpin' : 'Pin'}
        </MenuItem>
        <MenuItem
          icon={muted ? <Bell aria-hidden /> : <BellOff aria-hidden />}
          onSelect={() => void change({ muted: !muted }, muted ? 'No longer muted' : 'Muted')}
        >
          {muted ? 'Unmute' : 'Mute'}
        </MenuItem>
        <MenuItem
          icon={archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />}
          onSelect={() => void change({ archived: !archived }, archived ? 'Back in your chats' : 'Archived')}
        >
          {archived ? 'Unarchive' : 'Archive'}
        </MenuItem>
        <MenuLine />
        {peer.relation === 'blocked' ? (
          <MenuItem icon={<Ban aria-hidden />} onSelect={() => void unblock()}>
            Unblock
          </MenuItem>
        ) : (
          <MenuItem icon={<Ban aria-hidden />} onSelect={() => setBlocking(true)} danger>
            Block …
          </MenuItem>
        )}
      </Menu>
      <ConfirmDialog
        open={blocking}
        onOpenChange={setBlocking}
        title={`Block ${peer.displayName}?`}
        description="Their messages no longer reach you. They are not told. You can unblock them at any time."
        action="Block"
        onConfirm={async () => (await block.run(true)).ok}
        error={block.error && errorText(block.error)}
      />
    </>
  )
}
