import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  idFromBytes,
  idToBytes,
  isDeviceId,
  LABELS,
  readU32,
  readU64,
  SecureChatError,
  T,
  type Timestamp,
  u32,
  u64,
  writeU32,
  writeU64,
} from '@securechat/protocol/core'

/** Where a franked message went: to one account, or to a group as it was in one epoch. */
export type FrankingAudience =
  | { readonly kind: 'account'; readonly accountId: AccountId }
  | { readonly kind: 'group'; readonly groupId: ConversationId; readonly epoch: number }

/** What the server's tag says, besides the commitment: who sent it, as authenticated by the server, where to and when. */
export interface FrankedDelivery {
  readonly sender: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  readonly audience: FrankingAudience
}

/** What the server puts beside a franked message: u8 version = 1 ‖ u32 key id ‖ u64 time ‖ tag 32. */
export interface FrankingStamp {
  readonly keyId: number
  /** Of the server, when it accepted the message. */
  readonly time: Timestamp
  readonly tag: Uint8Array
}

const VERSION = 1
export const FRANKING_TAG_BYTES = 32
const STAMP_BYTES = 1 + 4 + 8 + FRANKING_TAG_BYTES
const AUDIENCE_KINDS = { account: 1, group: 2 } as const

/** u8 1 ‖ account 16, or u8 2 ‖ group 16 ‖ u64 epoch. */
export function encodeAudience(audience: FrankingAudience): Uint8Array {
  const id = idToBytes(audience.kind === 'account' ? audience.accountId : audience.groupId)
  const out = new Uint8Array(audience.kind === 'account' ? 17 : 25)
  out[0] = AUDIENCE_KINDS[audience.kind]
  out.set(id, 1)
  if (audience.kind === 'group') writeU64(out, 17, audience.epoch)
  return out
}

/** Throws `protocol/malformed`. */
export function decodeAudience(bytes: Uint8Array): FrankingAudience {
  const id = bytes.subarray(1, 17)
  if (bytes[0] === AUDIENCE_KINDS.account && bytes.length === 17) return { kind: 'account', accountId: idFromBytes<AccountId>(id) }
  if (bytes[0] === AUDIENCE_KINDS.group && bytes.length === 25) return { kind: 'group', groupId: idFromBytes<ConversationId>(id), epoch: readU64(bytes, 17) }
  throw new SecureChatError('protocol/malformed', { detail: 'franking audience' })
}

/** T("SC1/frank/tag", com 32, sender account 16, u32 sender device, audience, u64 time, u32 key id). Throws `client/invalid-argument`. */
export function frankingTagInput({
  commitment,
  sender,
  audience,
  time,
  keyId,
}: FrankedDelivery & Pick<FrankingStamp, 'time' | 'keyId'> & { readonly commitment: Uint8Array }): Uint8Array {
  if (commitment.length !== 32 || !isDeviceId(sender.deviceId) || !Number.isInteger(keyId) || keyId < 0 || keyId > 0xffffffff)
    throw new SecureChatError('client/invalid-argument', { detail: 'franking tag' })
  return T(LABELS.frankTag, commitment, idToBytes(sender.accountId), u32(sender.deviceId), encodeAudience(audience), u64(time), u32(keyId))
}

export function encodeFrankingStamp({ keyId, time, tag }: FrankingStamp): Uint8Array {
  if (tag.length !== FRANKING_TAG_BYTES) throw new SecureChatError('client/invalid-argument', { detail: 'franking tag' })
  const out = new Uint8Array(STAMP_BYTES)
  out[0] = VERSION
  writeU32(out, 1, keyId)
  writeU64(out, 5, time)
  out.set(tag, 13)
  return out
}

/** Copies. Throws `protocol/malformed` or `protocol/unsupported-version`. */
export function decodeFrankingStamp(bytes: Uint8Array): FrankingStamp {
  if (bytes.length > 0 && bytes[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'franking stamp' })
  if (bytes.length !== STAMP_BYTES) throw new SecureChatError('protocol/malformed', { detail: 'franking stamp' })
  return { keyId: readU32(bytes, 1), time: readU64(bytes, 5), tag: bytes.slice(13) }
}
