import { LIMITS, SecureChatError, SUITE } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import { ratchetSize, readRatchet, writeRatchet } from '../ratchet/codec.js'
import { asDeviceOnly, type DeviceOnlyBytes } from '../secret.js'
import { SEEN_HANDSHAKES, type SeenHandshake, type Session, type SessionRecord } from './record.js'

/**
 * record    = u8 version ‖ u8 suite ‖ AIK 32 ‖ DSK 32 ‖ DIK 32 (the peer's) ‖ u64 next generation ‖ u8 n ‖ n × session
 *             ‖ u16 m ‖ m × (u32 ‖ u32 ‖ EK 32)
 * session   = u8 bits (1 initiator, 2 acknowledged) ‖ u32 generation ‖ EK 32 ‖ u16 length ‖ handshake ‖ u64 created ‖ u64 superseded
 *             ‖ u32 received ‖ u64 unanswered ‖ ratchet
 * Version 1 has ratchets of version 1 and lacks the next generation, which is read as one above the highest of its sessions.
 */
const VERSION = 2
const OLDEST = 1
const GENERATIONS = 0x1_0000_0000
const INITIATOR = 1
const ACKNOWLEDGED = 2

const RECORD_HEAD = 1 + 1 + 3 * 32 + 8 + 1
const SEEN = 4 + 4 + 32
const sessionSize = ({ handshake, ratchet }: Session): number => 1 + 4 + 32 + 2 + (handshake?.length ?? 0) + 8 + 8 + 4 + 8 + ratchetSize(ratchet)

/** Bytes that `encodeSession` gives: known beforehand, they are allocated once. */
export function recordSize({ sessions, seen }: SessionRecord): number {
  let size = RECORD_HEAD + 2 + seen.length * SEEN
  for (const session of sessions) size += sessionSize(session)
  return size
}

function writeSession(writer: ByteWriter, session: Session): void {
  writer.u8((session.role === 'initiator' ? INITIATOR : 0) | (session.acknowledged ? ACKNOWLEDGED : 0)).u32(session.generation)
  writer.bytes(session.ephemeralKey).u16(session.handshake?.length ?? 0)
  if (session.handshake) writer.bytes(session.handshake)
  writer.u64(session.createdAt).u64(session.supersededAt).u32(session.receivedSinceSend).u64(session.unansweredSince)
  writeRatchet(writer, session.ratchet)
}

function readSession(reader: ByteReader, classical: boolean): Session {
  const bits = reader.u8()
  if (bits > (INITIATOR | ACKNOWLEDGED)) reader.fail()
  const generation = reader.u32()
  const ephemeralKey = reader.copy(32)
  const handshakeLength = reader.u16()
  const initiator = (bits & INITIATOR) !== 0
  const handshake = handshakeLength === 0 ? null : reader.copy(handshakeLength)
  const createdAt = reader.u64()
  return {
    role: initiator ? 'initiator' : 'responder',
    acknowledged: (bits & ACKNOWLEDGED) !== 0,
    generation,
    ephemeralKey,
    handshake,
    createdAt,
    supersededAt: reader.u64(),
    receivedSinceSend: reader.u32(),
    unansweredSince: reader.u64(),
    ratchet: readRatchet(reader, { classical, initiator, createdAt }),
  }
}

/** Secret bytes: only for a sealed store. */
export function encodeSession(record: SessionRecord): DeviceOnlyBytes {
  const { peer, nextGeneration, sessions, seen } = record
  const writer = new ByteWriter(recordSize(record)).u8(VERSION).u8(SUITE).bytes(peer.accountKey).bytes(peer.signingKey).bytes(peer.identityKey)
  writer.u64(nextGeneration).u8(sessions.length)
  for (const session of sessions) writeSession(writer, session)
  writer.u16(seen.length)
  for (const { signedPreKeyId, kemKeyId, ephemeralKey } of seen) writer.u32(signedPreKeyId).u32(kemKeyId).bytes(ephemeralKey)
  return asDeviceOnly(writer.finish())
}

/** Keeps no view of `bytes`. Throws `storage/corrupt` (anything `encodeSession` would not write) or `protocol/unsupported-version`. */
export function decodeSession(bytes: Uint8Array): SessionRecord {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'session record')
  const version = reader.u8()
  if (version < OLDEST || version > VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'session record' })
  reader.expect(SUITE, reader.u8())
  const peer = { accountKey: reader.copy(32), signingKey: reader.copy(32), identityKey: reader.copy(32) }
  const storedGeneration = version === OLDEST ? 0 : reader.u64()
  if (storedGeneration > GENERATIONS) reader.fail()
  const count = reader.u8()
  if (count > LIMITS.sessionsPerPair) reader.fail()
  const sessions: Session[] = []
  for (let i = 0; i < count; i++) sessions.push(readSession(reader, version === OLDEST))
  const nextGeneration = sessions.reduce((next, { generation }) => Math.max(next, generation + 1), storedGeneration)
  if (version !== OLDEST && nextGeneration !== storedGeneration) reader.fail()
  const seenCount = reader.u16()
  if (seenCount > SEEN_HANDSHAKES) reader.fail()
  const seen: SeenHandshake[] = []
  for (let i = 0; i < seenCount; i++) seen.push({ signedPreKeyId: reader.u32(), kemKeyId: reader.u32(), ephemeralKey: reader.copy(32) })
  reader.end()
  return { peer, nextGeneration, sessions, seen }
}
