import type { LinkScan } from '@securechat/client'
import { Eye } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { countdown } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { Button } from '../ui/button.js'
import { CodeField } from '../ui/code-field.js'
import { FieldError } from '../ui/field-error.js'
import { linkProblem } from './link-problem.js'

const DIGITS = 6

export interface CompareStepProps {
  readonly scan: LinkScan
  readonly error: Error | undefined
  readonly onApprove: (typed: string, options: { readonly history: boolean }) => void
  readonly onCancel: () => void
}

/** The digits are typed and not shown: somebody who only presses “yes” compares nothing. */
export function CompareStep({ scan, error, onApprove, onCancel }: CompareStepProps) {
  const [typed, setTyped] = useState('')
  const [history, setHistory] = useState(false)
  const [refused, setRefused] = useState(error)
  const input = useId()
  const help = useId()
  const now = useNow(1_000)
  const left = scan.expiresAt - now
  const promotion = scan.kind === 'promotion'
  const problem = left <= 0 ? 'The code has expired. Show a new one on the other device and scan it.' : refused && linkProblem(refused)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (typed.length === DIGITS) onApprove(typed, { history })
    else document.getElementById(input)?.focus()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-5 pt-2">
      <p className="flex gap-3 rounded-2xl bg-warning-soft px-4 py-3 text-pretty text-sm text-warning-ink">
        <Eye className="mt-0.5 size-5 shrink-0" aria-hidden />
        <span>
          {promotion ? (
            <>
              <strong className="font-semibold">The other device will hold the key of your account</strong> in place of this one, link devices and remove them,
              this one too. Go on only if it is yours and lies before you.
            </>
          ) : (
            <>
              <strong className="font-semibold">The new device will read all your new messages</strong> and can write in your name. Go on only if it is yours
              and lies before you.
            </>
          )}
        </span>
      </p>
      <div className="flex flex-col gap-2">
        <label htmlFor={input} className="font-medium text-sm">
          The six digits that the {promotion ? 'other' : 'new'} device shows
        </label>
        <CodeField
          id={input}
          digits={DIGITS}
          value={typed}
          onChange={(next) => {
            setTyped(next)
            setRefused(undefined)
          }}
          disabled={left <= 0}
          invalid={problem !== undefined}
          describedBy={problem ? help : undefined}
          oneTime={false}
          testId="link-digits"
        />
        {problem ? <FieldError id={help}>{problem}</FieldError> : <p className="text-ink-soft text-sm">Valid for another {countdown(left)}.</p>}
      </div>
      {!promotion && (
        <label className="flex cursor-pointer items-start gap-3">
          <input
            type="checkbox"
            checked={history}
            onChange={(event) => setHistory(event.target.checked)}
            className="mt-1 size-[18px] shrink-0 accent-accent"
            data-testid="link-history"
          />
          <span>
            Give it my older messages too
            <span className="block text-ink-soft text-sm">Encrypted for that device alone; it can take a while.</span>
          </span>
        </label>
      )}
      <div className="flex flex-wrap-reverse justify-end gap-2">
        <Button variant="secondary" onClick={onCancel}>
          Cancel
        </Button>
        <Button type="submit" disabled={left <= 0} data-testid="approve-link">
          {promotion ? 'Hand over' : 'Link this device'}
        </Button>
      </div>
    </form>
  )
}
