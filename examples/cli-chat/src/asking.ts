import { isSecureChatError } from '@securechat/client'
import type { Printer } from './printer.js'

/** The next line that the person types; null when the input has ended. */
export type Ask = (question: string) => Promise<string | null>

export const isYes = (answer: string | null): boolean => answer?.trim().toLowerCase() === 'yes'

/** Typed errors are shown and the terminal goes on; anything else is a defect and ends it. */
export function report(error: unknown, printer: Printer): void {
  if (!isSecureChatError(error)) throw error
  const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${Math.ceil(error.retryAfterSeconds)} s.`
  printer.say('problem', `${error.message}${wait}`, { code: error.code })
}
