import type { ConversationId, MessageId } from '@securechat/protocol'
import type { ClientEvents } from '../types.js'
import { type SharedError, sharedError, shareError } from './messages.js'
import type { Relay } from './relay.js'

/** Each tab tells its own app of its connection; that somebody has left, each sees in the store. */
const isOwn = (event: keyof ClientEvents, [value]: readonly unknown[]): boolean =>
  event === 'connection' || (event === 'signed-out' && (value as { reason?: unknown }).reason === 'logout')

/** Where a message is found: handles do not travel between tabs. */
export interface SharedMessage {
  readonly conversation: ConversationId
  readonly message: MessageId
}
export const isMessageEvent = (event: string): event is 'message' | 'message-status' => event === 'message' || event === 'message-status'

/** Tells the other tabs' apps what this one's was told. */
export function tellEvent(relay: Relay | undefined, event: keyof ClientEvents, values: readonly unknown[]): void {
  if (!relay || isOwn(event, values)) return
  const [value] = values as [Record<string, unknown>]
  if (isMessageEvent(event)) {
    const { conversation, message } = value as unknown as {
      readonly conversation: { readonly id: ConversationId }
      readonly message: { readonly id: MessageId }
    }
    return relay.event(event, [{ conversation: conversation.id, message: message.id } satisfies SharedMessage])
  }
  relay.event(event, [value && 'error' in value ? { ...value, error: shareError(value.error) } : value])
}

/** What was told, as an app here is told it. */
export const heardEvent = ([value]: readonly unknown[]): readonly unknown[] => [
  typeof value === 'object' && value !== null && 'error' in value ? { ...value, error: sharedError(value.error as SharedError) } : value,
]
