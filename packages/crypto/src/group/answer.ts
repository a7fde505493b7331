import { LIMITS, SecureChatError, type Timestamp } from '@securechat/protocol/core'
import { PairwiseSender } from '../session/sender.js'
import { encodeDistribution } from './distribution.js'
import { type OwnChain, type RenewalInput, renewalDue, requireSpeaker } from './own-chain.js'
import type { SenderKeyRequest } from './request.js'

export interface AnswerInput extends RenewalInput {
  readonly own: OwnChain | null
  readonly request: SenderKeyRequest
  /** What `decryptMessage` said of the very message that carried the request. */
  readonly sender: PairwiseSender
  /** When that device was last answered in this group, by the own clock; 0: never. */
  readonly answeredAt: Timestamp
}

/**
 * The distribution that answers a request, to be sent pairwise to the device that asked and to no other; null where none goes out: the next message comes
 * under a new chain anyway, which is given to everybody, or the last answer is not an hour old. Throws `groups/not-a-member`, `groups/frozen`, `client/invalid-argument`.
 */
export function answerSenderKeyRequest({ own, request, sender, answeredAt, ...when }: AnswerInput): Uint8Array | null {
  const { view, now } = when
  if (!PairwiseSender.is(sender) || request.groupId !== view.groupId || (own && own.groupId !== view.groupId))
    throw new SecureChatError('client/invalid-argument', { detail: 'sender key request' })
  if (!view.isMember(sender.accountId)) throw new SecureChatError('groups/not-a-member', { detail: 'sender key request' })
  if (!own) return null
  requireSpeaker(view, own)
  // A clock that was set back does not open the gate: what lies ahead counts as now.
  if (now - answeredAt < LIMITS.retryIntervalMs) return null
  return renewalDue(own, when) ? null : encodeDistribution(own)
}
