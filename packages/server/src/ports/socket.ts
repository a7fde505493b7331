/**
 * One connection of a client, however it travels (WebSocket, loopback). One binary message is one frame. A host that can should let
 * what is sent in one tick leave in one write: that is worth more speed than anything else.
 */
export interface ServerSocket {
  /** Queues the bytes; they are not changed afterwards by the caller. Ignored after `close`. */
  send(bytes: Uint8Array): void
  /** Closes after what was queued. Codes are in CLOSE_CODES. */
  close(code: number, reason: string): void
  /** Bytes queued and not yet taken by the network. */
  readonly bufferedBytes: number
}

/** What the host calls. Neither throws, whatever comes in. */
export interface ServerSocketHandlers {
  /** The bytes are not changed by the host afterwards. */
  onMessage(bytes: Uint8Array): void
  /** Once, whoever closed. */
  onClose(): void
}

export interface ConnectionInfo {
  /** Whom limits are charged to before the login; absent where the host does not know. */
  readonly remoteAddress?: string
}

/** WebSocket close codes (RFC 6455; 4000 and above are this protocol's, docs/protocol/06-transport.md). */
export const CLOSE_CODES = {
  /** The server is stopping: connect again. */
  draining: 1001,
  /** A frame above the limit. */
  tooLarge: 1009,
  /** Nobody can be served right now: try again later. */
  unavailable: 1013,
  /** A frame that ends the connection; an error frame with id 0 said why. */
  protocol: 4000,
  /** The same device opened a newer socket. */
  replaced: 4001,
  /** The session was ended. */
  revoked: 4002,
  /** No hello in time. */
  timeout: 4003,
  /** The client does not read what it asks for. */
  slow: 4004,
} as const
