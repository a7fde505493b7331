import { KeyRound, MonitorX, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { LoginLayout } from './login-layout.js'

const CONSEQUENCES = [
  { icon: MonitorX, text: 'The other device is signed out, and messages that still wait for it are lost.' },
  { icon: KeyRound, text: 'This browser gets new keys. Old messages stay on the old device.' },
  { icon: UsersRound, text: 'All your contacts see that your safety number has changed.' },
]

export interface ReplaceStepProps {
  readonly phone: string
  readonly pending: boolean
  readonly error: Error | undefined
  readonly onReplace: () => void
  readonly onWords: () => void
  readonly onBack: () => void
}

/** The number has keys on another device: replacing them is the person's explicit choice. */
export function ReplaceStep({ phone, pending, error, onReplace, onWords, onBack }: ReplaceStepProps) {
  const [understood, setUnderstood] = useState(false)
  return (
    <LoginLayout
      title="This number is in use"
      lead={
        <>
          <strong className="whitespace-nowrap font-semibold text-ink">{showPhone(phone)}</strong> already has an account on another device. If you go on here:
        </>
      }
    >
      <ul className="flex flex-col gap-3 rounded-2xl bg-sunken p-4">
        {CONSEQUENCES.map(({ icon: Icon, text }) => (
          <li key={text} className="flex gap-3">
            <Icon className="mt-0.5 size-5 shrink-0 text-accent-ink" aria-hidden />
            <span>{text}</span>
          </li>
        ))}
      </ul>
      <label className="flex cursor-pointer items-start gap-3">
        <input
          type="checkbox"
          checked={understood}
          onChange={(event) => setUnderstood(event.target.checked)}
          className="mt-1 size-[18px] accent-accent"
          data-testid="replace-understood"
        />
        <span>I understand, replace the keys of my account.</span>
      </label>
      {/* What led to this step is no failure of it. */}
      {error && !hasCode(error, 'auth/account-exists') && <FieldError>{errorText(error)}</FieldError>}
      <div className="flex flex-col gap-2">
        <Button variant="danger" disabled={!understood} pending={pending} onClick={onReplace} data-testid="replace-keys">
          Use this number here
        </Button>
        <Button variant="secondary" onClick={onWords} data-testid="have-words">
          I have my 24 words
        </Button>
        <Button variant="quiet" onClick={onBack}>
          Back
        </Button>
      </div>
    </LoginLayout>
  )
}
