import type { OtpSender } from '../ports/otp.js'

/** Prints codes with their numbers, for development: whoever reads the output can sign in as anybody. */
export function consoleOtp(print: (line: string) => void): OtpSender {
  return {
    async send({ phone, code }) {
      print(`code for ${phone}: ${code}`)
    },
  }
}
