import { writeU32, writeU64 } from '@securechat/protocol/core'

/** Append-only buffer for the package's own records; big-endian like everything on the wire. */
export class ByteWriter {
  #buffer: Uint8Array
  #at = 0

  constructor(capacity = 512) {
    this.#buffer = new Uint8Array(capacity)
  }
  #reserve(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#at, this.#buffer.length * 2))
      grown.set(this.#buffer)
      this.#buffer = grown
    }
    return at
  }
  u8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }
  u16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer[at] = value >>> 8
    this.#buffer[at + 1] = value & 0xff
    return this
  }
  u32(value: number): this {
    const at = this.#reserve(4)
    writeU32(this.#buffer, at, value)
    return this
  }
  u64(value: number): this {
    const at = this.#reserve(8)
    writeU64(this.#buffer, at, value)
    return this
  }
  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#buffer.set(value, at)
    return this
  }
  /** Exactly what was written, not to be changed: where the capacity was right it is the writer's own memory, which saves a copy. */
  finish(): Uint8Array {
    return this.#at === this.#buffer.length ? this.#buffer : this.#buffer.slice(0, this.#at)
  }
}
