import { describe, expect, test } from 'vitest'
import { nodeChunkCipher } from '../../src/node/index.js'
import { createRelease } from '../../src/primitives/release.js'
import { type SubtleForChunks, webCryptoChunkCipher } from '../../src/primitives/webcrypto.js'
import { codeOf } from '../support/codes.js'

const KEY = new Uint8Array(32).fill(1)
const NONCE = new Uint8Array(12).fill(2)
const { subtle } = globalThis.crypto
const real: SubtleForChunks = {
  importKey: subtle.importKey.bind(subtle),
  encrypt: subtle.encrypt.bind(subtle),
  decrypt: subtle.decrypt.bind(subtle),
  digest: subtle.digest.bind(subtle),
}

describe('node: memory of the slices that a decryption makes', () => {
  /** A WebCrypto that cuts as Node 20 does, `keep` bytes from the front. */
  async function slicing(keep: (length: number) => number) {
    const slices: Uint8Array[] = []
    const waiting: (() => void)[] = []
    const decrypt: SubtleForChunks['decrypt'] = (_algorithm, _key, data) => {
      const bytes = data as Uint8Array<ArrayBuffer>
      slices.push(bytes.slice(0, keep(bytes.length)))
      return new Promise((resolve, reject) => waiting.push(() => (slices.length === 99 ? reject(new Error()) : resolve(new ArrayBuffer(1)))))
    }
    const cipher = await nodeChunkCipher({ ...real, decrypt }).importKey(KEY)
    const open = (length: number): Promise<unknown> => cipher.open(NONCE, new Uint8Array(length)).catch(() => undefined)
    const finish = async (work: Promise<unknown>[]): Promise<void> => {
      for (const end of waiting.splice(0)) end()
      await Promise.all(work)
    }
    return { slices, open, finish }
  }
  const body = (length: number): number => length - 16

  test('is used again when the decryption has ended, for slices of the same length, and not before', async () => {
    const { slices, open, finish } = await slicing(body)
    const both = [open(100), open(100)]
    expect(slices[0]).not.toBe(slices[1])
    await finish(both)
    await finish([open(100), open(200)])
    expect(slices[2]).toBe(slices[0])
    expect(slices[3]).toHaveLength(184)
    await finish([open(200), open(100), open(100)])
    expect(slices.slice(4).map((slice) => slices.indexOf(slice))).toEqual([3, 1, 0])
  })

  test('eight of them are kept, and none as short as a tag', async () => {
    const { slices, open, finish } = await slicing(body)
    await finish(Array.from({ length: 10 }, () => open(100)))
    await finish(Array.from({ length: 10 }, () => open(100)))
    expect(new Set(slices).size).toBe(12)
    const tags = await slicing(() => 16)
    await tags.finish([tags.open(100)])
    await tags.finish([tags.open(100)])
    expect(tags.slices[0]).not.toBe(tags.slices[1])
    const longer = await slicing(() => 17)
    await longer.finish([longer.open(100)])
    await longer.finish([longer.open(100)])
    expect(longer.slices[0]).toBe(longer.slices[1])
  })

  test('comes back from a decryption that failed', async () => {
    const seen: Uint8Array[] = []
    const decrypt: SubtleForChunks['decrypt'] = (_algorithm, _key, data) => {
      seen.push((data as Uint8Array<ArrayBuffer>).slice(0, 50))
      return Promise.reject(new Error('changed'))
    }
    const cipher = await nodeChunkCipher({ ...real, decrypt }).importKey(KEY)
    for (let i = 0; i < 2; i++) await expect(cipher.open(NONCE, new Uint8Array(80))).rejects.toMatchObject({ code: 'crypto/authentication-failed' })
    expect(seen[1]).toBe(seen[0])
  })
})

describe('memory that is given back', () => {
  /** What the engine has, and then what it had before. */
  function having<T>(what: { readonly transfer?: unknown; readonly MessageChannel?: unknown }, run: () => T): T {
    const places = [
      [ArrayBuffer.prototype, 'transfer'],
      [globalThis, 'MessageChannel'],
    ] as const
    const before = places.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name))
    for (const [owner, name] of places) {
      if (name in what) Object.defineProperty(owner, name, { value: what[name], configurable: true, writable: true })
      else Reflect.deleteProperty(owner, name)
    }
    try {
      return run()
    } finally {
      for (const [at, [owner, name]] of places.entries()) {
        const descriptor = before[at]
        if (descriptor) Object.defineProperty(owner, name, descriptor)
        else Reflect.deleteProperty(owner, name)
      }
    }
  }
  const { MessageChannel } = globalThis

  test('by a transfer to nothing, where the engine can', () => {
    const asked: [unknown, number][] = []
    const { buffer } = new Uint8Array(8)
    having(
      {
        transfer(this: unknown, length: number) {
          asked.push([this, length])
        },
        MessageChannel,
      },
      () => createRelease()(buffer),
    )
    expect(asked).toEqual([[buffer, 0]])
    expect(asked[0]?.[0]).toBe(buffer)
    expect(buffer.byteLength).toBe(8)
  })

  test('by a message to a closed port, where it cannot', () => {
    const { buffer } = new Uint8Array(8)
    having({ MessageChannel }, () => createRelease()(buffer))
    expect(buffer.byteLength).toBe(0)
  })

  test('or stays until the garbage collector comes', () => {
    const { buffer } = new Uint8Array(8)
    having({}, () => createRelease()(buffer))
    expect(buffer.byteLength).toBe(8)
  })
})

describe('webcrypto', () => {
  test('keys cannot be read out again', async () => {
    const asked: unknown[][] = []
    const importKey = ((...args: Parameters<SubtleCrypto['importKey']>) => {
      asked.push(args)
      return subtle.importKey(...args)
    }) as SubtleForChunks['importKey']
    await webCryptoChunkCipher({ ...real, importKey }).importKey(KEY)
    expect(asked).toEqual([['raw', KEY, 'AES-GCM', false, ['encrypt', 'decrypt']]])
  })

  test('is missing in some engines and pages, which is a clear error', () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
    try {
      for (const value of [undefined, {}]) {
        Object.defineProperty(globalThis, 'crypto', { value, configurable: true, writable: true })
        expect(codeOf(() => webCryptoChunkCipher())).toBe('client/invalid-argument')
      }
    } finally {
      if (before) Object.defineProperty(globalThis, 'crypto', before)
    }
  })
})
