import type { OwnDevice } from '@securechat/client'
import { useAction } from '@securechat/react'
import { errorText } from '../format/error-text.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { useToast } from '../shell/toast.js'
import { deviceName } from './device-look.js'

/** Stays mounted: what it says must not vanish before it has gone. */
export function RevokeDialog({ device, onClose }: { readonly device: OwnDevice | undefined; readonly onClose: () => void }) {
  const toast = useToast()
  const revoke = useAction((client, deviceId: OwnDevice['deviceId']) => client.devices.revoke(deviceId))
  const name = device ? deviceName(device) : ''
  return (
    <ConfirmDialog
      open={device !== undefined}
      onOpenChange={() => {
        revoke.reset()
        onClose()
      }}
      title={`Remove ${name}?`}
      description="It is signed out at once and gets no more messages. What it has already received stays readable on it until it is erased there."
      action="Remove"
      testId="confirm-revoke"
      onConfirm={async () => {
        if (!device) return false
        const { ok } = await revoke.run(device.deviceId)
        if (ok) toast(`${name} is removed`)
        return ok
      }}
      error={revoke.error && errorText(revoke.error)}
    />
  )
}
