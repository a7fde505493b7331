import type { SecureChatError } from '@securechat/protocol'

/**
 * What a row that cannot be decrypted means. Rows are acknowledged cumulatively, so one row must never stop the mailbox for good: what is
 * not the network's or the store's fault is settled now.
 *
 * had: it was decrypted before, acknowledge and drop. manifest: one of the two device lists is too old to judge it, fetch and try again.
 * keep: written by a newer version, keep its bytes. lost: the keys for it are gone here; a known contact's gets a placeholder and is asked for again,
 * over a new session.
 * forged: nobody who holds the keys wrote it; drop and count. later: the network or the store failed; stop, do NOT acknowledge.
 */
export type ReceiveAction = 'had' | 'manifest' | 'keep' | 'lost' | 'forged' | 'later'

export function classifyReceiveFailure({ code }: SecureChatError): ReceiveAction {
  switch (code) {
    case 'crypto/duplicate-message':
    case 'crypto/replayed-handshake':
      return 'had'
    case 'devices/stale-manifest':
    case 'mailbox/unknown-recipient':
      return 'manifest'
    case 'protocol/unsupported-version':
      return 'keep'
    case 'crypto/no-session':
    case 'crypto/unknown-prekey':
    case 'crypto/limit-exceeded':
    // Of this row's session or prekey: the row is lost, the mailbox is not.
    case 'storage/corrupt':
      return 'lost'
    case 'crypto/authentication-failed':
    case 'crypto/invalid-key':
    case 'crypto/invalid-signature':
    case 'protocol/malformed':
    case 'protocol/too-large':
    case 'devices/manifest-fork':
    case 'devices/manifest-rollback':
    case 'devices/invalid-manifest':
    case 'devices/identity-changed':
      return 'forged'
    default:
      return 'later'
  }
}
