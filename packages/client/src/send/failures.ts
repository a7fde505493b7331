import type { SecureChatError } from '@securechat/protocol'

/**
 * What a failed step of sending means. Nothing of it loses a message: `fail` shows it as failed, and `retry()` queues it again.
 *
 * refresh: the device list was out of date: fetch it and encrypt anew (the server has stored nothing).
 * hold: the contact's account key has changed; the row stays as it is until the user accepts.
 * later: again after a pause. stop: not by us, not now (signed out, closed).
 */
export type SendAction = 'refresh' | 'hold' | 'later' | 'stop' | 'fail'

/** A device list that is out of date again and again is a server's fault; after so many rounds in a row there are pauses. */
export const REFRESHES_AT_ONCE = 3

export function classifySendFailure({ code, retry }: SecureChatError): SendAction {
  switch (code) {
    case 'devices/stale-manifest':
    case 'mailbox/unknown-recipient':
      return 'refresh'
    case 'devices/identity-changed':
      return 'hold'
    // No prekeys at this moment: the device may publish some.
    case 'crypto/no-session':
    case 'storage/conflict':
      return 'later'
    case 'client/closed':
    case 'storage/closed':
    case 'request/aborted':
      return 'stop'
    default:
      if (code.startsWith('auth/')) return 'stop'
      return retry === 'later' || retry === 'now' ? 'later' : 'fail'
  }
}
