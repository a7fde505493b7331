import { LIMITS, type Timestamp } from '@securechat/protocol/core'
import type { ByteReader } from '../encoding/reader.js'
import type { ByteWriter } from '../encoding/writer.js'
import type { KeyPair } from '../identity/keys.js'
import { pqSize, readPq, writePq } from '../pq/codec.js'
import { type PqState, startPq } from '../pq/state.js'
import { Secret } from '../secret.js'
import type { RatchetState, ReceiveChain, SkippedKey } from './state.js'

/**
 * ratchet = u8 version ‖ th 64 ‖ RK 32 ‖ pq ‖ u8 bits (1 own, 2 remote, 4 send) ‖ [own public 32 ‖ secret 32] ‖ [remote 32]
 *           ‖ [CK 32 ‖ u32 marked epoch ‖ u32 next] ‖ u32 previous length ‖ u8 n ‖ n × chain
 * chain   = ratchet key 32 ‖ u32 marked epoch ‖ u8 has CK ‖ [CK 32] ‖ u32 next ‖ u16 m ‖ m × (u32 counter ‖ mk 32 ‖ u64 stored at)
 * Version 1 had a u32 0 in the place of pq, and no marked epochs.
 */
const VERSION = 2
const CLASSICAL = 1
const OWN = 1
const REMOTE = 2
const SEND = 4

const SKIPPED_KEY = 4 + 32 + 8
const chainSize = ({ chainKey, skipped }: ReceiveChain): number => 32 + 4 + 1 + (chainKey ? 32 : 0) + 4 + 2 + skipped.length * SKIPPED_KEY

/** Bytes that `writeRatchet` writes. */
export function ratchetSize({ pq, own, remote, send, receive }: RatchetState): number {
  let size = 1 + 64 + 32 + pqSize(pq) + 1 + (own ? 64 : 0) + (remote ? 32 : 0) + (send ? 32 + 4 + 4 : 0) + 4 + 1
  for (const chain of receive) size += chainSize(chain)
  return size
}

function writeChain(writer: ByteWriter, { ratchetKey, pqEpoch, chainKey, next, skipped }: ReceiveChain): void {
  writer
    .bytes(ratchetKey)
    .u32(pqEpoch)
    .u8(chainKey ? 1 : 0)
  if (chainKey) writer.bytes(chainKey.expose())
  writer.u32(next).u16(skipped.length)
  for (const { counter, messageKey, storedAt } of skipped) writer.u32(counter).bytes(messageKey.expose()).u64(storedAt)
}

export function writeRatchet(writer: ByteWriter, { th, rootKey, pq, own, remote, send, previousChainLength, receive }: RatchetState): void {
  writer.u8(VERSION).bytes(th).bytes(rootKey.expose())
  writePq(writer, pq)
  writer.u8((own ? OWN : 0) | (remote ? REMOTE : 0) | (send ? SEND : 0))
  if (own) writer.bytes(own.publicKey).bytes(own.secretKey.expose())
  if (remote) writer.bytes(remote)
  if (send) writer.bytes(send.chainKey.expose()).u32(send.pqEpoch).u32(send.next)
  writer.u32(previousChainLength).u8(receive.length)
  for (const chain of receive) writeChain(writer, chain)
}

const readSecret = (reader: ByteReader): Secret => new Secret(reader.copy(32))
const readPair = (reader: ByteReader): KeyPair => ({ publicKey: reader.copy(32), secretKey: readSecret(reader) })

interface ChainLimits {
  /** Skipped keys that it may hold. */
  readonly room: number
  /** The last epoch; a chain cannot be marked with a later one. */
  readonly epoch: number
  readonly version: number
}

function readMark(reader: ByteReader, { epoch, version }: Omit<ChainLimits, 'room'>): number {
  if (version === CLASSICAL) return 0
  const mark = reader.u32()
  if (mark > epoch) reader.fail()
  return mark
}

function readChain(reader: ByteReader, { room, ...marks }: ChainLimits): ReceiveChain {
  const ratchetKey = reader.copy(32)
  const pqEpoch = readMark(reader, marks)
  const hasKey = reader.u8()
  if (hasKey > 1) reader.fail()
  const chainKey = hasKey === 1 ? readSecret(reader) : null
  const next = reader.u32()
  const count = reader.u16()
  if (count > room) reader.fail()
  const skipped: SkippedKey[] = []
  let last = -1
  for (let i = 0; i < count; i++) {
    const counter = reader.u32()
    if (counter <= last || counter >= next) reader.fail()
    last = counter
    skipped.push({ counter, messageKey: readSecret(reader), storedAt: reader.u64() })
  }
  return { ratchetKey, pqEpoch, chainKey, next, skipped }
}

/** A ratchet of version 1 begins its post-quantum part with the next message. */
function readClassical(reader: ByteReader, { initiator, createdAt }: RatchetOwner): PqState {
  reader.expect(0, reader.u32())
  return startPq({ initiator, since: createdAt })
}

/** What the record says of the session around the ratchet. */
export interface RatchetOwner {
  /** Written before there was a post-quantum ratchet. */
  readonly classical: boolean
  readonly initiator: boolean
  readonly createdAt: Timestamp
}

/** Fails with the reader's code on anything that `writeRatchet` does not write, or did not in version 1. */
export function readRatchet(reader: ByteReader, owner: RatchetOwner): RatchetState {
  const version = owner.classical ? CLASSICAL : VERSION
  reader.expect(version, reader.u8())
  const th = reader.copy(64)
  const rootKey = readSecret(reader)
  const pq = owner.classical ? readClassical(reader, owner) : readPq(reader, owner.initiator)
  const marks = { epoch: pq.epoch, version }
  const bits = reader.u8()
  if (bits > (OWN | REMOTE | SEND)) reader.fail()
  const own = bits & OWN ? readPair(reader) : null
  const remote = bits & REMOTE ? reader.copy(32) : null
  const send = bits & SEND ? { chainKey: readSecret(reader), pqEpoch: readMark(reader, marks), next: reader.u32() } : null
  const previousChainLength = reader.u32()
  const chains = reader.u8()
  if (chains > LIMITS.receiveChains) reader.fail()
  const receive: ReceiveChain[] = []
  let room: number = LIMITS.skippedKeys
  for (let i = 0; i < chains; i++) {
    const chain = readChain(reader, { room, ...marks })
    // Only the newest chain can still move.
    if ((chain.chainKey !== null) !== (i === 0)) reader.fail()
    room -= chain.skipped.length
    receive.push(chain)
  }
  return { th, rootKey, pq, own, remote, send, previousChainLength, receive }
}
