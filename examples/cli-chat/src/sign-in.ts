import { type Client, isSecureChatError, type Login } from '@securechat/client'
import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { linkThisDevice } from './linking.js'
import type { Printer } from './printer.js'

export type Ask = (question: string) => Promise<string | null>

/** E.164, or null with a word about why. */
export function toE164(text: string): string | null {
  const parsed = parsePhoneNumberFromString(text.trim())
  return parsed?.isPossible() ? parsed.number : null
}

/** Number → code → name, or linking to a device that one has. Resolves to false when the input ended first. */
export async function signIn(chat: Client, ask: Ask, printer: Printer): Promise<boolean> {
  let login: Login | undefined
  while (!login) {
    const answer = await ask('Your phone number, with country code (+1…), or “link” to use an account that you have on another device: ')
    if (answer === null) return false
    if (/^\/?link$/i.test(answer.trim())) {
      if (await linkThisDevice(chat, ask, printer)) return true
      continue
    }
    const phone = toE164(answer)
    if (!phone) {
      printer.say('problem', 'That is not a phone number with a country code, such as +14155550100.')
      continue
    }
    try {
      login = await chat.account.requestCode({ phone })
    } catch (error) {
      report(error, printer)
    }
  }
  printer.say('code-sent', `A code of ${login.codeDigits} digits was sent to ${login.phone}.`)
  let replaceKeys = false
  let code: string | null = null
  for (;;) {
    code ??= await ask('Code: ')
    if (code === null) return false
    try {
      await login.confirm({ code: code.trim(), replaceKeys })
      break
    } catch (error) {
      if (isSecureChatError(error, 'auth/account-exists')) {
        const sure = await ask(
          'This number is in use on another device. Going on signs that device out, and contacts see a new safety number. Go on? (yes/no) ',
        )
        if (sure?.trim().toLowerCase() !== 'yes') return false
        replaceKeys = true
        continue
      }
      report(error, printer)
      if (!isSecureChatError(error, 'auth/code-wrong')) return signIn(chat, ask, printer)
      code = null
    }
  }
  const name = (await ask('Your name: '))?.trim()
  if (name) await chat.account.setProfile({ name })
  printer.say('signed-in', `Welcome${name ? `, ${name}` : ''}. /help lists what you can do.`)
  return true
}

/** Typed errors are shown and the terminal goes on; anything else is a defect and ends it. */
export function report(error: unknown, printer: Printer): void {
  if (!isSecureChatError(error)) throw error
  const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${Math.ceil(error.retryAfterSeconds)} s.`
  printer.say('problem', `${error.message}${wait}`, { code: error.code })
}
