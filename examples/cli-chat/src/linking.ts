import type { Client, LinkRequest } from '@securechat/client'
import { isSecureChatError } from '@securechat/client'
import { renderUnicodeCompact } from 'uqr'
import { type Ask, isYes, report } from './asking.js'
import type { Printer } from './printer.js'

/** What a person sees between two halves of six digits. */
const spaced = (digits: string): string => `${digits.slice(0, 3)} ${digits.slice(3)}`

/** The new device's side: shows codes until one is scanned, then the account and the digits. Resolves to whether this device is linked now. */
export async function linkThisDevice(chat: Client, ask: Ask, printer: Printer): Promise<boolean> {
  for (;;) {
    let request: LinkRequest
    try {
      request = await chat.devices.requestLink()
    } catch (error) {
      report(error, printer)
      return false
    }
    show(request, printer)
    try {
      const invitation = await request.answered()
      const { phone, digits } = invitation
      printer.say('link-answered', `Account ${phone}. Type these digits on the other device: ${spaced(digits)}`, { phone, digits })
      if (!isYes(await ask('Is this your account, and does the other screen ask for them? (yes/no) '))) {
        request.cancel()
        return false
      }
      printer.say('link-waiting', 'Waiting until they are typed there …')
      await invitation.confirm()
      printer.say('linked', 'This device is linked. /help lists what you can do.')
      return true
    } catch (error) {
      report(error, printer)
      if (!isSecureChatError(error, 'devices/link-expired')) return false
      if (!isYes(await ask('Show a new code? (yes/no) '))) return false
    }
  }
}

function show({ code, expiresAt }: LinkRequest, printer: Printer): void {
  // As text only: whoever reads the JSON form draws the code.
  printer.picture(renderUnicodeCompact(code, { ecc: 'L', border: 2 }))
  printer.say('link-code', `On the device that you use already: Settings → Linked devices → Link a device, or /link and this text:\n${code}`, {
    code,
    expiresAt,
  })
}

/** The primary device's side. */
export async function linkOtherDevice(chat: Client, code: string, { ask, printer }: { ask: Ask; printer: Printer }): Promise<void> {
  const scan = await chat.devices.scanLink(code)
  const promotion = scan.kind === 'promotion'
  printer.say(
    'link-warning',
    promotion
      ? 'The other device will hold the key of your account in place of this one, link devices and remove them. Go on only with a code from your own screen.'
      : 'The new device will read all your new messages and can write in your name. Go on only with a code from your own screen.',
  )
  const what = promotion ? 'that is to become your primary device' : 'that is new'
  for (;;) {
    const typed = await ask(`The six digits on the screen of the device ${what} (empty: cancel): `)
    if (typed === null || typed.trim() === '') {
      scan.cancel()
      printer.say('link-cancelled', 'Cancelled. Your devices are as they were.')
      return
    }
    try {
      printer.say('link-waiting', 'Waiting for the other device …')
      const { deviceId } = await scan.approve(typed)
      printer.say('link-done', promotion ? `Device ${deviceId} is your primary device now.` : `Device ${deviceId} is linked. /devices lists them.`, {
        deviceId,
      })
      return
    } catch (error) {
      if (!isSecureChatError(error, 'devices/link-mismatch')) throw error
      report(error, printer)
    }
  }
}
