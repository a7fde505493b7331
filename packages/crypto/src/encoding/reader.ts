import { type ErrorCode, readU16, readU32, readU64, SecureChatError } from '@securechat/protocol/core'

/** Strict sequential reader: every field must be there, and `end()` refuses surplus bytes. Fails with the given code. */
export class ByteReader {
  #at = 0

  constructor(
    readonly bytes: Uint8Array,
    readonly code: ErrorCode,
    readonly what: string,
  ) {}

  fail(): never {
    throw new SecureChatError(this.code, { detail: this.what })
  }
  #take(length: number): number {
    if (length > this.bytes.length - this.#at) this.fail()
    const at = this.#at
    this.#at += length
    return at
  }
  u8(): number {
    return this.bytes[this.#take(1)]!
  }
  u16(): number {
    return readU16(this.bytes, this.#take(2))
  }
  u32(): number {
    return readU32(this.bytes, this.#take(4))
  }
  u64(): number {
    const at = this.#take(8)
    if (readU32(this.bytes, at) > 0x1fffff) this.fail()
    return readU64(this.bytes, at)
  }
  /** A view. */
  view(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }
  /** A copy, for what outlives the input. */
  copy(length: number): Uint8Array {
    const at = this.#take(length)
    return this.bytes.slice(at, at + length)
  }
  expect(value: number, byte: number): void {
    if (value !== byte) this.fail()
  }
  get remaining(): number {
    return this.bytes.length - this.#at
  }
  end(): void {
    if (this.#at !== this.bytes.length) this.fail()
  }
}
