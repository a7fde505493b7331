import { u64 } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { ByteReader } from '../../src/encoding/reader.js'
import { ByteWriter } from '../../src/encoding/writer.js'
import { codeOf } from '../support/codes.js'

const reader = (bytes: Uint8Array): ByteReader => new ByteReader(bytes, 'storage/corrupt', 'record')

test('a u64 is read up to 2^53 − 1, and refused above it with the code of the record', () => {
  expect(reader(u64(Number.MAX_SAFE_INTEGER)).u64()).toBe(Number.MAX_SAFE_INTEGER)
  expect(codeOf(() => reader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)).u64())).toBe('storage/corrupt')
})

test('what is written comes back field by field, whatever room there was at first', () => {
  for (const capacity of [0, 1, 7, 20, 512]) {
    const written = new ByteWriter(capacity)
      .u8(0xfe)
      .u16(0xfedc)
      .u32(0xfedcba98)
      .u64(0x1fedcba9876543)
      .bytes(Uint8Array.of(1, 2, 3, 4, 5))
      .finish()
    const fields = reader(written)
    expect([fields.u8(), fields.u16(), fields.u32(), fields.u64(), [...fields.view(5)]]).toEqual([0xfe, 0xfedc, 0xfedcba98, 0x1fedcba9876543, [1, 2, 3, 4, 5]])
    fields.end()
  }
})

test('a record of the size that was told beforehand is allocated once: what is finished is the memory that was written', () => {
  const exact = new ByteWriter(6).u16(0xfedc).u32(0xfedcba98)
  expect(exact.finish()).toBe(exact.finish())
  expect([...exact.finish()]).toEqual([0xfe, 0xdc, 0xfe, 0xdc, 0xba, 0x98])
  const roomy = new ByteWriter(7).u16(0xfedc).u32(0xfedcba98)
  expect(roomy.finish()).not.toBe(roomy.finish())
  expect(roomy.finish()).toEqual(exact.finish())
})

test('a copy outlives its input, and surplus is refused', () => {
  const input = Uint8Array.of(1, 2, 3)
  const fields = reader(input)
  const copy = fields.copy(2)
  expect(fields.remaining).toBe(1)
  expect(codeOf(() => fields.end())).toBe('storage/corrupt')
  expect(codeOf(() => fields.view(2))).toBe('storage/corrupt')
  input.fill(9)
  expect([...copy]).toEqual([1, 2])
  expect(fields.u8()).toBe(9)
})
