import { useAction } from '@securechat/react'
import { type FormEvent, useEffect, useId, useState } from 'react'
import { errorText } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'
import { PasswordField } from '../ui/password-field.js'
import { Waiting } from '../ui/spinner.js'

const [SHORTEST, LONGEST] = [4, 64]
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })

/** Settings → PIN of your number: the registration lock. */
export function PinDialog({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: (text: string) => void }) {
  const [since, setSince] = useState<number | null>()
  const [fields, setFields] = useState({ first: '', again: '' })
  const [asked, setAsked] = useState(false)
  const form = useId()
  const look = useAction((client) => client.account.registrationLock())
  const save = useAction((client, pin: string | null) => client.account.setRegistrationLock(pin))
  const { run } = look
  useEffect(() => {
    void run().then((outcome) => outcome.ok && setSince(outcome.value?.since ?? null))
  }, [run])
  const wrongLength = fields.first.length < SHORTEST || fields.first.length > LONGEST
  const different = fields.first !== fields.again
  const set = async (pin: string | null, text: string): Promise<void> => {
    const { ok } = await save.run(pin)
    if (ok) onDone(text)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (!wrongLength && !different && !save.pending) void set(fields.first, since ? 'PIN changed' : 'PIN set')
  }
  const change = (name: keyof typeof fields, value: string): void => {
    save.reset()
    setFields((last) => ({ ...last, [name]: value }))
  }
  const known = since !== undefined
  return (
    <AppDialog
      open
      onOpenChange={() => !save.pending && onClose()}
      title="PIN of your number"
      description="Who gets hold of your number gets your account only with this PIN as well. The server never sees it."
      footer={
        <>
          <Button variant="secondary" onClick={onClose} disabled={save.pending}>
            {known ? 'Cancel' : 'Close'}
          </Button>
          {known && (
            <Button type="submit" form={form} pending={save.pending} data-testid="save-pin">
              {since === null ? 'Set the PIN' : 'Change the PIN'}
            </Button>
          )}
        </>
      }
    >
      {!known ? (
        <div className="grid min-h-32 place-items-center pt-4">
          {look.error ? <FieldError>{errorText(look.error)}</FieldError> : <Waiting>Asking the server …</Waiting>}
        </div>
      ) : (
        <form id={form} onSubmit={submit} className="flex flex-col gap-4 pt-4" noValidate>
          {since !== null && (
            <div className="flex items-center justify-between gap-3 rounded-2xl bg-sunken py-2 pr-2 pl-4">
              <p data-testid="pin-since">Set on {date.format(since)}</p>
              <Button small variant="quiet" pending={save.pending} onClick={() => void set(null, 'Your number needs no PIN any more')} data-testid="remove-pin">
                Remove
              </Button>
            </div>
          )}
          <PasswordField
            label="New PIN"
            value={fields.first}
            onChange={(value) => change('first', value)}
            problem={asked && wrongLength ? `${SHORTEST} to ${LONGEST} characters, please.` : undefined}
            hint="Digits or words. Six digits are a good start."
            autoComplete="new-password"
            testId="pin-new"
          />
          <PasswordField
            label="Once more"
            value={fields.again}
            onChange={(value) => change('again', value)}
            problem={asked && !wrongLength && different ? 'The two are not the same.' : undefined}
            autoComplete="new-password"
            testId="pin-again"
          />
          <p className="rounded-2xl bg-warning-soft px-4 py-3 text-pretty text-sm text-warning-ink">
            Write it down. If you forget it and have no 24 words, you cannot sign in on a new device until all of yours have been offline for a week.
          </p>
          {save.error && <FieldError>{errorText(save.error)}</FieldError>}
        </form>
      )}
    </AppDialog>
  )
}
