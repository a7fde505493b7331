import { SecureChatError } from './errors.js'
import { LIMITS } from './limits.js'

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const malformed = (detail: string): never => {
  throw new SecureChatError('protocol/malformed', { detail })
}

/**
 * Walks one msgpack value and accepts only the canonical subset that this project speaks: shortest forms, text keys that
 * are unique in their map, valid UTF-8, no extensions, bounded depth and element count, nothing after the value.
 * Throws `protocol/malformed`. Allocates nothing that grows with a claimed (not present) length.
 */
export function scanMessagePack(bytes: Uint8Array): void {
  const scanner = new Scanner(bytes)
  scanner.value(1)
  if (scanner.at !== bytes.length) malformed('surplus bytes')
}

class Scanner {
  at = 0
  private elements = 0
  private readonly view: DataView

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(depth: number): void {
    if (depth > LIMITS.codecDepth) malformed('depth')
    if (++this.elements > LIMITS.codecElements) malformed('elements')
    const type = this.take(1)
    if (type <= 0x7f || type >= 0xe0) return
    if (type <= 0x8f) return this.map(type & 0x0f, depth)
    if (type <= 0x9f) return this.array(type & 0x0f, depth)
    if (type <= 0xbf) {
      this.text(type & 0x1f)
      return
    }
    switch (type) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return
      case 0xc4:
        return this.skip(this.take(1))
      case 0xc5:
        return this.skip(this.least(this.take(2), 0x100))
      case 0xc6:
        return this.skip(this.least(this.take(4), 0x10000))
      case 0xcb:
        return this.float()
      case 0xcc:
        this.least(this.take(1), 0x80)
        return
      case 0xcd:
        this.least(this.take(2), 0x100)
        return
      case 0xce:
        this.least(this.take(4), 0x10000)
        return
      case 0xd0:
        this.most(this.signed(1), -33)
        return
      case 0xd1:
        this.most(this.signed(2), -129)
        return
      case 0xd2:
        this.most(this.signed(4), -32769)
        return
      case 0xd3:
        return this.signed64()
      case 0xd9:
        this.text(this.least(this.take(1), 32))
        return
      case 0xda:
        this.text(this.least(this.take(2), 0x100))
        return
      case 0xdb:
        this.text(this.least(this.take(4), 0x10000))
        return
      case 0xdc:
        return this.array(this.least(this.take(2), 16), depth)
      case 0xde:
        return this.map(this.least(this.take(2), 16), depth)
      // Arrays and maps of 65,536 and more (0xdd, 0xdf) would have more elements than are allowed.
      default:
        malformed('type')
    }
  }

  private array(count: number, depth: number): void {
    for (let i = 0; i < count; i++) this.value(depth + 1)
  }

  private map(count: number, depth: number): void {
    const keys = new Set<string>()
    for (let i = 0; i < count; i++) {
      const key = this.key()
      if (FORBIDDEN_KEYS.has(key) || keys.has(key)) malformed('key')
      keys.add(key)
      this.value(depth + 1)
    }
  }

  private key(): string {
    // Its value comes next, and is counted and judged.
    this.elements++
    const type = this.take(1)
    if (type >= 0xa0 && type <= 0xbf) return this.text(type & 0x1f)
    if (type === 0xd9) return this.text(this.least(this.take(1), 32))
    return malformed('key type')
  }

  private text(length: number): string {
    const start = this.at
    this.skip(length)
    try {
      return utf8.decode(this.bytes.subarray(start, this.at))
    } catch {
      return malformed('text')
    }
  }

  private float(): void {
    this.need(8)
    const value = this.view.getFloat64(this.at)
    this.at += 8
    if (!Number.isFinite(value) || Number.isInteger(value)) malformed('number')
  }

  /** The one form of integers outside the 32-bit ranges is int64; uint64 (0xcf) is not part of the format. */
  private signed64(): void {
    this.need(8)
    const value = this.view.getBigInt64(this.at)
    this.at += 8
    if ((value >= -0x80000000n && value < 0x100000000n) || value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER))
      malformed('integer')
  }

  private signed(width: 1 | 2 | 4): number {
    this.need(width)
    const value = width === 1 ? this.view.getInt8(this.at) : width === 2 ? this.view.getInt16(this.at) : this.view.getInt32(this.at)
    this.at += width
    return value
  }

  private take(width: 1 | 2 | 4): number {
    this.need(width)
    const value = width === 1 ? this.bytes[this.at]! : width === 2 ? this.view.getUint16(this.at) : this.view.getUint32(this.at)
    this.at += width
    return value
  }

  private skip(length: number): void {
    this.need(length)
    this.at += length
  }

  private need(length: number): void {
    if (length > this.bytes.length - this.at) malformed('truncated')
  }

  private least(value: number, minimum: number): number {
    if (value < minimum) malformed('not the shortest form')
    return value
  }

  private most(value: number, maximum: number): void {
    if (value > maximum) malformed('not the shortest form')
  }
}
