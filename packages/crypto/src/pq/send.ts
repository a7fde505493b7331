import type { CryptoDeps } from '../deps.js'
import { SIZES } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { chunkCount, encodeChunk, type ObjectKind, objectHash, tagOf } from './chunk.js'
import type { PqParameters } from './parameters.js'
import { type PqPhase, type PqState, sendsKey, withPhase } from './state.js'

/** The part of a ratchet that this machine sees. */
export interface PqSession {
  readonly th: Uint8Array
  readonly pq: PqState
  readonly send: { readonly next: number } | null
}

export interface SentChunk {
  readonly pq: PqState
  readonly chunk: Uint8Array
}

type Sending = Extract<PqPhase, { kind: 'offering' | 'answering' }>

function beginKey({ provider, random }: CryptoDeps, { th, pq }: PqSession): Sending {
  const seed = random(SIZES.mlkemSeed)
  const ek = provider.mlkem768KeyPair(seed).publicKey
  return { kind: 'offering', seed: new Secret(seed), ek, tag: tagOf(objectHash(provider, { th, epoch: pq.epoch + 1 }, ek)), next: 0, answer: null }
}

function beginAnswer({ provider, random }: CryptoDeps, { th, pq }: PqSession, ek: Uint8Array): Sending {
  const { ciphertext, sharedSecret } = provider.mlkem768Encapsulate(ek, random(SIZES.mlkemRandomness))
  const h = objectHash(provider, { th, epoch: pq.epoch + 1 }, ek, ciphertext)
  return { kind: 'answering', ct: ciphertext, secret: new Secret(sharedSecret), h, next: 0 }
}

/** Whether the gap since the last epoch is over. */
const isDue = ({ pq, send }: PqSession, now: number, { gapMessages, gapTime }: PqParameters): boolean =>
  pq.sends + (send?.next ?? 0) >= gapMessages || now - pq.since >= gapTime

function sendingPhase(deps: CryptoDeps, session: PqSession, parameters: PqParameters): Sending | null {
  const { pq } = session
  switch (pq.phase.kind) {
    case 'idle':
      return sendsKey(pq) && pq.epoch < 0xffffffff && isDue(session, deps.now, parameters) ? beginKey(deps, session) : null
    case 'offering':
      return pq.phase.answer ? null : pq.phase
    case 'asked':
      return beginAnswer(deps, session, pq.phase.ek)
    case 'answering':
      return pq.phase
    default:
      return null
  }
}

/**
 * The chunk that the next message carries, with the state after it; null, with nothing made, for a message without one. A long chain
 * carries every chunk of an object twice and no more: until the peer answers nothing can be learned from further ones.
 */
export function nextChunk(deps: CryptoDeps, session: PqSession, parameters: PqParameters): SentChunk | null {
  if (session.send && session.send.next >= parameters.chunksPerChain) return null
  const phase = sendingPhase(deps, session, parameters)
  if (!phase) return null
  const { pq } = session
  const kind: ObjectKind = phase.kind === 'offering' ? 'ek' : 'ct'
  const [object, tag] = phase.kind === 'offering' ? [phase.ek, phase.tag] : [phase.ct, tagOf(phase.h)]
  const chunk = encodeChunk({ epoch: pq.epoch + 1, kind, tag }, object, { index: phase.next, chunkBytes: parameters.chunkBytes })
  return { pq: withPhase(pq, { ...phase, next: (phase.next + 1) % chunkCount(kind, parameters) }), chunk }
}
