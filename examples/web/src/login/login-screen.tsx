import type { Login } from '@securechat/client'
import { useState } from 'react'
import { type CountryCode, guessCountry } from '../format/phone.js'
import { CodeStep } from './code-step.js'
import { PhoneStep } from './phone-step.js'

/** Number, then code. The name comes after it: the account exists from the code on, so a reload in between leads there. */
export function LoginScreen() {
  const [login, setLogin] = useState<Login>()
  // Kept here, so that "change the number" finds what was typed.
  const [typed, setTyped] = useState<{ text: string; country: CountryCode }>(() => ({ text: '', country: guessCountry(navigator.language) }))
  if (!login) return <PhoneStep typed={typed} onTyped={setTyped} onLogin={setLogin} />
  return <CodeStep key={login.resendAt} login={login} onLogin={setLogin} onBack={() => setLogin(undefined)} />
}
