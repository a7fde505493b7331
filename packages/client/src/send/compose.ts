import type { AccountId, ConversationId, DeviceId, MessageId, Timestamp } from '@securechat/protocol'
import { CONTENT_VERSION, type Content, encodeMessageBody } from '@securechat/protocol/content'
import { type Context, newMessageId } from '../context.js'
import { readContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'
import { addOutbox } from '../state/outbox.js'
import { readOwnProfile } from '../state/profile.js'

export interface Outgoing {
  readonly peer: AccountId
  readonly conversation: ConversationId
  readonly content: Content
  /** The message's own id; a new one unless given. */
  readonly id?: MessageId
  readonly sentAt?: Timestamp
  /** There is a message row that shows the status. */
  readonly shown?: boolean
  /** Milliseconds after which it is not worth sending. */
  readonly lifetimeMs?: number
  /** For this device alone. */
  readonly device?: { readonly accountId: AccountId; readonly deviceId: DeviceId }
}

/** Contents that are too small and too many to carry the key of the profile. */
const WITHOUT_PROFILE: readonly Content['type'][] = ['typing', 'empty', 'device-sync']

/** Puts a content into the outbox, in the caller's commit. Gives the outbox row's key. */
export async function enqueue(context: Context, tx: Transaction, outgoing: Outgoing): Promise<string> {
  const { peer, conversation, content } = outgoing
  const now = context.clock.now()
  const id = outgoing.id ?? newMessageId(context)
  // Only accepted contacts may read the profile.
  const accepted = (await readContact(tx, peer))?.relation === 'accepted'
  const profile = accepted && !WITHOUT_PROFILE.includes(content.type) ? await readOwnProfile(tx) : undefined
  const common = encodeMessageBody({
    v: CONTENT_VERSION,
    id,
    conversation,
    sentAt: outgoing.sentAt ?? now,
    content,
    ...(profile && { profileKey: profile.key }),
  })
  return addOutbox(tx, {
    peer,
    conversation,
    type: content.type,
    common,
    sendId: newMessageId(context),
    queuedAt: now,
    ...(outgoing.shown && { message: id }),
    ...((content.type === 'reaction' || content.type === 'edit' || content.type === 'delete') && { target: content.target }),
    ...(outgoing.device && { device: { ...outgoing.device } }),
    ...(outgoing.lifetimeMs !== undefined && { expiresAt: now + outgoing.lifetimeMs }),
  })
}
