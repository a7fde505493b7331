import type { ConfirmInput, Login } from '@securechat/client'
import { useAction } from '@securechat/react'
import { persistence } from '@securechat/storage-indexeddb'
import { type FormEvent, useId, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { countdown } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { CodeField } from '../ui/code-field.js'
import { FieldError } from '../ui/field-error.js'
import { LoginLayout } from './login-layout.js'
import { PinStep } from './pin-step.js'
import { ReplaceStep } from './replace-step.js'
import { RestoreStep } from './restore-step.js'

export interface CodeStepProps {
  readonly login: Login
  readonly onLogin: (login: Login) => void
  readonly onBack: () => void
}

export function CodeStep({ login, onLogin, onBack }: CodeStepProps) {
  const [code, setCode] = useState('')
  /** What the account asks for besides the code. */
  const [step, setStep] = useState<'pin' | 'exists'>()
  const [byWords, setByWords] = useState(false)
  const toast = useToast()
  const input = useId()
  const help = useId()
  const confirm = useAction(async (_client, input: ConfirmInput) => {
    const account = await login.confirm(input)
    // The keys live in this browser alone: ask it not to throw them away. It may say no; chatting goes on either way.
    await persistence({ request: true }).catch(() => undefined)
    return account
  })
  const restore = useAction(async (client, recoveryWords: string) => {
    await login.confirm({ code, recoveryWords })
    await persistence({ request: true }).catch(() => undefined)
    // From here on another screen is shown: what goes wrong is told in passing.
    await client.backups.restore({ words: recoveryWords }).catch((error: unknown) => {
      toast(hasCode(error, 'client/not-found') ? 'There is no backup on the server; your account is back.' : errorText(error))
    })
  })
  const resend = useAction((client) => client.account.requestCode({ phone: login.phone }))
  const now = useNow(1_000)

  const submit = async (input: ConfirmInput): Promise<void> => {
    if (confirm.pending) return
    const outcome = await confirm.run(input)
    if (outcome.ok) return
    if (hasCode(outcome.error, 'auth/pin-required')) setStep('pin')
    else if (hasCode(outcome.error, 'auth/account-exists')) setStep('exists')
    else if (hasCode(outcome.error, 'auth/code-wrong')) setCode('')
  }
  const change = (entered: string): void => {
    confirm.reset()
    setCode(entered)
    if (entered.length === login.codeDigits) void submit({ code: entered })
  }
  const again = async (): Promise<void> => {
    const outcome = await resend.run()
    if (outcome.ok) onLogin(outcome.value)
  }

  if (byWords)
    return <RestoreStep pending={restore.pending} error={restore.error} onRestore={(words) => void restore.run(words)} onBack={() => setByWords(false)} />
  if (step === 'pin')
    return (
      <PinStep
        phone={login.phone}
        pending={confirm.pending}
        error={confirm.error}
        onPin={(pin) => void submit({ code, pin })}
        onWords={() => setByWords(true)}
        onBack={onBack}
      />
    )
  if (step === 'exists')
    return (
      <ReplaceStep
        phone={login.phone}
        pending={confirm.pending}
        error={confirm.error}
        onReplace={() => void submit({ code, replaceKeys: true })}
        onWords={() => setByWords(true)}
        onBack={onBack}
      />
    )

  const expired = now >= login.expiresAt || hasCode(confirm.error, 'auth/code-expired')
  // No code can be tried any more: what helps is the other button.
  const over = expired || hasCode(confirm.error, 'auth/too-many-tries')
  const wait = login.resendAt - now
  const problem = confirm.error ? errorText(confirm.error) : expired ? 'This code has expired. Ask for a new one.' : undefined
  return (
    <LoginLayout
      title="Enter the code"
      lead={
        <>
          Sent to <strong className="whitespace-nowrap font-semibold text-ink">{showPhone(login.phone)}</strong>.{' '}
          <button type="button" className="font-medium text-accent-ink underline underline-offset-3" onClick={onBack}>
            Change number
          </button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event: FormEvent) => {
          event.preventDefault()
          if (code.length === login.codeDigits) void submit({ code })
          else document.getElementById(input)?.focus()
        }}
      >
        <div className="flex flex-col gap-2">
          <label htmlFor={input} className="font-medium text-sm">
            {login.codeDigits}-digit code
          </label>
          <CodeField
            id={input}
            digits={login.codeDigits}
            value={code}
            onChange={change}
            disabled={confirm.pending || over}
            invalid={problem !== undefined}
            describedBy={problem ? help : undefined}
          />
          {problem && <FieldError id={help}>{problem}</FieldError>}
        </div>
        {!over && (
          <Button type="submit" pending={confirm.pending} data-testid="confirm-code">
            {confirm.pending ? 'Setting up your keys …' : 'Continue'}
          </Button>
        )}
        <Button variant={over ? 'primary' : 'quiet'} disabled={wait > 0} pending={resend.pending} onClick={() => void again()} data-testid="resend-code">
          {wait > 0 ? `New code in ${countdown(wait)}` : 'Send a new code'}
        </Button>
        {resend.error && <FieldError>{errorText(resend.error)}</FieldError>}
      </form>
    </LoginLayout>
  )
}
