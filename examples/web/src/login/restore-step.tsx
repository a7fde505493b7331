import { type FormEvent, useId, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { LoginLayout } from './login-layout.js'

export interface RestoreStepProps {
  readonly pending: boolean
  readonly error: Error | undefined
  readonly onRestore: (words: string) => void
  readonly onBack: () => void
}

const WORDS = 24

/** The words prove to everybody that the new keys follow the lost ones, and open the backup. */
export function RestoreStep({ pending, error, onRestore, onBack }: RestoreStepProps) {
  const [text, setText] = useState('')
  const [asked, setAsked] = useState(false)
  const input = useId()
  const help = useId()
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean)
  const wrong = hasCode(error, 'client/invalid-argument')
    ? 'These are not the words of this account. Check each of them.'
    : error && !hasCode(error, 'auth/account-exists')
      ? errorText(error)
      : undefined
  const problem = asked && words.length !== WORDS ? `${words.length} of ${WORDS} words.` : wrong
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (words.length === WORDS && !pending) onRestore(words.join(' '))
  }
  return (
    <LoginLayout
      title="Your 24 words"
      lead="From your paper, in their order. Your contacts go on writing to you, and are told that you have a new safety number."
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <div className="flex flex-col gap-2">
          <label htmlFor={input} className="font-medium text-sm">
            Words, with spaces between them
          </label>
          <textarea
            id={input}
            className="field min-h-32 font-mono"
            value={text}
            onChange={(event) => {
              setAsked(false)
              setText(event.target.value)
            }}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            aria-invalid={problem !== undefined}
            aria-describedby={problem ? help : undefined}
            data-testid="restore-words"
          />
          {problem && <FieldError id={help}>{problem}</FieldError>}
        </div>
        <Button type="submit" pending={pending} data-testid="restore">
          Restore
        </Button>
        <Button variant="quiet" onClick={onBack}>
          Back
        </Button>
      </form>
    </LoginLayout>
  )
}
