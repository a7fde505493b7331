import type { AccountId, DeviceId, ServerEvent } from '@securechat/protocol'

/**
 * What the nodes of one server tell each other. Nothing in it is needed for correctness: every message only says "look
 * again" or "close", so a lost one costs latency (the store is asked again with every heartbeat), never a message.
 */
export type BusMessage =
  /** A row was stored for this device; `sequence` spares whoever has it already the look. */
  | { readonly type: 'mailbox'; readonly accountId: AccountId; readonly deviceId: DeviceId; readonly sequence: number }
  /** Sessions ended: of one device, or of the whole account where `deviceId` is absent; of one session only where `sessionId` is given. */
  | { readonly type: 'revoked'; readonly accountId: AccountId; readonly deviceId?: DeviceId; readonly sessionId?: string }
  /** The device has a newer socket, named by `connection`; older ones close. */
  | { readonly type: 'connected'; readonly accountId: AccountId; readonly deviceId: DeviceId; readonly connection: string }
  /** Made by the bus itself: messages of other nodes may have been lost until now. */
  | { readonly type: 'missed' }
  | { readonly type: 'event'; readonly accountId: AccountId; readonly deviceId?: DeviceId; readonly event: ServerEvent }

export interface Bus {
  /** Never throws and never waits. Messages of one publisher arrive in their order; the publisher hears its own. */
  publish(message: BusMessage): void
  /** A listener that throws disturbs no other. The returned function unsubscribes (again: no effect). */
  subscribe(listener: (message: BusMessage) => void): () => void
}
