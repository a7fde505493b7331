import { type AccountId, type ConversationId, type DeviceId, idToBytes, LABELS, type MessageId, SecureChatError, T, u32 } from '@securechat/protocol/core'
import type { CryptoProvider } from '../primitives/provider.js'

export interface FrankedMessage {
  /** fk: 32 random bytes inside `common`, the same on all copies of a message. */
  readonly frankingKey: Uint8Array
  /** The exact bytes that were encrypted. */
  readonly common: Uint8Array
  readonly conversationId: ConversationId
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly messageId: MessageId
}

/**
 * com = BLAKE2b-256(key = fk, T("SC1/frank", common, conversation, account, device, messageId)): travels in clear, so that the
 * server can later confirm a report that opens it, and only then (Dodis et al. 2018).
 */
export function frankingCommitment(provider: Pick<CryptoProvider, 'blake2b'>, message: FrankedMessage): Uint8Array {
  if (message.frankingKey.length !== 32) throw new SecureChatError('crypto/invalid-key', { detail: 'franking key length' })
  const { common, conversationId, accountId, deviceId, messageId } = message
  return provider.blake2b(
    32,
    T(LABELS.frank, common, idToBytes(conversationId), idToBytes(accountId), u32(deviceId), idToBytes(messageId)),
    message.frankingKey,
  )
}

/** The receiver's check: a message whose commitment does not open could not be reported, so it is refused. Throws `crypto/authentication-failed`. */
export function verifyFrankingCommitment(
  provider: Pick<CryptoProvider, 'blake2b' | 'equal'>,
  { commitment, ...message }: FrankedMessage & { readonly commitment: Uint8Array },
): void {
  if (!provider.equal(frankingCommitment(provider, message), commitment))
    throw new SecureChatError('crypto/authentication-failed', { detail: 'franking commitment' })
}
