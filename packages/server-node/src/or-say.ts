import { isSecureChatError } from '@securechat/protocol'

/** What a person can mend is one line on standard error and exit code 1; anything else is a fault of the program. */
export async function orSay(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isSecureChatError(error)) throw error
    process.stderr.write(`securechat-server: ${error.detail ?? error.message}\n`)
    process.exitCode = 1
  }
}
