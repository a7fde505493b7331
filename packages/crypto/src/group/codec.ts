import { type AccountId, type ConversationId, type DeviceId, idFromBytes, idToBytes, LIMITS, SecureChatError } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { SkippedKey } from '../ratchet/state.js'
import { Secret } from '../secret.js'
import type { ChainOwner } from './chain.js'
import type { OwnChain, PreviousChain } from './own-chain.js'
import type { PeerChain, PeerChains } from './peer-chain.js'

/**
 * own   = u8 version ‖ u8 1 ‖ owner ‖ chain id 32 ‖ u64 epoch ‖ u64 sent epoch ‖ u64 created ‖ public 32 ‖ secret 64 ‖ H(CK0) 32 ‖ CK 32 ‖ u32 next
 *         ‖ u8 has previous ‖ [chain id 32 ‖ u32 length]
 * peer  = u8 version ‖ u8 2 ‖ owner ‖ u8 n ‖ n × chain ‖ u8 m ‖ m × (chain id 32 ‖ u32 length)
 * chain = chain id 32 ‖ u64 epoch ‖ u64 newest epoch ‖ signing key 32 ‖ u8 has CK ‖ [CK 32] ‖ u32 next ‖ u16 m ‖ m × (u32 counter ‖ mk 32 ‖ u64 stored at)
 * owner = group 16 ‖ account 16 ‖ u32 device
 */
const VERSION = 1
const OWN = 1
const PEER = 2

function open(bytes: Uint8Array, kind: number): ByteReader {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'sender key record')
  if (reader.u8() !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'sender key record' })
  reader.expect(kind, reader.u8())
  return reader
}

const begin = (kind: number, { groupId, accountId, deviceId }: ChainOwner): ByteWriter =>
  new ByteWriter().u8(VERSION).u8(kind).bytes(idToBytes(groupId)).bytes(idToBytes(accountId)).u32(deviceId)

function readOwner(reader: ByteReader): ChainOwner {
  const [groupId, accountId] = [idFromBytes<ConversationId>(reader.view(16)), idFromBytes<AccountId>(reader.view(16))]
  const deviceId = reader.u32()
  if (deviceId === 0) reader.fail()
  return { groupId, accountId, deviceId: deviceId as DeviceId }
}

function flag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) reader.fail()
  return value === 1
}

function counter(reader: ByteReader): number {
  const value = reader.u32()
  if (value > LIMITS.senderKeyMessages) reader.fail()
  return value
}

/** Secret bytes: only for a sealed store, never for a backup. */
export function encodeOwnChain(own: OwnChain): Uint8Array {
  const { chainId, epoch, sentEpoch, createdAt, signing, start, chainKey, next, previous } = own
  const writer = begin(OWN, own).bytes(chainId).u64(epoch).u64(sentEpoch).u64(createdAt).bytes(signing.publicKey).bytes(signing.secretKey.expose())
  writer
    .bytes(start)
    .bytes(chainKey.expose())
    .u32(next)
    .u8(previous ? 1 : 0)
  if (previous) writer.bytes(previous.chainId).u32(previous.length)
  return writer.finish()
}

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodeOwnChain(bytes: Uint8Array): OwnChain {
  const reader = open(bytes, OWN)
  const own = {
    ...readOwner(reader),
    chainId: reader.copy(32),
    epoch: reader.u64(),
    sentEpoch: reader.u64(),
    createdAt: reader.u64(),
    signing: { publicKey: reader.copy(32), secretKey: new Secret(reader.copy(64)) },
    start: reader.copy(32),
    chainKey: new Secret(reader.copy(32)),
    next: counter(reader),
    previous: flag(reader) ? { chainId: reader.copy(32), length: counter(reader) } : null,
  }
  if (own.sentEpoch < own.epoch) reader.fail()
  reader.end()
  return own
}

/** Secret bytes: only for a sealed store, never for a backup. */
export function encodePeerChains(peer: PeerChains): Uint8Array {
  const writer = begin(PEER, peer).u8(peer.chains.length)
  for (const { chainId, epoch, newestEpoch, signingKey, chainKey, next, skipped } of peer.chains) {
    writer
      .bytes(chainId)
      .u64(epoch)
      .u64(newestEpoch)
      .bytes(signingKey)
      .u8(chainKey ? 1 : 0)
    if (chainKey) writer.bytes(chainKey.expose())
    writer.u32(next).u16(skipped.length)
    for (const key of skipped) writer.u32(key.counter).bytes(key.messageKey.expose()).u64(key.storedAt)
  }
  writer.u8(peer.lost.length)
  for (const { chainId, length } of peer.lost) writer.bytes(chainId).u32(length)
  return writer.finish()
}

function readSkipped(reader: ByteReader, next: number): SkippedKey[] {
  const skipped: SkippedKey[] = []
  let last = -1
  for (let n = reader.u16(); n > 0; n--) {
    const at = reader.u32()
    if (at <= last || at >= next) reader.fail()
    last = at
    skipped.push({ counter: at, messageKey: new Secret(reader.copy(32)), storedAt: reader.u64() })
  }
  return skipped
}

function readChain(reader: ByteReader): PeerChain {
  const [chainId, epoch, newestEpoch, signingKey] = [reader.copy(32), reader.u64(), reader.u64(), reader.copy(32)]
  if (newestEpoch < epoch) reader.fail()
  const chainKey = flag(reader) ? new Secret(reader.copy(32)) : null
  const next = counter(reader)
  return { chainId, epoch, newestEpoch, signingKey, chainKey, next, skipped: readSkipped(reader, next) }
}

/** Throws `storage/corrupt` or `protocol/unsupported-version`. */
export function decodePeerChains(bytes: Uint8Array): PeerChains {
  const reader = open(bytes, PEER)
  const owner = readOwner(reader)
  const count = reader.u8()
  if (count > LIMITS.senderKeyChains) reader.fail()
  const chains: PeerChain[] = []
  for (let i = 0; i < count; i++) chains.push(readChain(reader))
  const lostCount = reader.u8()
  if (lostCount > LIMITS.senderKeyChains) reader.fail()
  const lost: PreviousChain[] = []
  for (let i = 0; i < lostCount; i++) lost.push({ chainId: reader.copy(32), length: counter(reader) })
  reader.end()
  return { ...owner, chains, lost }
}
