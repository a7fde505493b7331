import type {
  AccountId,
  Capabilities,
  Clock,
  DeviceId,
  Logger,
  MailboxRow,
  OperationInput,
  OperationName,
  OperationOutput,
  Random,
  SecureChatError,
  SendFrame,
  ServerEvent,
} from '@securechat/protocol'
import type { Transport } from './port.js'

/**
 * stopped: not started, or stopped. connecting: a socket is being opened or greeted. online: the server has welcomed it.
 * offline: waiting for the next try at `retryAt`. signed-out: the server refuses this login for good; `reauthenticate()` tries again.
 * update-required: the server speaks no version that this code speaks; tried again rarely.
 */
export type ConnectionStatus = 'stopped' | 'connecting' | 'online' | 'offline' | 'signed-out' | 'update-required'

/** Immutable; a new object only when something in it changed, so that it can be compared by identity. */
export interface ConnectionSnapshot {
  readonly status: ConnectionStatus
  /** Milliseconds UTC of the next try, while one is scheduled. */
  readonly retryAt?: number
  /** Why the connection is not online; gone once it is. */
  readonly error?: SecureChatError
  /** While online and signed in. */
  readonly account?: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  /** Of the last welcome. */
  readonly capabilities?: Capabilities
  /** Server time minus local time in milliseconds at the last welcome; 0 before. */
  readonly serverTimeOffset: number
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds for waiting for the connection and the answer together; 30,000 unless given. */
  readonly timeoutMs?: number
  /** For operations of the auth kind `registration`: the token of a confirmed code. Travels in the frame, never in an address. */
  readonly registrationToken?: string
}

/** One operation of the table in `@securechat/protocol`, typed by it. */
export type Call = <Name extends OperationName>(name: Name, input: OperationInput<Name>, options?: CallOptions) => Promise<OperationOutput<Name>>

export interface LoginContext {
  /** 32 bytes that the server made for this socket; the proof signs them (docs/protocol/06-transport.md). */
  readonly challenge: Uint8Array
  /** On this socket, before its hello: operations that need no login, such as `auth.refresh`. */
  readonly call: Call
  /** The error with which the server refused the last hello: a cached access token must not be offered again. */
  readonly rejected?: SecureChatError
  /** Aborted when this socket is given up. */
  readonly signal: AbortSignal
}

export interface LoginProof {
  readonly accessToken: string
  /** DSK signature over T("SC1/auth/socket", challenge, BLAKE2b-256 of the access token): 64 bytes. */
  readonly proof: Uint8Array
}

export interface ConnectionOptions {
  readonly transport: Transport
  readonly clock: Clock
  /** For the jitter of the waiting times. */
  readonly random: Random
  readonly logger?: Logger
  /** Name and version of this software, told to the server; at most 128 characters. */
  readonly client?: string
  /**
   * Called for every socket. null: stay anonymous. Throwing `auth/*` ends in 'signed-out' (except where its retry hint is 'later');
   * anything else counts as a failed try.
   */
  readonly login?: (context: LoginContext) => Promise<LoginProof | null>
  /** The durable acknowledged cursor, asked at each (re)connect of a signed-in socket; rows above it are delivered. */
  readonly cursor: () => Promise<number>
  /** Rows in ascending order; they hold copies. A throw closes the socket, so that the rows come again. */
  readonly onDeliver: (rows: MailboxRow[]) => void
  readonly onEvent: (event: ServerEvent) => void
}

export interface Connection {
  /** Idempotent; may follow `stop`. */
  start(): void
  /** Idempotent. Rejects what is under way with `network/closed`; resolves when the socket is closed. */
  stop(): Promise<void>
  state(): ConnectionSnapshot
  /** Called after each change, with nothing; returns the function that ends it. */
  subscribe(listener: () => void): () => void
  /**
   * Waits for the connection. Rejects: the server's error; `network/unreachable` (no connection in time, nothing was sent);
   * `request/timeout` (sent, no answer in time) and `network/closed` (socket lost): the server may or may not have done it;
   * `request/aborted`; `request/invalid` and `protocol/too-large` (not sent); `protocol/malformed` (the answer does not fit);
   * `request/rate-limited` (too many calls wait here); the reason, at once, while signed out, outdated (`protocol/unsupported-version`)
   * or stopped (`network/closed`). Nothing is repeated here: the caller knows what may be.
   */
  readonly call: Call
  /** As `call`, for the send frame. Resolves once the envelopes are on the server's disk; repeat it with identical bytes. `time`: server time of storing. */
  send(frame: SendFrame, options?: Pick<CallOptions, 'signal' | 'timeoutMs'>): Promise<{ readonly time: number }>
  /** Everything up to this sequence is durable here. Cumulative, fire and forget, only the highest per microtask; offline the next hello's cursor says it. */
  acknowledge(upTo: number): void
  /** Skips the waiting time; while online, checks at once whether the peer still answers. */
  retryNow(): void
  /** A new login on a fresh socket; leaves 'signed-out'. No effect while stopped. */
  reauthenticate(): void
}
