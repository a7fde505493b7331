import { type AccountId, idFromBytes, idToBytes, LIMITS, SecureChatError } from '@securechat/protocol/core'
import { ByteReader } from '../encoding/reader.js'
import { ByteWriter } from '../encoding/writer.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { decodeGroupState, encodeGroupState, type GroupRecord, groupStateHash } from './state.js'

/**
 * u8 version ‖ u32 length ‖ state ‖ u16 n ‖ n × (u64 epoch ‖ hash 32) ‖ u8 m ‖ m × (u64 epoch ‖ u32 length ‖ operation) ‖ u8 has fork
 * ‖ [u64 epoch ‖ state hash 32 ‖ account 16] ‖ u64 forks since
 */
const VERSION = 1

/** Public to the group's members, but it must come back unchanged: keep it in a sealed store. */
export function encodeGroupRecord({ state, history, evidence, fork, forksSince }: GroupRecord): Uint8Array {
  const bytes = encodeGroupState(state)
  const writer = new ByteWriter(bytes.length + 64 + history.length * 40).u8(VERSION).u32(bytes.length).bytes(bytes).u16(history.length)
  for (const { epoch, hash } of history) writer.u64(epoch).bytes(hash)
  writer.u8(evidence.length)
  for (const { epoch, operation } of evidence) writer.u64(epoch).u32(operation.length).bytes(operation)
  writer.u8(fork ? 1 : 0)
  if (fork) writer.u64(fork.epoch).bytes(fork.stateHash).bytes(idToBytes(fork.accountId))
  return writer.u64(forksSince).finish()
}

/** Throws `storage/corrupt`, `protocol/malformed`, `protocol/unsupported-version`. */
export function decodeGroupRecord(provider: Pick<CryptoProvider, 'blake2b'>, bytes: Uint8Array): GroupRecord {
  const reader = new ByteReader(bytes, 'storage/corrupt', 'group record')
  if (reader.u8() !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'group record' })
  const state = decodeGroupState(reader.view(reader.u32()))
  const history: { epoch: number; hash: Uint8Array }[] = []
  const past = reader.u16()
  if (past > LIMITS.groupHistory) reader.fail()
  for (let i = 0; i < past; i++) {
    history.push({ epoch: reader.u64(), hash: reader.copy(32) })
    if (history[i]!.epoch >= state.epoch || (i > 0 && history[i]!.epoch <= history[i - 1]!.epoch)) reader.fail()
  }
  const evidence: { epoch: number; operation: Uint8Array }[] = []
  const kept = reader.u8()
  if (kept > LIMITS.groupEvidence) reader.fail()
  for (let i = 0; i < kept; i++) evidence.push({ epoch: reader.u64(), operation: reader.copy(reader.u32()) })
  const forked = reader.u8()
  if (forked > 1) reader.fail()
  const fork = forked === 1 ? { epoch: reader.u64(), stateHash: reader.copy(32), accountId: idFromBytes<AccountId>(reader.view(16)) } : null
  const forksSince = reader.u64()
  if (forksSince > state.epoch) reader.fail()
  reader.end()
  return { state, hash: groupStateHash(provider, state), history, evidence, fork, forksSince }
}
