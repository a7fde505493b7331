import { useId } from 'react'
import { FieldError } from './field-error.js'

export interface PasswordFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly problem?: string | undefined
  readonly hint?: string
  readonly autoComplete: string
  readonly testId: string
  /** For a step that asks for nothing else. */
  readonly autoFocus?: boolean
}

export function PasswordField({ label, value, onChange, problem, hint, autoComplete, testId, autoFocus = false }: PasswordFieldProps) {
  const input = useId()
  const help = useId()
  return (
    <div className="flex flex-col gap-2">
      <label htmlFor={input} className="font-medium text-sm">
        {label}
      </label>
      <input
        id={input}
        type="password"
        className="field"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        autoComplete={autoComplete}
        // biome-ignore lint/a11y/noAutofocus: a step of its own asks for nothing else.
        autoFocus={autoFocus}
        aria-invalid={problem !== undefined}
        aria-describedby={problem || hint ? help : undefined}
        data-testid={testId}
      />
      {problem ? (
        <FieldError id={help}>{problem}</FieldError>
      ) : (
        hint && (
          <p id={help} className="text-ink-soft text-sm">
            {hint}
          </p>
        )
      )}
    </div>
  )
}
