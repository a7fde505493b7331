import type { Socket } from 'node:net'
import { SecureChatError } from '@securechat/protocol'

// The network of this example, so that the cryptography is seen to need none in particular.
//
//   frame  = u32be length of the fields ‖ fields
//   fields = n × (u32be length ‖ bytes); the first names the frame, in UTF-8

const MAX_FRAME = 4 * 1024 * 1024

export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value)
export const textOf = (value: Uint8Array | undefined): string => new TextDecoder('utf-8', { fatal: true }).decode(value)

/** Fields one behind the other; also what the store and the contents of messages are written in. */
export function encodeFields(fields: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((sum, field) => sum + 4 + field.length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const field of fields) {
    view.setUint32(at, field.length)
    out.set(field, at + 4)
    at += 4 + field.length
  }
  return out
}

/** Copies. Throws `protocol/malformed`: whoever is at the other end may be hostile. */
export function decodeFields(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new SecureChatError('protocol/malformed', { detail: 'fields' })
    const end = at + 4 + view.getUint32(at)
    if (end > bytes.length) throw new SecureChatError('protocol/malformed', { detail: 'fields' })
    fields.push(bytes.slice(at + 4, end))
    at = end
  }
  return fields
}

export function sendFrame(socket: Socket, type: string, ...fields: readonly Uint8Array[]): void {
  const body = encodeFields([utf8(type), ...fields])
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, body.length)
  socket.write(length)
  socket.write(body)
}

/** Frames of a socket, and what comes raw behind one of them. */
export class FrameReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #buffered: Uint8Array = new Uint8Array(0)

  constructor(socket: Socket) {
    // The other direction stays open when this one has ended: whoever has sent a whole blob waits for an answer.
    this.#pieces = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  }

  async #pull(): Promise<boolean> {
    const { done, value } = await this.#pieces.next()
    if (done) return false
    this.#buffered = this.#buffered.length === 0 ? value : Buffer.concat([this.#buffered, value])
    return true
  }

  /** The next frame as [type, ...fields]; null at the end of the connection. */
  async next(): Promise<readonly [string, ...Uint8Array[]] | null> {
    for (;;) {
      const { length } = this.#buffered
      const size = length < 4 ? Number.NaN : new DataView(this.#buffered.buffer, this.#buffered.byteOffset).getUint32(0)
      if (size > MAX_FRAME) throw new Error('frame too large')
      if (length >= 4 + size) {
        const [type, ...fields] = decodeFields(this.#buffered.subarray(4, 4 + size))
        this.#buffered = this.#buffered.subarray(4 + size)
        return [textOf(type), ...fields]
      }
      if (!(await this.#pull())) return null
    }
  }

  /** Everything behind the last frame, as it comes. */
  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#buffered.length > 0) yield this.#buffered
    for (;;) {
      const { done, value } = await this.#pieces.next()
      if (done) return
      yield value
    }
  }
}
