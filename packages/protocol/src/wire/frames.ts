import { SecureChatError } from '../errors.js'
import { LIMITS } from '../limits.js'
import { readU32, writeU32 } from '../transcript.js'
import { FRAME_VERSION } from '../version.js'

/**
 * One WebSocket binary message is one frame: u8 version ‖ u8 kind ‖ u32be id ‖ body (docs/protocol/06-transport.md).
 * `id` joins a request and its answer and is chosen by the client. Deliveries are numbered by it from 1 on each socket, so that a lost or
 * overtaken one cannot be mistaken for a gap in the mailbox. Elsewhere it is 0.
 */
export const FRAME_KINDS = {
  /** server → client, first frame: challenge (msgpack). */
  challenge: 0x01,
  /** client → server: versions, login proof (msgpack). May be sent again on one socket to sign in. */
  hello: 0x02,
  /** server → client: the answer to a hello (msgpack). */
  welcome: 0x03,
  /** client → server: operation name and input (msgpack [name, input] or [name, input, registration token]). */
  request: 0x10,
  /** server → client: output (msgpack). */
  response: 0x11,
  /** server → client: error (msgpack {code, retryAfterSeconds?}); id 0: about the connection itself. */
  error: 0x12,
  /** client → server: envelopes for mailboxes (fixed binary, wire/mailbox.ts). */
  send: 0x20,
  /** server → client: the send with this id is on disk (fixed binary: u64 server time). */
  sent: 0x21,
  /** server → client: rows of this device's mailbox (fixed binary). The id numbers the deliveries of one socket from 1 on; 0: not numbered. */
  deliver: 0x22,
  /** client → server: cumulative acknowledgement (fixed binary: u64 sequence). */
  acknowledge: 0x23,
  /** server → client: something happened (msgpack {type, …}); unknown types are ignored. */
  event: 0x30,
  /** both ways: heartbeat and its answer with the same id. */
  ping: 0x40,
  pong: 0x41,
} as const

export type FrameKind = keyof typeof FRAME_KINDS

const KIND_NAMES = new Map<number, FrameKind>(Object.entries(FRAME_KINDS).map(([name, code]) => [code, name as FrameKind]))
export const FRAME_HEADER_BYTES = 6
const NOTHING = new Uint8Array(0)

export interface Frame {
  readonly kind: FrameKind
  readonly id: number
  /** A view into the received bytes. */
  readonly body: Uint8Array
}

/** Writes the header of a frame at the start of `out`. */
export function writeFrameHeader(out: Uint8Array, kind: FrameKind, id: number): void {
  out[0] = FRAME_VERSION
  out[1] = FRAME_KINDS[kind]
  writeU32(out, 2, id)
}

export function encodeFrame(kind: FrameKind, id: number, body: Uint8Array = NOTHING): Uint8Array {
  const out = new Uint8Array(FRAME_HEADER_BYTES + body.length)
  writeFrameHeader(out, kind, id)
  out.set(body, FRAME_HEADER_BYTES)
  return out
}

/** Throws `protocol/too-large`, `protocol/unsupported-version` or `protocol/malformed` (too short, unknown kind). */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length > LIMITS.frameBytes) throw new SecureChatError('protocol/too-large')
  if (bytes.length < FRAME_HEADER_BYTES) throw new SecureChatError('protocol/malformed', { detail: 'frame' })
  if (bytes[0] !== FRAME_VERSION) throw new SecureChatError('protocol/unsupported-version')
  const kind = KIND_NAMES.get(bytes[1]!)
  if (!kind) throw new SecureChatError('protocol/malformed', { detail: 'frame kind' })
  return { kind, id: readU32(bytes, 2), body: bytes.subarray(FRAME_HEADER_BYTES) }
}
