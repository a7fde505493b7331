import type { Login } from '@securechat/client'
import { useAction } from '@securechat/react'
import { QrCode } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { errorText } from '../format/error-text.js'
import { type CountryCode, readPhone } from '../format/phone.js'
import { LostNotice } from '../storage/lost-notice.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { LoginLayout } from './login-layout.js'
import { PhoneField } from './phone-field.js'

export interface PhoneStepProps {
  readonly typed: { readonly text: string; readonly country: CountryCode }
  readonly onTyped: (typed: { text: string; country: CountryCode }) => void
  readonly onLogin: (login: Login) => void
  readonly onLink: () => void
}

export function PhoneStep({ typed, onTyped, onLogin, onLink }: PhoneStepProps) {
  const { run, pending, error, reset } = useAction((client, phone: string) => client.account.requestCode({ phone }))
  const [asked, setAsked] = useState(false)
  const input = useId()
  const help = useId()
  const { number } = readPhone(typed.text, typed.country)
  const problem = error ? errorText(error) : asked && number === undefined ? 'Enter your whole phone number, with the country on the left.' : undefined

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setAsked(true)
    if (number === undefined) return document.getElementById(input)?.focus()
    const outcome = await run(number)
    if (outcome.ok) onLogin(outcome.value)
  }
  return (
    <LoginLayout title="What is your number?" lead="You get a one-time code to prove that it is yours. Others can find you by it.">
      <LostNotice />
      <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
        <div className="flex flex-col gap-2">
          <label htmlFor={input} className="font-medium text-sm">
            Phone number
          </label>
          <PhoneField
            id={input}
            testId="phone-input"
            autoFocus
            {...typed}
            onChange={({ text, country }) => {
              setAsked(false)
              reset()
              onTyped({ text, country })
            }}
            invalid={problem !== undefined}
            describedBy={problem ? help : undefined}
          />
          {problem && <FieldError id={help}>{problem}</FieldError>}
        </div>
        <Button type="submit" pending={pending} data-testid="request-code">
          Send me a code
        </Button>
      </form>
      <div
        aria-hidden
        className="flex items-center gap-3 text-ink-faint text-sm before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line"
      >
        or
      </div>
      <Button variant="secondary" icon={<QrCode className="size-[18px]" aria-hidden />} onClick={onLink} data-testid="link-instead">
        Link to another device
      </Button>
      <p className="text-ink-faint text-sm">Your keys are made on this device and never leave it.</p>
    </LoginLayout>
  )
}
