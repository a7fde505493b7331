import * as z from 'zod/mini'
import { decodeValue, encodeValue } from '../codec.js'
import { SecureChatError } from '../errors.js'
import type { ConversationId, MessageId, Timestamp } from '../ids.js'
import { LIMITS } from '../limits.js'
import { bytes, conversationId, counter, messageId, object, shortText, timestamp } from '../schema.js'

/**
 * What is inside the encryption. The server has no access to this subpath (import rules): it cannot read contents, so it
 * needs no words for them.
 */
export const CONTENT_VERSION = 1

const messageText = z.string().check(z.minLength(1), z.maxLength(LIMITS.messageTextBytes))

export const contentSchemas = {
  text: object({ type: z.literal('text'), text: messageText, replyTo: z.optional(messageId) }),
  reaction: object({ type: z.literal('reaction'), target: messageId, emoji: z.nullable(z.string().check(z.minLength(1), z.maxLength(32))) }),
  edit: object({ type: z.literal('edit'), target: messageId, text: messageText }),
  delete: object({ type: z.literal('delete'), target: messageId }),
  receipt: object({ type: z.literal('receipt'), kind: z.enum(['delivered', 'read']), targets: z.array(messageId).check(z.minLength(1), z.maxLength(256)) }),
  typing: object({ type: z.literal('typing'), active: z.boolean() }),
  /** Says that the sender's profile has changed; the key travels in every message's `profileKey`. */
  profile: object({ type: z.literal('profile'), version: counter }),
  /**
   * State of the account, from one of its devices to the others (docs/protocol/15-device-sync.md); from anybody else it means nothing. `want`: a new device
   * asks for everything.
   */
  'device-sync': object({
    type: z.literal('device-sync'),
    items: z
      .array(
        object({
          kind: z.string().check(z.minLength(1), z.maxLength(32)),
          key: z.string().check(z.minLength(1), z.maxLength(128)),
          /** By its kind. */
          value: z.unknown(),
          /** When it was changed, and on which device: the later one counts, of two at one time that of the greater device id. */
          at: timestamp,
          by: counter,
        }),
      )
      .check(z.maxLength(256)),
    want: z.optional(z.boolean()),
  }),
  /** No content: acknowledges a session (docs/protocol/04-ratchet.md, Sessions). */
  empty: object({ type: z.literal('empty') }),
} as const

export type ContentType = keyof typeof contentSchemas
export type Content = { [Type in ContentType]: z.output<(typeof contentSchemas)[Type]> }[ContentType]
/** A content type of a newer version: kept as it came, shown as "not supported by this version", forwarded unchanged. */
export interface UnknownContent {
  readonly type: string
  readonly [field: string]: unknown
}

const bodySchema = object({
  /** CONTENT_VERSION of the sender. */
  v: z.int().check(z.minimum(1)),
  id: messageId,
  conversation: conversationId,
  /** Sender's clock; shown, never used for order. */
  sentAt: timestamp,
  /** Key of the sender's encrypted profile. */
  profileKey: z.optional(bytes(32)),
  name: z.optional(shortText),
  content: object({ type: z.string().check(z.minLength(1), z.maxLength(64)) }),
})
/** One message body: the part that is the same on every copy (`common` in docs/protocol/05-envelope.md). */
export interface MessageBody {
  readonly v: number
  readonly id: MessageId
  readonly conversation: ConversationId
  readonly sentAt: Timestamp
  /** 32 bytes. */
  readonly profileKey?: Uint8Array | undefined
  readonly name?: string | undefined
  readonly content: Content | UnknownContent
  /** Fields of a newer version. */
  readonly [field: string]: unknown
}

export const isKnownContent = (content: Content | UnknownContent): content is Content => Object.hasOwn(contentSchemas, content.type)

export function encodeMessageBody(body: MessageBody): Uint8Array {
  return encodeValue(body)
}

/** Throws `protocol/malformed`. A known type must fit its schema; an unknown one is kept whole, with every unknown field. */
export function decodeMessageBody(encoded: Uint8Array): MessageBody {
  const value = z.safeParse(bodySchema, decodeValue(encoded, LIMITS.envelopeBytes))
  if (!value.success) throw new SecureChatError('protocol/malformed', { detail: 'message body' })
  const { content } = value.data
  if (Object.hasOwn(contentSchemas, content.type)) {
    const known = z.safeParse(contentSchemas[content.type as ContentType], content)
    if (!known.success) throw new SecureChatError('protocol/malformed', { detail: 'message content' })
  }
  return value.data as MessageBody
}
