import { type CryptoDeps, encryptMessage, needsBundle, type SessionRecord } from '@securechat/crypto'
import { type AccountId, encodeValue, isSecureChatError, SecureChatError, type SendRecipient } from '@securechat/protocol'
import { type Bundles, deviceName } from './ensure-sessions.js'
import type { Audience } from './resolve-devices.js'

export interface Fanout {
  readonly recipients: readonly SendRecipient[]
  /** New session states, in the order of `recipients`. */
  readonly sessions: readonly SessionRecord[]
  /** Devices that cannot be written to, and why; the others do not wait for them. */
  readonly skipped: readonly { readonly accountId: AccountId; readonly error: SecureChatError }[]
  /** A session was made from prekeys that have expired: their device was not online for long. */
  readonly stale: boolean
}

const NOTHING = new Uint8Array(0)

export interface FanoutInput extends Audience {
  readonly peer: AccountId
  readonly common: Uint8Array
  /** One for each remote; null where there is none. */
  readonly records: readonly (SessionRecord | null)[]
  readonly bundles: Bundles
  /** One for each remote: it asked for a new session. */
  readonly renew: readonly boolean[]
  /** Set where the message is sent again: the hashes of the envelopes that it replaces. */
  readonly again?: readonly Uint8Array[] | undefined
}

/** What only this copy says: whom a message of one's own went to, and what it replaces. */
const perSessionOf = (own: boolean, { peer, again }: Pick<FanoutInput, 'peer' | 'again'>): Uint8Array =>
  own || again ? encodeValue({ ...(own && { to: peer }), ...(again && { again }) }) : NOTHING

/**
 * One body, encrypted for every device. Pure: nothing has happened until the caller commits all of it. Throws `crypto/no-session` when not
 * one device of the peer can be reached.
 */
export function encryptFanout(deps: CryptoDeps, { local, remotes, peer, common, records, bundles, renew, again }: FanoutInput): Fanout {
  const recipients: SendRecipient[] = []
  const sessions: SessionRecord[] = []
  const skipped: { accountId: AccountId; error: SecureChatError }[] = []
  let stale = false
  for (const [index, remote] of remotes.entries()) {
    const { accountId, deviceId } = remote
    const record = records[index] ?? null
    const bundle = bundles.get(deviceName(remote))
    try {
      const newSession = renew[index] === true
      if ((newSession || needsBundle(record, { now: deps.now })) && !bundle) throw new SecureChatError('crypto/no-session', { detail: 'no prekeys' })
      const perSession = perSessionOf(accountId === local.accountId, { peer, again })
      const result = encryptMessage(deps, {
        record,
        local,
        remote,
        plaintext: { common, perSession },
        newSession,
        ...(bundle && { bundle }),
      })
      recipients.push({ accountId, deviceId, manifestVersion: remote.manifest.version, envelope: result.envelope })
      sessions.push(result.record)
      stale ||= result.stale
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      skipped.push({ accountId, error })
    }
  }
  const reached = (again && recipients.length > 0) || peer === local.accountId || recipients.some(({ accountId }) => accountId === peer)
  if (!reached) throw skipped.find(({ accountId }) => accountId === peer)?.error ?? new SecureChatError('crypto/no-session', { detail: 'no device' })
  return { recipients, sessions, skipped, stale }
}
