import { useAction } from '@securechat/react'
import { errorText } from '../format/error-text.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { replace } from '../shell/route.js'

interface LeaveDialogProps {
  readonly open: boolean
  readonly onClose: () => void
}

export function LogoutDialog({ open, onClose }: LeaveDialogProps) {
  const logout = useAction((client) => client.account.logout())
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onClose}
      title="Log out?"
      description="All messages and keys in this browser are erased. There is no copy anywhere else. When you sign in again, your contacts see a new safety number."
      action="Erase and log out"
      testId="confirm-logout"
      onConfirm={async () => {
        const { ok } = await logout.run()
        if (ok) replace({ pane: 'chats', chat: undefined })
        return ok
      }}
      error={logout.error && errorText(logout.error)}
    />
  )
}

export function EraseDialog({ open, onClose }: LeaveDialogProps) {
  const erase = useAction((client) => client.account.erase())
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onClose}
      title="Delete your account?"
      description="Your account, your profile and the messages that wait for you are deleted on the server, and everything in this browser. What you sent stays with those who received it. This cannot be undone."
      action="Delete my account"
      typed="delete"
      testId="confirm-erase"
      onConfirm={async () => {
        const { ok } = await erase.run()
        if (ok) replace({ pane: 'chats', chat: undefined })
        return ok
      }}
      error={erase.error && errorText(erase.error)}
    />
  )
}
