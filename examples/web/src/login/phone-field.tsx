import { ChevronDown } from 'lucide-react'
import { useMemo } from 'react'
import { type CountryCode, changeCountry, countries, type PhoneEntry, readPhone } from '../format/phone.js'

export interface PhoneFieldProps {
  readonly id: string
  readonly text: string
  readonly country: CountryCode
  readonly onChange: (entry: PhoneEntry) => void
  readonly describedBy?: string | undefined
  readonly invalid?: boolean
  readonly testId: string
  readonly autoFocus?: boolean
}

/**
 * A number with its country. Typing or pasting one that begins with + (or 00) sets the country. The country is the browser's own select:
 * it is what people know on their phones, and searches by letters.
 */
export function PhoneField({ id, text, country, onChange, describedBy, invalid = false, testId, autoFocus = false }: PhoneFieldProps) {
  const all = useMemo(() => countries(navigator.language), [])
  const chosen = all.find(({ code }) => code === country)
  const read = (value: string, caretAtEnd: boolean): void => {
    const entry = readPhone(value, country)
    // Spacing moves the caret: only while it stands at the end.
    onChange(caretAtEnd && entry.text.length >= value.trim().length ? entry : { ...entry, text: value })
  }
  return (
    <div className="flex gap-2">
      <div className="relative shrink-0">
        <select
          aria-label="Country"
          value={country}
          onChange={(event) => onChange(changeCountry(text, country, event.target.value as CountryCode))}
          className="field absolute inset-0 cursor-pointer appearance-none text-transparent!"
        >
          {all.map(({ code, name, callingCode }) => (
            <option key={code} value={code} className="bg-surface text-ink">
              {name} (+{callingCode})
            </option>
          ))}
        </select>
        <span aria-hidden className="pointer-events-none relative flex min-h-[2.875rem] items-center gap-1.5 pr-2.5 pl-3.5 text-base">
          <span className="font-semibold text-ink-soft text-sm">{country}</span>+{chosen?.callingCode}
          <ChevronDown className="size-4 text-ink-soft" />
        </span>
      </div>
      <input
        id={id}
        data-testid={testId}
        className="field"
        type="tel"
        inputMode="tel"
        autoComplete="tel"
        // biome-ignore lint/a11y/noAutofocus: the only task of a page or dialog that the person asked for.
        autoFocus={autoFocus}
        value={text}
        onChange={(event) => read(event.target.value, event.target.selectionStart === event.target.value.length)}
        placeholder="Phone number"
        aria-invalid={invalid}
        aria-describedby={describedBy}
      />
    </div>
  )
}
