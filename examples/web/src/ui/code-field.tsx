import { useState } from 'react'
import { classNames } from './class-names.js'

export interface CodeFieldProps {
  readonly id: string
  readonly digits: number
  readonly value: string
  readonly onChange: (code: string) => void
  readonly disabled: boolean
  readonly invalid: boolean
  readonly describedBy: string | undefined
  /** From a message of the system. Digits that a person reads from another screen are none. */
  readonly oneTime?: boolean
  readonly testId?: string
}

/** One input (so that pasting, autofill and screen readers just work) that looks like a box for each digit. */
export function CodeField({ id, digits, value, onChange, disabled, invalid, describedBy, oneTime = true, testId = 'code-input' }: CodeFieldProps) {
  const [focused, setFocused] = useState(false)
  const boxes = Array.from({ length: digits }, (_, position) => position)
  return (
    <div className="relative">
      <div className="grid gap-2" style={{ gridTemplateColumns: `repeat(${digits}, minmax(0, 1fr))` }} aria-hidden>
        {boxes.map((position) => (
          <span
            key={position}
            className={classNames(
              'grid h-14 place-items-center rounded-xl border bg-surface font-semibold text-2xl tabular-nums transition-colors',
              invalid
                ? 'border-danger'
                : focused && position === Math.min(value.length, digits - 1)
                  ? 'border-accent ring-2 ring-accent'
                  : 'border-line-strong',
            )}
          >
            {value[position]}
          </span>
        ))}
      </div>
      <input
        id={id}
        data-testid={testId}
        // biome-ignore lint/a11y/noAutofocus: the code is what this step is for.
        autoFocus
        className="absolute inset-0 size-full cursor-text rounded-xl bg-transparent text-base text-transparent caret-transparent outline-none selection:bg-transparent"
        inputMode="numeric"
        autoComplete={oneTime ? 'one-time-code' : 'off'}
        pattern="[0-9]*"
        value={value}
        readOnly={disabled}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onChange={(event) => onChange(event.target.value.replace(/\D/g, '').slice(0, digits))}
        aria-invalid={invalid}
        aria-describedby={describedBy}
      />
    </div>
  )
}
