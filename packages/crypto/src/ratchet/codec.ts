import { LIMITS } from '@securechat/protocol'
import type { ByteReader } from '../encoding/reader.js'
import type { ByteWriter } from '../encoding/writer.js'
import type { KeyPair } from '../identity/keys.js'
import { Secret } from '../secret.js'
import type { RatchetState, ReceiveChain, SkippedKey } from './state.js'

/**
 * ratchet = u8 version ‖ th 64 ‖ RK 32 ‖ u32 PQ epoch ‖ u8 bits (1 own, 2 remote, 4 send) ‖ [own public 32 ‖ secret 32] ‖ [remote 32]
 *           ‖ [CK 32 ‖ u32 next] ‖ u32 previous length ‖ u8 n ‖ n × chain
 * chain   = ratchet key 32 ‖ u8 has CK ‖ [CK 32] ‖ u32 next ‖ u16 m ‖ m × (u32 counter ‖ mk 32 ‖ u64 stored at)
 */
const VERSION = 1
const OWN = 1
const REMOTE = 2
const SEND = 4

function writeChain(writer: ByteWriter, { ratchetKey, chainKey, next, skipped }: ReceiveChain): void {
  writer.bytes(ratchetKey).u8(chainKey ? 1 : 0)
  if (chainKey) writer.bytes(chainKey.expose())
  writer.u32(next).u16(skipped.length)
  for (const { counter, messageKey, storedAt } of skipped) writer.u32(counter).bytes(messageKey.expose()).u64(storedAt)
}

export function writeRatchet(writer: ByteWriter, { th, rootKey, pqEpoch, own, remote, send, previousChainLength, receive }: RatchetState): void {
  writer
    .u8(VERSION)
    .bytes(th)
    .bytes(rootKey.expose())
    .u32(pqEpoch)
    .u8((own ? OWN : 0) | (remote ? REMOTE : 0) | (send ? SEND : 0))
  if (own) writer.bytes(own.publicKey).bytes(own.secretKey.expose())
  if (remote) writer.bytes(remote)
  if (send) writer.bytes(send.chainKey.expose()).u32(send.next)
  writer.u32(previousChainLength).u8(receive.length)
  for (const chain of receive) writeChain(writer, chain)
}

const readSecret = (reader: ByteReader): Secret => new Secret(reader.copy(32))
const readPair = (reader: ByteReader): KeyPair => ({ publicKey: reader.copy(32), secretKey: readSecret(reader) })

function readChain(reader: ByteReader, room: number): ReceiveChain {
  const ratchetKey = reader.copy(32)
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
  return { ratchetKey, chainKey, next, skipped }
}

/** Fails with the reader's code on anything that `writeRatchet` would not write. */
export function readRatchet(reader: ByteReader): RatchetState {
  reader.expect(VERSION, reader.u8())
  const th = reader.copy(64)
  const rootKey = readSecret(reader)
  const pqEpoch = reader.u32()
  const bits = reader.u8()
  if (bits > (OWN | REMOTE | SEND) || pqEpoch !== 0) reader.fail()
  const own = bits & OWN ? readPair(reader) : null
  const remote = bits & REMOTE ? reader.copy(32) : null
  const send = bits & SEND ? { chainKey: readSecret(reader), next: reader.u32() } : null
  const previousChainLength = reader.u32()
  const chains = reader.u8()
  if (chains > LIMITS.receiveChains) reader.fail()
  const receive: ReceiveChain[] = []
  let room: number = LIMITS.skippedKeys
  for (let i = 0; i < chains; i++) {
    const chain = readChain(reader, room)
    // Only the newest chain can still move.
    if ((chain.chainKey !== null) !== (i === 0)) reader.fail()
    room -= chain.skipped.length
    receive.push(chain)
  }
  return { th, rootKey, pqEpoch, own, remote, send, previousChainLength, receive }
}
