import { LABELS, SecureChatError, T, text, toBase64Url } from '@securechat/protocol'
import type { Verifier } from '../ports/verifier.js'

/** 32 random bytes each. Losing `phonePepper` loses which number belongs to whom; changing `tokenKey` ends no session but every access token. */
export interface ServerSecrets {
  /** Seed of the Ed25519 key that signs access tokens; one-time codes are authenticated with a key derived from it. */
  readonly tokenKey: Uint8Array
  /** Key of the hash under which phone numbers are stored. */
  readonly phonePepper: Uint8Array
}

export function requireSecrets(secrets: ServerSecrets): ServerSecrets {
  for (const name of ['tokenKey', 'phonePepper'] as const) {
    if (secrets[name].length !== 32) throw new SecureChatError('client/invalid-argument', { detail: `${name} must be 32 bytes` })
  }
  return secrets
}

/** What is stored in place of numbers, codes and tokens. */
export interface Hashes {
  phone(phone: string): Uint8Array
  code(loginId: string, code: string): Uint8Array
  token(token: string): Uint8Array
  /** Derived from the login, so that a repeated confirmation answers the same token without anything secret being stored. */
  registrationToken(loginId: string): string
  /** Of the key that a client has stretched from a PIN: without the server's secrets a stolen database is no help in guessing. */
  pin(accountId: string, key: Uint8Array): Uint8Array
  /** The successor of a refresh token, 32 bytes, masked with what only the presented token gives; applied again it opens. */
  maskSuccessor(presented: string, successor: Uint8Array): Uint8Array
}

export function createHashes(verifier: Pick<Verifier, 'blake2b'>, secrets: ServerSecrets): Hashes {
  const codeKey = verifier.blake2b(32, T(LABELS.serverOtp, text('key')), secrets.tokenKey)
  return {
    phone: (phone) => verifier.blake2b(32, T(LABELS.serverPhone, text(phone)), secrets.phonePepper),
    code: (loginId, code) => verifier.blake2b(32, T(LABELS.serverOtp, text('code'), text(loginId), text(code)), codeKey),
    token: (token) => verifier.blake2b(32, T(LABELS.serverToken, text('hash'), text(token))),
    registrationToken: (loginId) => toBase64Url(verifier.blake2b(32, T(LABELS.serverToken, text('registration'), text(loginId)), codeKey)),
    pin: (accountId, key) => verifier.blake2b(32, T(LABELS.serverPin, text(accountId), key), secrets.phonePepper),
    maskSuccessor(presented, successor) {
      // One token has one successor, so the mask is used once.
      const mask = verifier.blake2b(32, T(LABELS.serverToken, text('successor')), verifier.blake2b(32, T(LABELS.serverToken, text('mask'), text(presented))))
      return successor.map((byte, i) => byte ^ mask[i]!)
    },
  }
}
