import { type Client, type ConfirmInput, isSecureChatError, type Login } from '@securechat/client'
import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { type Ask, isYes, report } from './asking.js'
import { restoreBackup } from './backup.js'
import { linkThisDevice } from './linking.js'
import type { Printer } from './printer.js'

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
  const confirmed = await confirmCode(login, ask, printer)
  if (confirmed === 'ended') return false
  if (confirmed === 'again') return signIn(chat, ask, printer)
  if (confirmed.words !== undefined) await restoreBackup(chat, confirmed.words, printer)
  const name = confirmed.words === undefined ? (await ask('Your name: '))?.trim() : undefined
  if (name) await chat.account.setProfile({ name })
  printer.say('signed-in', `Welcome${name ? `, ${name}` : ''}. /help lists what you can do.`)
  return true
}

/** The code, then what the account asks for besides: that its keys are replaced or recovered, the PIN of its registration lock. */
async function confirmCode(login: Login, ask: Ask, printer: Printer): Promise<{ readonly words?: string } | 'ended' | 'again'> {
  let input: ConfirmInput | undefined
  for (;;) {
    if (!input) {
      const code = await ask('Code: ')
      if (code === null) return 'ended'
      input = { code: code.trim() }
    }
    try {
      await login.confirm(input)
      return input.recoveryWords === undefined ? {} : { words: input.recoveryWords as string }
    } catch (error) {
      if (isSecureChatError(error, 'auth/account-exists')) {
        const { code } = input
        const answer = await ask(
          'This number is in use on another device. With your 24 recovery words, typed here, you go on where it was. With “yes” you go on without them: that device is signed out, and contacts see a new safety number. (words/yes/no) ',
        )
        if (answer === null || /^\s*no?\s*$/i.test(answer)) return 'ended'
        input = isYes(answer) ? { code, replaceKeys: true } : { code, recoveryWords: answer.trim() }
        continue
      }
      report(error, printer)
      if (isSecureChatError(error, 'auth/pin-required') || isSecureChatError(error, 'auth/pin-wrong')) {
        const pin = await ask('PIN of this account, or your 24 recovery words: ')
        if (pin === null) return 'ended'
        const { code, replaceKeys = false } = input
        input = pin.trim().split(/\s+/).length === 24 ? { code, recoveryWords: pin.trim() } : { code, replaceKeys, pin: pin.trim() }
        continue
      }
      // Mistyped words: the same question again.
      if (isSecureChatError(error, 'client/invalid-argument') && input.recoveryWords !== undefined) {
        input = { code: input.code }
        continue
      }
      if (!isSecureChatError(error, 'auth/code-wrong')) return 'again'
      input = undefined
    }
  }
}
