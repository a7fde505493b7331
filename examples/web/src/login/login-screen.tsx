import type { Login } from '@securechat/client'
import { lazy, Suspense, useState } from 'react'
import { type CountryCode, guessCountry } from '../format/phone.js'
import { CodeStep } from './code-step.js'
import { PhoneStep } from './phone-step.js'

const LinkStep = lazy(() => import('./link-step.js'))

/** Number, then code; or another device of the account scans a code. The name comes after it: the account exists from the code on, so a reload in between leads there. */
export function LoginScreen() {
  const [login, setLogin] = useState<Login>()
  // Kept here, so that "change the number" finds what was typed.
  const [typed, setTyped] = useState<{ text: string; country: CountryCode }>(() => ({ text: '', country: guessCountry(navigator.language) }))
  const [linking, setLinking] = useState(false)
  if (linking)
    return (
      <Suspense>
        <LinkStep onBack={() => setLinking(false)} />
      </Suspense>
    )
  if (!login) return <PhoneStep typed={typed} onTyped={setTyped} onLogin={setLogin} onLink={() => setLinking(true)} />
  return <CodeStep key={login.resendAt} login={login} onLogin={setLogin} onBack={() => setLogin(undefined)} />
}
