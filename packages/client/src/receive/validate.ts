import type { CryptoProvider } from '@securechat/crypto'
import { type AccountId, type DeviceId, decodeValue, isIdText, SecureChatError } from '@securechat/protocol'
import { type Content, decodeMessageBody, isKnownContent, type MessageBody, type UnknownContent } from '@securechat/protocol/content'
import { directConversationId } from '../context.js'

export interface Incoming {
  readonly body: MessageBody
  /** Who wrote it: the peer, or this account on another of its devices. */
  readonly sender: AccountId
  readonly mine: boolean
  /** The device that sent it. */
  readonly device: DeviceId
  /** The other account of the conversation. */
  readonly peer: AccountId
  readonly content: Content | UnknownContent
  readonly known: boolean
  /** The body as it came. */
  readonly encoded: Uint8Array
  /** Sent again: hashes of the envelopes that it stands for; else empty. */
  readonly again: readonly Uint8Array[]
}

const malformed = (detail: string): never => {
  throw new SecureChatError('protocol/malformed', { detail })
}

interface OwnPart {
  readonly to?: unknown
  readonly again?: unknown
}

/** What the copy of this very device says besides the common part. */
function readPerSession(perSession: Uint8Array): OwnPart {
  if (perSession.length === 0) return {}
  const value = decodeValue(perSession)
  return typeof value === 'object' && value !== null ? (value as OwnPart) : malformed('per session')
}

/** Whom a copy of an own message went to. */
const addressee = ({ to }: OwnPart): AccountId => (isIdText(to) ? (to as AccountId) : malformed('addressee'))

const HASH = 32
function replaced({ again = [] }: OwnPart): readonly Uint8Array[] {
  if (!Array.isArray(again) || !again.every((hash) => hash instanceof Uint8Array && hash.length === HASH)) return malformed('again')
  return again as Uint8Array[]
}

/**
 * What was authenticated is still only what a contact claims: it has to be well-formed and to belong into the conversation of the
 * two accounts. Throws `protocol/malformed` or `protocol/too-large`.
 */
export function validateIncoming(
  provider: Pick<CryptoProvider, 'blake2b'>,
  {
    self,
    sender: { accountId: sender, deviceId: device },
    plaintext,
  }: {
    readonly self: AccountId
    readonly sender: { readonly accountId: AccountId; readonly deviceId: DeviceId }
    readonly plaintext: { readonly common: Uint8Array; readonly perSession: Uint8Array }
  },
): Incoming {
  const body = decodeMessageBody(plaintext.common)
  const mine = sender === self
  const own = readPerSession(plaintext.perSession)
  const peer = mine ? addressee(own) : sender
  if (body.conversation !== directConversationId(provider, self, peer)) malformed('conversation')
  return { body, sender, device, mine, peer, content: body.content, known: isKnownContent(body.content), encoded: plaintext.common, again: replaced(own) }
}
