import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  idFromBytes,
  idToBytes,
  isDeviceId,
  LABELS,
  LIMITS,
  type MessageId,
  parseT,
  readU32,
  SecureChatError,
  T,
  u8,
  u32,
} from '@securechat/protocol/core'
import { decodeAudience, decodeFrankingStamp, encodeAudience, type FrankedDelivery } from './stamp.js'

/** A message as a recipient shows it to the server: it discloses `common`, with the keys of attachments in it, and nothing of other messages. */
export interface FrankingReport extends FrankedDelivery {
  readonly conversationId: ConversationId
  readonly messageId: MessageId
  /** fk, from inside `common`. */
  readonly frankingKey: Uint8Array
  /** com, from the envelope's header. */
  readonly commitment: Uint8Array
  /** The exact bytes that were decrypted; of a shared body its content and not the reference. */
  readonly common: Uint8Array
  /** As the server delivered it beside the message. */
  readonly stamp: Uint8Array
}

const VERSION = 1
const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'franking report' })
}

/**
 * T("SC1/frank/report", u8 version, sender account, u32 sender device, audience, conversation, message, fk, com, common, stamp). Throws
 * `client/invalid-argument`, `protocol/malformed` (stamp), `protocol/too-large`.
 */
export function encodeFrankingReport(report: FrankingReport): Uint8Array {
  const { sender, audience, conversationId, messageId, frankingKey, commitment, common, stamp } = report
  if (frankingKey.length !== 32 || commitment.length !== 32 || !isDeviceId(sender.deviceId))
    throw new SecureChatError('client/invalid-argument', { detail: 'franking report' })
  decodeFrankingStamp(stamp)
  const names = [idToBytes(sender.accountId), u32(sender.deviceId), encodeAudience(audience), idToBytes(conversationId), idToBytes(messageId)] as const
  const bytes = T(LABELS.frankReport, u8(VERSION), ...names, frankingKey, commitment, common, stamp)
  if (bytes.length > LIMITS.reportBytes) throw new SecureChatError('protocol/too-large', { detail: 'franking report' })
  return bytes
}

type Nine = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]

/** What a report claims; nothing of it is true before `verifyFrankingReport`. Copies. Throws `protocol/malformed`, `protocol/too-large`, `protocol/unsupported-version`. */
export function decodeFrankingReport(bytes: Uint8Array): FrankingReport {
  if (bytes.length > LIMITS.reportBytes) throw new SecureChatError('protocol/too-large', { detail: 'franking report' })
  const [version, ...fields] = parseT(bytes, LABELS.frankReport)
  if (version?.length !== 1) return malformed()
  if (version[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'franking report' })
  if (fields.length !== 9) malformed()
  const [account, device, audience, conversation, message, frankingKey, commitment, common, stamp] = fields as Nine
  if (device.length !== 4 || frankingKey.length !== 32 || commitment.length !== 32) malformed()
  const deviceId = readU32(device, 0)
  if (!isDeviceId(deviceId)) return malformed()
  decodeFrankingStamp(stamp)
  return {
    sender: { accountId: idFromBytes<AccountId>(account), deviceId: deviceId as DeviceId },
    audience: decodeAudience(audience),
    conversationId: idFromBytes<ConversationId>(conversation),
    messageId: idFromBytes<MessageId>(message),
    frankingKey: frankingKey.slice(),
    commitment: commitment.slice(),
    common: common.slice(),
    stamp: stamp.slice(),
  }
}
