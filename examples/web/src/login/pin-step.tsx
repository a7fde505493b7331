import { isSecureChatError } from '@securechat/client'
import { type FormEvent, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { Button } from '../ui/button.js'
import { PasswordField } from '../ui/password-field.js'
import { LoginLayout } from './login-layout.js'

export interface PinStepProps {
  readonly phone: string
  readonly pending: boolean
  readonly error: Error | undefined
  readonly onPin: (pin: string) => void
  readonly onWords: () => void
  readonly onBack: () => void
}

function problemOf(error: Error | undefined): string | undefined {
  // What led to this step is no failure of it.
  if (!error || hasCode(error, 'auth/pin-required')) return undefined
  if (!isSecureChatError(error)) return errorText(error)
  if (error.code === 'auth/pin-wrong') {
    const left = error.triesLeft ?? 0
    return left === 1 ? 'That is not the PIN. One try is left.' : `That is not the PIN. ${left} tries are left.`
  }
  if (error.code === 'auth/too-many-tries') {
    const hours = Math.max(1, Math.ceil((error.retryAfterSeconds ?? 0) / 3_600))
    return `Too many wrong PINs. Try again in ${hours === 1 ? 'an hour' : `${hours} hours`}, or use your 24 words.`
  }
  return errorText(error)
}

/** The number has a registration lock: who has the code alone gets nowhere. */
export function PinStep({ phone, pending, error, onPin, onWords, onBack }: PinStepProps) {
  const [pin, setPin] = useState('')
  const [asked, setAsked] = useState(false)
  const problem = asked && pin === '' ? 'Type your PIN, please.' : problemOf(error)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setAsked(true)
    if (pin !== '' && !pending) onPin(pin)
  }
  return (
    <LoginLayout
      title="Enter your PIN"
      lead={
        <>
          <strong className="whitespace-nowrap font-semibold text-ink">{showPhone(phone)}</strong> is protected by a PIN that you chose on another device.
        </>
      }
    >
      <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
        <PasswordField
          label="PIN"
          value={pin}
          onChange={(value) => {
            setAsked(false)
            setPin(value)
          }}
          problem={problem}
          autoComplete="off"
          testId="pin-input"
          autoFocus
        />
        <div className="flex flex-col gap-2">
          <Button type="submit" pending={pending} data-testid="confirm-pin">
            {pending ? 'Checking …' : 'Continue'}
          </Button>
          <Button variant="secondary" onClick={onWords} data-testid="have-words">
            I have my 24 words
          </Button>
          <Button variant="quiet" onClick={onBack}>
            Back
          </Button>
        </div>
        <p className="text-pretty text-ink-soft text-sm">
          Forgotten? Without the words, the PIN is asked for until none of your devices has been online for a week. Then the number is free to be registered
          anew.
        </p>
      </form>
    </LoginLayout>
  )
}
