import type { StoreLockInfo } from '@securechat/client'
import { useAction, useStoreLocks } from '@securechat/react'
import { type FormEvent, useId, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'
import { PasswordField } from '../ui/password-field.js'
import { passphrase } from './make-lock.js'
import { useStoreAccess } from './store-access.js'

/** Short ones are found by trying, however slow a try is made. */
const SHORTEST = 10

export interface PassphraseDialogProps {
  /** The one to change; without it, a new one is set. */
  readonly changes?: StoreLockInfo
  readonly onClose: () => void
  readonly onDone: () => void
}

export function PassphraseDialog({ changes, onClose, onDone }: PassphraseDialogProps) {
  const { add, replace } = useStoreLocks()
  const { open } = useStoreAccess()
  const [fields, setFields] = useState({ current: '', first: '', again: '' })
  const [asked, setAsked] = useState(false)
  const form = useId()
  const save = useAction(async () => {
    const lock = await passphrase(fields.first)
    if (!changes) return add(lock)
    // Opening the store with it, and closing it again, is what tells whether it is right.
    const other = await open(await passphrase(fields.current))
    await other.close()
    return replace(changes.id, lock)
  })
  const short = fields.first.length < SHORTEST
  const different = fields.first !== fields.again
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setAsked(true)
    if (short || different || save.pending) return
    const { ok } = await save.run()
    if (ok) onDone()
  }
  const change = (name: keyof typeof fields, value: string): void => {
    save.reset()
    setFields((last) => ({ ...last, [name]: value }))
  }
  const wrong = hasCode(save.error, 'storage/wrong-key')
  return (
    <AppDialog
      open
      onOpenChange={() => !save.pending && onClose()}
      title={changes ? 'Change the passphrase' : 'Set a passphrase'}
      description="It is asked for whenever SecureChat is opened in this browser. It never leaves this device."
      footer={
        <>
          <Button variant="secondary" onClick={onClose} disabled={save.pending}>
            Cancel
          </Button>
          <Button type="submit" form={form} pending={save.pending} data-testid="save-passphrase">
            {changes ? 'Change' : 'Set the passphrase'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4 pt-4" noValidate>
        {changes && (
          <PasswordField
            label="Passphrase of now"
            value={fields.current}
            onChange={(value) => change('current', value)}
            problem={wrong ? 'That is not the passphrase of now.' : undefined}
            autoComplete="current-password"
            testId="passphrase-current"
          />
        )}
        <PasswordField
          label="New passphrase"
          value={fields.first}
          onChange={(value) => change('first', value)}
          problem={asked && short ? `At least ${SHORTEST} characters, please.` : undefined}
          hint="Four words that have nothing to do with each other are strong and easy to remember."
          autoComplete="new-password"
          testId="passphrase-new"
        />
        <PasswordField
          label="Once more"
          value={fields.again}
          onChange={(value) => change('again', value)}
          problem={asked && !short && different ? 'The two are not the same.' : undefined}
          autoComplete="new-password"
          testId="passphrase-again"
        />
        <p className="rounded-2xl bg-warning-soft px-4 py-3 text-pretty text-sm text-warning-ink">
          If you forget it, nobody can open these messages again. Keep it in a password manager, or make a backup first.
        </p>
        {save.error && !wrong && <FieldError>{errorText(save.error)}</FieldError>}
      </form>
    </AppDialog>
  )
}
