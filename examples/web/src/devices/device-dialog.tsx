import type { OwnDevice } from '@securechat/client'
import { useAction } from '@securechat/react'
import { Unlink } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { errorText } from '../format/error-text.js'
import { useNow } from '../shell/browser-state.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'
import { deviceFacts, deviceIcon, deviceName } from './device-look.js'

const LONGEST = 128

export interface DeviceDialogProps {
  readonly device: OwnDevice
  readonly onClose: () => void
  /** Only the primary device removes others. */
  readonly onRemove?: () => void
}

/** One device: its name, when it was seen, and removing it. */
export function DeviceDialog({ device, onClose, onRemove }: DeviceDialogProps) {
  const toast = useToast()
  const now = useNow(undefined)
  const [name, setName] = useState(device.name ?? '')
  const rename = useAction((client, next: string) => client.devices.rename(device.deviceId, next))
  const input = useId()
  const help = useId()
  const Icon = deviceIcon(device)
  const changed = name.trim() !== '' && name.trim() !== device.name
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (!changed) return
    const { ok } = await rename.run(name.trim())
    if (!ok) return
    toast('Renamed')
    onClose()
  }
  return (
    <AppDialog open onOpenChange={onClose} title={deviceName(device)}>
      <div className="flex items-center gap-4 pt-3 pb-5">
        <span aria-hidden className="grid size-14 shrink-0 place-items-center rounded-full bg-sunken text-accent-ink">
          <Icon className="size-7" />
        </span>
        <ul className="flex flex-col text-ink-soft">
          {device.primary && <li>Primary device: links and removes others</li>}
          {deviceFacts(device, now).map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      </div>
      <form onSubmit={submit} className="flex flex-col gap-2">
        <label htmlFor={input} className="font-medium text-sm">
          Name
        </label>
        <div className="flex gap-2">
          <input
            id={input}
            className="field"
            value={name}
            onChange={(event) => {
              rename.reset()
              setName(event.target.value)
            }}
            maxLength={LONGEST}
            autoComplete="off"
            placeholder="Kitchen tablet"
            aria-describedby={help}
            aria-invalid={rename.error !== undefined}
            data-testid="device-name"
          />
          <Button type="submit" disabled={!changed} pending={rename.pending} data-testid="rename-device">
            Save
          </Button>
        </div>
        {rename.error ? (
          <FieldError id={help}>{errorText(rename.error)}</FieldError>
        ) : (
          <p id={help} className="text-ink-soft text-sm">
            Only your own devices can read it.
          </p>
        )}
      </form>
      {onRemove && (
        <Button
          variant="quiet-danger"
          className="mt-5 w-full border border-line"
          icon={<Unlink className="size-[18px]" aria-hidden />}
          onClick={onRemove}
          data-testid="revoke-device"
        >
          Remove this device …
        </Button>
      )}
    </AppDialog>
  )
}
