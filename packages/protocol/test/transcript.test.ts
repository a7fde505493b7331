import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, idFromBytes, idToBytes, isIdText, isSecureChatError, LABELS, parseT, T, text, toBase64Url, u64, writeFieldStart } from '../src/index.js'

const malformed = (run: () => unknown) => expect(run).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))

describe('T', () => {
  it('has the layout of the document', () => {
    expect(T('SC1/ad', Uint8Array.of(7), new Uint8Array(0))).toEqual(Uint8Array.from([6, ...text('SC1/ad'), 0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 0]))
  })
  it('is injective: reading gives back the fields, and only under the same label', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (fields) => {
        const bytes = T(LABELS.manifest, ...fields)
        expect(parseT(bytes, LABELS.manifest).map((field) => Uint8Array.from(field))).toEqual(fields)
        malformed(() => parseT(bytes, LABELS.prekey))
      }),
      { seed: 3 },
    )
  })
  it('refuses every truncation and any surplus', () => {
    const bytes = T(LABELS.manifest, text('one'), text('two'))
    for (let n = 0; n < bytes.length; n++) malformed(() => parseT(bytes.subarray(0, n), LABELS.manifest))
    malformed(() => parseT(Uint8Array.from([...bytes, 0]), LABELS.manifest))
  })
  it('has unique labels that are prefix-free once their length stands before them', () => {
    const encoded = Object.values(LABELS).map((label) => [label.length, ...text(label)].join())
    expect(new Set(encoded).size).toBe(encoded.length)
    for (const a of encoded) for (const b of encoded) if (a !== b) expect(b.startsWith(`${a},`)).toBe(false)
    for (const label of Object.values(LABELS)) expect(label).toMatch(/^SC1\/[a-z0-9/-]+$/)
  })
})

it('a field that is the start of an array touches nothing behind it', () => {
  const out = new Uint8Array(10).fill(0xee)
  expect(writeFieldStart(out, 0, Uint8Array.of(1, 2, 3, 4), 3)).toBe(7)
  expect(out).toEqual(Uint8Array.of(0, 0, 0, 3, 1, 2, 3, 0xee, 0xee, 0xee))
})

describe('numbers and ids', () => {
  it('writes u64 up to 2^53 − 1 and refuses what it cannot', () => {
    expect(u64(Number.MAX_SAFE_INTEGER)).toEqual(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255))
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) expect(() => u64(bad)).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
  })
  it('has one text for an id', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'))
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes)
      }),
      { seed: 5 },
    )
    const id = idFromBytes(new Uint8Array(16).fill(255))
    expect(isIdText(id)).toBe(true)
    expect(idToBytes(id)).toEqual(new Uint8Array(16).fill(255))
    for (const bad of ['', 'A'.repeat(21), `${'A'.repeat(21)}B`, 'A'.repeat(23), `${'A'.repeat(20)}=A`]) {
      expect(isIdText(bad)).toBe(false)
      malformed(() => idToBytes(bad))
    }
    for (const bad of ['A', 'AB', 'A+', 'é0']) malformed(() => fromBase64Url(bad))
    malformed(() => idFromBytes(new Uint8Array(15)))
  })
  it('keeps input out of error texts', () => {
    try {
      fromBase64Url('secret!!')
      expect.unreachable()
    } catch (error) {
      expect(isSecureChatError(error, 'protocol/malformed')).toBe(true)
      expect(String(error)).not.toContain('secret')
    }
  })
})
