import {
  decodeAs,
  decodeFrame,
  errorBodySchema,
  eventBodySchema,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  FRAME_VERSION,
  type Frame,
  isErrorCode,
  type MailboxRow,
  PROTOCOL_VERSIONS,
  SecureChatError,
  type ServerEvent,
} from '@securechat/protocol'

const KNOWN_KINDS: ReadonlySet<number> = new Set(Object.values(FRAME_KINDS))
/** Sentences of a server's own making are not shown or logged, only short plain phrases. */
const PHRASE = /^[A-Za-z0-9 .,:#_-]{1,80}$/

/**
 * As `decodeFrame`, but null for a well-formed frame of an unknown kind when the server has said that it also speaks versions newer
 * than this code: such a frame is an addition, not damage.
 */
export function readFrame(bytes: Uint8Array, serverVersions: readonly number[]): Frame | null {
  const unknown = bytes.length >= FRAME_HEADER_BYTES && bytes[0] === FRAME_VERSION && !KNOWN_KINDS.has(bytes[1]!)
  if (unknown && serverVersions.some((version) => version > PROTOCOL_VERSIONS[0])) return null
  return decodeFrame(bytes)
}

/** The error that an error frame carries. A code of a newer server becomes `server/internal`. Throws `protocol/malformed`. */
export function readError(body: Uint8Array): SecureChatError {
  const { code, detail, retryAfterSeconds } = decodeAs(errorBodySchema, body)
  if (!isErrorCode(code)) return new SecureChatError('server/internal', { detail: 'unknown error code' })
  return new SecureChatError(code, {
    ...(detail !== undefined && PHRASE.test(detail) && { detail }),
    ...(retryAfterSeconds !== undefined && retryAfterSeconds >= 0 && { retryAfterSeconds }),
  })
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

/** null for a type that this code does not know. Throws `protocol/malformed`, also for a known type with unfit fields. */
export function readEvent(body: Uint8Array): ServerEvent | null {
  const event = decodeAs(eventBodySchema, body)
  switch (event.type) {
    case 'prekeys-low':
      if (isCount(event.oneTime)) return { type: 'prekeys-low', oneTime: event.oneTime }
      break
    case 'manifest-changed':
      if (typeof event.accountId === 'string' && isCount(event.version)) {
        return { type: 'manifest-changed', accountId: event.accountId, version: event.version }
      }
      break
    case 'sign-in-refused':
      return { type: 'sign-in-refused' }
    case 'draining':
      return { type: 'draining' }
    case 'revoked':
      return { type: 'revoked' }
    default:
      return null
  }
  throw new SecureChatError('protocol/malformed', { detail: 'event' })
}

/** Rows that outlive their frame: what is kept for long must not hold 2 MiB of neighbours alive. */
export const copyRows = (rows: readonly MailboxRow[]): MailboxRow[] =>
  rows.map((row) => ({ ...row, envelope: new Uint8Array(row.envelope), ...(row.body && { body: new Uint8Array(row.body) }) }))

/**
 * Deliveries are numbered by the frame id, from 1 on each socket, so that a lost, repeated or overtaken one cannot be mistaken for a
 * gap in the sequence: acknowledgements are cumulative, and one too far would delete rows that never arrived.
 * Id 0 (a server that does not number) is taken as it comes.
 */
export class DeliveryOrder {
  #last = 0

  /** False for a repetition. Throws `protocol/out-of-order` when one before it is missing. */
  accept(id: number): boolean {
    if (id === 0) return true
    if (id <= this.#last) return false
    if (id !== this.#last + 1) throw new SecureChatError('protocol/out-of-order', { detail: 'delivery' })
    this.#last = id
    return true
  }
}
