import type { Timestamp } from '@securechat/protocol/core'
import type { ByteReader } from '../encoding/reader.js'
import type { ByteWriter } from '../encoding/writer.js'
import { SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { chunkCount, type ObjectKind } from './chunk.js'
import { OBJECT_BYTES, PQ_PARAMETERS } from './parameters.js'
import { type Collection, type PqPhase, type PqState, sendsKey } from './state.js'

/**
 * pq         = u32 epoch ‖ u64 since ‖ u32 sends ‖ u32 exchanged ‖ u8 phase ‖ phase
 * idle       (0)
 * offering   (1) = seed 64 ‖ ek 1,184 ‖ tag 8 ‖ u8 next ‖ u8 has an answer ‖ [collection of ct]
 * ready      (2) = ss 32 ‖ h 64
 * collecting (3) = collection of ek
 * asked      (4) = ek 1,184
 * answering  (5) = ss 32 ‖ h 64 ‖ ct 1,088 ‖ u8 next
 * collection = tag 8 ‖ u32 have ‖ the chunks of its bits in ascending order
 */
const CODES = { idle: 0, offering: 1, ready: 2, collecting: 3, asked: 4, answering: 5 } as const
const KINDS = Object.keys(CODES) as (keyof typeof CODES)[]
const KEY_SENDER: readonly PqPhase['kind'][] = ['offering', 'ready']

const { chunkBytes } = PQ_PARAMETERS
const bounds = (kind: ObjectKind, index: number): [number, number] => [index * chunkBytes, Math.min((index + 1) * chunkBytes, OBJECT_BYTES[kind])]

function writeCollection(writer: ByteWriter, { tag, have, bytes }: Collection, kind: ObjectKind): void {
  writer.bytes(tag).u32(have)
  for (let i = 0; i < chunkCount(kind, PQ_PARAMETERS); i++) if (have & (1 << i)) writer.bytes(bytes.subarray(...bounds(kind, i)))
}

function readCollection(reader: ByteReader, kind: ObjectKind): Collection {
  const tag = reader.copy(8)
  const have = reader.u32()
  const count = chunkCount(kind, PQ_PARAMETERS)
  // Complete ones are never kept.
  if (have === 0 || have >= 2 ** count - 1) reader.fail()
  const bytes = new Uint8Array(OBJECT_BYTES[kind])
  for (let i = 0; i < count; i++) {
    if ((have & (1 << i)) === 0) continue
    const [from, to] = bounds(kind, i)
    bytes.set(reader.view(to - from), from)
  }
  return { tag, have, bytes }
}

function collectionSize({ have }: Collection, kind: ObjectKind): number {
  let size = 8 + 4
  for (let i = 0; i < chunkCount(kind, PQ_PARAMETERS); i++) {
    const [from, to] = bounds(kind, i)
    if (have & (1 << i)) size += to - from
  }
  return size
}

function phaseSize(phase: PqPhase): number {
  switch (phase.kind) {
    case 'idle':
      return 0
    case 'offering':
      return SIZES.mlkemSeed + OBJECT_BYTES.ek + 8 + 1 + 1 + (phase.answer ? collectionSize(phase.answer, 'ct') : 0)
    case 'ready':
      return SIZES.sharedSecret + SIZES.hash
    case 'collecting':
      return collectionSize(phase.question, 'ek')
    case 'asked':
      return OBJECT_BYTES.ek
    case 'answering':
      return SIZES.sharedSecret + SIZES.hash + OBJECT_BYTES.ct + 1
  }
}

/** Bytes that `writePq` writes. */
export const pqSize = ({ phase }: PqState): number => 4 + 8 + 4 + 4 + 1 + phaseSize(phase)

function writePhase(writer: ByteWriter, phase: PqPhase): void {
  writer.u8(CODES[phase.kind])
  switch (phase.kind) {
    case 'idle':
      return
    case 'offering':
      writer
        .bytes(phase.seed.expose())
        .bytes(phase.ek)
        .bytes(phase.tag)
        .u8(phase.next)
        .u8(phase.answer ? 1 : 0)
      if (phase.answer) writeCollection(writer, phase.answer, 'ct')
      return
    case 'ready':
      writer.bytes(phase.secret.expose()).bytes(phase.h)
      return
    case 'collecting':
      writeCollection(writer, phase.question, 'ek')
      return
    case 'asked':
      writer.bytes(phase.ek)
      return
    case 'answering':
      writer.bytes(phase.secret.expose()).bytes(phase.h).bytes(phase.ct).u8(phase.next)
  }
}

function readNext(reader: ByteReader, kind: ObjectKind): number {
  const next = reader.u8()
  if (next >= chunkCount(kind, PQ_PARAMETERS)) reader.fail()
  return next
}

function readOffering(reader: ByteReader): PqPhase {
  const seed = new Secret(reader.copy(SIZES.mlkemSeed))
  const [ek, tag, next, has] = [reader.copy(OBJECT_BYTES.ek), reader.copy(8), readNext(reader, 'ek'), reader.u8()]
  if (has > 1) reader.fail()
  return { kind: 'offering', seed, ek, tag, next, answer: has === 1 ? readCollection(reader, 'ct') : null }
}

const readSecret = (reader: ByteReader): { secret: Secret; h: Uint8Array } => ({
  secret: new Secret(reader.copy(SIZES.sharedSecret)),
  h: reader.copy(SIZES.hash),
})

function readPhase(reader: ByteReader, kind: PqPhase['kind']): PqPhase {
  switch (kind) {
    case 'idle':
      return { kind }
    case 'offering':
      return readOffering(reader)
    case 'ready':
      return { kind, ...readSecret(reader) }
    case 'collecting':
      return { kind, question: readCollection(reader, 'ek') }
    case 'asked':
      return { kind, ek: reader.copy(OBJECT_BYTES.ek) }
    case 'answering':
      return { kind, ...readSecret(reader), ct: reader.copy(OBJECT_BYTES.ct), next: readNext(reader, 'ct') }
  }
}

export function writePq(writer: ByteWriter, { epoch, since, sends, exchanged, phase }: PqState): void {
  writer.u32(epoch).u64(since).u32(sends).u32(exchanged)
  writePhase(writer, phase)
}

/** Fails with the reader's code on anything that `writePq` would not write. */
export function readPq(reader: ByteReader, initiator: boolean): PqState {
  const epoch = reader.u32()
  const [since, sends, exchanged]: [Timestamp, number, number] = [reader.u64(), reader.u32(), reader.u32()]
  const kind = KINDS[reader.u8()] ?? reader.fail()
  if (kind !== 'idle' && KEY_SENDER.includes(kind) !== sendsKey({ initiator, epoch })) reader.fail()
  return { initiator, epoch, since, sends, exchanged, phase: readPhase(reader, kind) }
}
