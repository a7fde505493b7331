import type { SecureChatError } from '@securechat/protocol'

/** What a channel tells its owner. Neither handler may throw; a throw is the owner's bug, and a transport lets it surface. */
export interface ChannelHandlers {
  /**
   * One whole frame. The bytes belong to the receiver: the transport keeps no reference and never writes to them again.
   * Called in the order of sending, never after `onClose`. A frame that arrives with the opening may come before the code that
   * awaits `open` has continued.
   */
  onMessage(bytes: Uint8Array): void
  /**
   * The channel is over: exactly once for every channel that was opened, whoever ended it, and promptly (not after a closing
   * handshake with a dead peer). `error` is absent after the owner's own `close()`.
   */
  onClose(error?: SecureChatError): void
}

/** One open, ordered, reliable connection that carries whole frames. What was sent and not received when it closes is lost. */
export interface Channel {
  /** Queues one frame; the bytes are copied or sent before the call returns to the event loop, so the caller must not change them until then. No effect on a closed channel. */
  send(bytes: Uint8Array): void
  /** Bytes accepted by `send` and not yet handed to the network. */
  readonly bufferedBytes: number
  /** Idempotent. `onClose` follows, without an error. */
  close(): void
}

/**
 * Tells the listener what the platform believes about connectivity (browser `online` / `offline`). Only a hint: it is wrong behind
 * captive portals and virtual interfaces. Returns the function that ends the subscription.
 */
export type NetworkHints = (listener: (online: boolean) => void) => () => void

/** How frames reach one server. Holds no state of a connection; every `open` is a new one. */
export interface Transport {
  /** For logs: 'websocket', 'loopback' … */
  readonly kind: string
  /**
   * Opens a channel. `signal` concerns the opening only. Rejects `network/unreachable`, or `request/aborted` after the signal; a
   * rejected opening calls no handler.
   */
  open(handlers: ChannelHandlers, options: { signal: AbortSignal }): Promise<Channel>
  /** Where the platform has such hints. */
  readonly networkHints?: NetworkHints
}
