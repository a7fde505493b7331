import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'

export interface ConfirmDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description: ReactNode
  /** The word on the button: what will happen. */
  readonly action: string
  /** Must be typed before the button works, for what cannot be undone. */
  readonly typed?: string
  /** Resolves to whether it was done; if not, the dialog stays, with `error`. */
  readonly onConfirm: () => Promise<boolean>
  readonly error?: string | undefined
  readonly testId?: string
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog({ open, onOpenChange, title, description, action, typed, onConfirm, error, testId }: ConfirmDialogProps) {
  const [text, setText] = useState('')
  const [pending, setPending] = useState(false)
  const form = useId()
  const input = useId()
  const change = (next: boolean): void => {
    if (pending) return
    setText('')
    onOpenChange(next)
  }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setPending(true)
    const done = await onConfirm()
    setPending(false)
    if (!done) return
    setText('')
    onOpenChange(false)
  }
  return (
    <AppDialog
      open={open}
      onOpenChange={change}
      title={title}
      description={description}
      alert
      footer={
        <>
          <Button variant="secondary" onClick={() => change(false)}>
            Cancel
          </Button>
          <Button
            type="submit"
            form={form}
            variant="danger"
            pending={pending}
            disabled={typed !== undefined && text.trim().toLocaleLowerCase() !== typed}
            data-testid={testId}
          >
            {action}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        {typed !== undefined && (
          <div className="flex flex-col gap-1.5 pt-4">
            <label htmlFor={input}>
              Type <strong className="font-mono">{typed}</strong> to confirm
            </label>
            <input
              id={input}
              className="field"
              value={text}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          </div>
        )}
      </form>
      {error && (
        <p role="alert" className="pt-3 text-danger">
          {error}
        </p>
      )}
    </AppDialog>
  )
}
