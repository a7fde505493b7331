import { SecureChatError } from '@securechat/protocol/core'
import type { CryptoDeps } from '../deps.js'
import type { LocalDevice } from '../identity/devices.js'
import { type EncryptManyResult, encryptToMany, type Recipient } from '../session/encrypt-many.js'
import { encodeDistribution } from './distribution.js'
import { type OwnChain, requireSpeaker } from './own-chain.js'
import type { GroupView } from './view.js'

export interface DistributeInput {
  readonly own: OwnChain
  readonly view: GroupView
  readonly local: LocalDevice
  /** Believed devices of the members (`believedDevices`), own further devices included. */
  readonly recipients: readonly Recipient[]
  /** What the messages say: the distribution (secret bytes) in the form of the application's contents. By default its bytes alone. */
  readonly content?: (distribution: Uint8Array) => Uint8Array
}

const NOTHING = new Uint8Array(0)

/**
 * The sender key inside one pairwise message for each device. Pure: commit all records together with the envelopes BEFORE any is sent. Results are in the
 * order of the recipients: who has not joined is refused with `groups/not-a-member`, whoever the server says is a member, and gets nothing; the others as
 * `encryptToMany` has it. Throws `groups/frozen`, `groups/not-a-member` (this account), `groups/renewal-due` (the chain is older than the last removal),
 * `client/invalid-argument` (a recipient twice, this very device, a chain of another group or device).
 */
export function distributeSenderKey(deps: CryptoDeps, { own, view, local, recipients, content }: DistributeInput): readonly EncryptManyResult[] {
  const isSelf = ({ accountId, deviceId }: { readonly accountId: string; readonly deviceId: number }): boolean =>
    accountId === own.accountId && deviceId === own.deviceId
  if (own.groupId !== view.groupId || !isSelf(local) || recipients.some(({ remote }) => isSelf(remote)))
    throw new SecureChatError('client/invalid-argument', { detail: 'sender key distribution' })
  requireSpeaker(view, own)
  if (own.epoch < view.keysSince) throw new SecureChatError('groups/renewal-due', { detail: 'distribution' })
  const distribution = encodeDistribution(own)
  const common = content ? content(distribution) : distribution
  const members = recipients.filter(({ remote }) => view.isMember(remote.accountId))
  const sent = encryptToMany(deps, { local, plaintext: { common, perSession: NOTHING }, recipients: members })
  if (members.length === recipients.length) return sent
  const inOrder = sent[Symbol.iterator]()
  return recipients.map(({ remote }) =>
    view.isMember(remote.accountId)
      ? (inOrder.next().value as EncryptManyResult)
      : { kind: 'refused', error: new SecureChatError('groups/not-a-member', { detail: 'recipient' }) },
  )
}
