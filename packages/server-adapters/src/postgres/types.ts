import { SecureChatError } from '@securechat/protocol'

const OIDS = { bool: 16, bytea: 17, int8: 20, int4: 23 } as const

function parseBytes(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw new SecureChatError('server/unavailable', { detail: 'bytea_output is not hex' })
  const bytes = Buffer.from(text.slice(2), 'hex')
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

const identity = (text: string): string => text
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [OIDS.bool]: (text) => text === 't',
  [OIDS.bytea]: parseBytes,
  // Every 64-bit column holds milliseconds, versions, ids and counters below 2^53.
  [OIDS.int8]: Number,
  [OIDS.int4]: Number,
}
/** Results as the store wants them, whatever the app has told pg about types. */
export const resultTypes = { getTypeParser: (oid: number): ((text: string) => unknown) => PARSERS[oid] ?? identity }

/** A one-dimensional array as PostgreSQL's binary format has it: dimensions, null flag, element type, length, lower bound, elements. pg sends a Buffer as it is. */
function array(oid: number, size: number, { length }: ArrayLike<unknown>): { readonly out: Buffer; readonly at: number } {
  if (length === 0) {
    const out = Buffer.alloc(12)
    out.writeInt32BE(oid, 8)
    return { out, at: 12 }
  }
  const out = Buffer.allocUnsafe(20 + length * (4 + size))
  out.writeInt32BE(1, 0)
  out.writeInt32BE(0, 4)
  out.writeInt32BE(oid, 8)
  out.writeInt32BE(length, 12)
  out.writeInt32BE(1, 16)
  return { out, at: 20 }
}

export function int4Array(items: readonly number[]): Buffer {
  const { out, at: start } = array(OIDS.int4, 4, items)
  let at = start
  for (const item of items) at = out.writeInt32BE(item, out.writeInt32BE(4, at))
  return out
}

/** Safe integers, 0 and above. */
export function int8Array(items: readonly number[]): Buffer {
  const { out, at: start } = array(OIDS.int8, 8, items)
  let at = start
  for (const item of items) {
    at = out.writeInt32BE(8, at)
    at = out.writeUInt32BE(Math.floor(item / 0x100000000), at)
    at = out.writeUInt32BE(item % 0x100000000, at)
  }
  return out
}
