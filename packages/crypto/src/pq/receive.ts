import { equalSecretBytes } from '@securechat/protocol/core'
import { isMlkem768PublicKey } from '../primitives/checks.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { chunkCount, collect, isChunkOf, isComplete, objectHash, tagOf } from './chunk.js'
import type { PqParameters } from './parameters.js'
import { idle, type PqState, sendsKey, withPhase } from './state.js'

type Provider = Pick<CryptoProvider, 'blake2b' | 'mlkem768KeyPair' | 'mlkem768Decapsulate'>
interface Received {
  readonly th: Uint8Array
  readonly pq: PqState
}

function takeKeyChunk(provider: Provider, { th, pq }: Received, chunk: Uint8Array, parameters: PqParameters): PqState {
  const { phase, epoch } = pq
  if (phase.kind !== 'idle' && phase.kind !== 'collecting') return pq
  const question = collect(phase.kind === 'collecting' ? phase.question : null, chunk, { kind: 'ek', chunkBytes: parameters.chunkBytes })
  if (phase.kind === 'collecting' && question === phase.question) return pq
  if (!isComplete(question, chunkCount('ek', parameters))) return withPhase(pq, { kind: 'collecting', question })
  const ek = question.bytes
  const named = equalSecretBytes(tagOf(objectHash(provider, { th, epoch: epoch + 1 }, ek)), question.tag)
  // A wrong key is forgotten as if nothing had come: the message that brought its last chunk is readable all the same.
  return named && isMlkem768PublicKey(ek) ? withPhase(pq, { kind: 'asked', ek }) : idle(pq)
}

function takeAnswerChunk(provider: Provider, { th, pq }: Received, chunk: Uint8Array, parameters: PqParameters): PqState {
  const { phase, epoch } = pq
  if (phase.kind !== 'offering') return pq
  const answer = collect(phase.answer, chunk, { kind: 'ct', chunkBytes: parameters.chunkBytes })
  if (answer === phase.answer) return pq
  if (!isComplete(answer, chunkCount('ct', parameters))) return withPhase(pq, { ...phase, answer })
  const h = objectHash(provider, { th, epoch: epoch + 1 }, phase.ek, answer.bytes)
  if (!equalSecretBytes(tagOf(h), answer.tag)) return withPhase(pq, { ...phase, answer: null })
  const { secretKey } = provider.mlkem768KeyPair(phase.seed.expose())
  return withPhase(pq, { kind: 'ready', secret: new Secret(provider.mlkem768Decapsulate(answer.bytes, secretKey)), h })
}

/**
 * A chunk out of an authentic message. Whatever does not belong to the object that is awaited (an older epoch, a repetition, nonsense) is
 * ignored: a chunk never makes a message unreadable. The same state where nothing has changed.
 */
export function takeChunk<State extends Received>(
  provider: Provider,
  state: State,
  { chunk, parameters }: { readonly chunk: Uint8Array; readonly parameters: PqParameters },
): State {
  const own = sendsKey(state.pq)
  if (!isChunkOf(chunk, { epoch: state.pq.epoch + 1, kind: own ? 'ct' : 'ek' }, parameters)) return state
  const pq = own ? takeAnswerChunk(provider, state, chunk, parameters) : takeKeyChunk(provider, state, chunk, parameters)
  return pq === state.pq ? state : { ...state, pq }
}
