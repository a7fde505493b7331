import { type ConversationId, idFromBytes, idToBytes, LABELS, parseT, readU64, SecureChatError, T, u8, u64 } from '@securechat/protocol/core'

/** Asks a device for its sender key, inside a pairwise message to it: the message named a chain that is not known here. */
export interface SenderKeyRequest {
  readonly groupId: ConversationId
  /** Of the message that could not be read. */
  readonly epoch: number
  readonly chainId: Uint8Array
}

const VERSION = 1

/** T("SC1/sk/request", u8 version, group, u64 epoch, chain id 32). Throws `client/invalid-argument`. */
export function encodeSenderKeyRequest({ groupId, epoch, chainId }: SenderKeyRequest): Uint8Array {
  if (chainId.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'chain id length' })
  return T(LABELS.senderKeyRequest, u8(VERSION), idToBytes(groupId), u64(epoch), chainId)
}

/**
 * Answered with the distribution of the present chain, and only to a believed device of a current member. Copies. Throws `protocol/malformed`,
 * `protocol/unsupported-version`.
 */
export function decodeSenderKeyRequest(bytes: Uint8Array): SenderKeyRequest {
  const [version, group, epoch, chainId, ...more] = parseT(bytes, LABELS.senderKeyRequest)
  if (version?.length === 1 && version[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'sender key request' })
  if (version?.length !== 1 || !group || epoch?.length !== 8 || chainId?.length !== 32 || more.length > 0)
    throw new SecureChatError('protocol/malformed', { detail: 'sender key request' })
  return { groupId: idFromBytes<ConversationId>(group), epoch: readU64(epoch, 0), chainId: chainId.slice() }
}
