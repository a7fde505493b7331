import { errorText, hasCode } from '../format/error-text.js'

/** Why linking did not go on, for whoever stands before one of the two screens. */
export function linkProblem(error: unknown): string {
  if (hasCode(error, 'client/invalid-argument')) return 'This is no linking code. Open SecureChat on the new device and choose “Link to another device”.'
  if (hasCode(error, 'crypto/authentication-failed') || hasCode(error, 'devices/invalid-manifest'))
    return 'The answer did not come from the other screen. Somebody may be in between: stop, and try again over another network.'
  if (hasCode(error, 'request/conflict')) return 'Your list of devices has changed meanwhile. Scan the code once more.'
  if (hasCode(error, 'client/not-found') || hasCode(error, 'request/not-found'))
    return 'The code is not valid any more. Show a new one on the other device and scan that.'
  return errorText(error)
}
