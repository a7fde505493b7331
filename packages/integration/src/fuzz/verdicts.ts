import { createHash } from 'node:crypto'
import { beginsWithPublicBytes, equalPublicBytes, isSecureChatError, SecureChatError, text, toBase64Url } from '@securechat/protocol'
import type { Decoder } from './decoder.js'

/** What a decoder says of every small change of its sample; runs of one verdict are one entry: `12 protocol/malformed`. */
export interface Verdicts {
  /** A digest of what it reads in the unchanged sample. */
  readonly value: string
  /** The input cut after 0, 1, 2 … bytes. */
  readonly cut: readonly string[]
  /** One more byte at the end. */
  readonly longer: string
  /** The lowest bit of each byte turned, at the beginning and the end of a long sample. */
  readonly turned: readonly string[]
  /** Each field of a transcript one byte shorter, one longer, empty, twice, gone. */
  readonly fields: readonly string[]
}

const HEAD = 300
const TAIL = 80

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return toBase64Url(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return [...value].map(plain)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if ('expose' in value && typeof value.expose === 'function') return plain(value.expose())
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, plain(field)]),
  )
}
const digest = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(plain(value)) ?? 'undefined')
    .digest('hex')
    .slice(0, 16)

function verdict({ decode, encode }: Decoder, bytes: Uint8Array): string {
  try {
    const value = decode(bytes)
    return encode && !equalPublicBytes(encode(value), bytes) ? 'read as another' : 'read'
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
}

function runs(verdicts: readonly string[]): string[] {
  const out: { verdict: string; count: number }[] = []
  for (const one of verdicts) {
    const last = out.at(-1)
    if (last?.verdict === one) last.count++
    else out.push({ verdict: one, count: 1 })
  }
  return out.map(({ verdict: name, count }) => `${count} ${name}`)
}

/** label and fields of a transcript (docs/protocol/01), or undefined where the sample is none. */
function fieldsOf(bytes: Uint8Array): { readonly head: Uint8Array; readonly fields: Uint8Array[] } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const label = bytes[0] ?? 0
  if (bytes.length < label + 3 || !beginsWithPublicBytes(bytes.subarray(1), text('SC1/'))) return undefined
  const fields: Uint8Array[] = []
  let at = 1 + label + 2
  for (let left = view.getUint16(1 + label); left > 0; left--) {
    if (at + 4 > bytes.length) return undefined
    const length = view.getUint32(at)
    if (at + 4 + length > bytes.length) return undefined
    fields.push(bytes.slice(at + 4, at + 4 + length))
    at += 4 + length
  }
  return at === bytes.length ? { head: bytes.slice(0, 1 + label), fields } : undefined
}

function join(head: Uint8Array, fields: readonly Uint8Array[]): Uint8Array {
  const parts = fields.flatMap((field) => [Buffer.from([field.length >>> 24, field.length >>> 16, field.length >>> 8, field.length]), field])
  return new Uint8Array(Buffer.concat([head, Buffer.from([fields.length >> 8, fields.length & 255]), ...parts]))
}

const EDITS: readonly ((field: Uint8Array) => Uint8Array[])[] = [
  (field) => [field.slice(0, -1)],
  (field) => [Buffer.concat([field, Buffer.from([1])])],
  () => [new Uint8Array(0)],
  (field) => [field, field],
  () => [],
]

export function verdictsOf(decoder: Decoder): Verdicts {
  const { sample } = decoder
  const shown = [...sample.keys()].filter((at) => at < HEAD || at >= sample.length - TAIL)
  const turned = shown.map((at) => sample.map((byte, i) => (i === at ? byte ^ 1 : byte)))
  const transcript = fieldsOf(sample)
  const edited = (transcript?.fields ?? []).flatMap((field, at) =>
    EDITS.map((edit) =>
      join(
        transcript!.head,
        transcript!.fields.flatMap((other, i) => (i === at ? edit(field) : [other])),
      ),
    ),
  )
  const longer = new Uint8Array(sample.length + 1)
  longer.set(sample)
  return {
    value: sampleDigest(decoder),
    cut: runs(shown.map((length) => verdict(decoder, sample.slice(0, length)))),
    longer: verdict(decoder, longer),
    turned: runs(turned.map((bytes) => verdict(decoder, bytes))),
    fields: runs(edited.map((bytes) => verdict(decoder, bytes))),
  }
}

function sampleDigest({ decode, sample }: Decoder): string {
  try {
    return digest(decode(sample.slice()))
  } catch (error) {
    if (error instanceof SecureChatError) return error.code
    throw error
  }
}
