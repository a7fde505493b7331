import { describe, expect, test } from 'vitest'
import { generateAgreementKeys } from '../../src/identity/keys.js'
import type { CryptoProvider } from '../../src/index.js'
import { receiveStep } from '../../src/ratchet/receive.js'
import { type SendStep, sendStep } from '../../src/ratchet/send.js'
import { startInitiator, startResponder } from '../../src/ratchet/start.js'
import type { RatchetState } from '../../src/ratchet/state.js'
import { Secret } from '../../src/secret.js'
import { codeOf } from '../support/codes.js'
import { START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const deps = { provider: sodium, random: seededRandom(3), now: START }
const hex = (secret: Secret): string => Buffer.from(secret.expose()).toString('hex')

function pair(): { initiator: RatchetState; responder: RatchetState } {
  const th = deps.random(64)
  const rootKey = new Secret(deps.random(32))
  const signedPreKey = generateAgreementKeys(deps)
  return {
    initiator: startInitiator(deps, { th, rootKey, signedPreKey: signedPreKey.publicKey }),
    responder: startResponder(START, { th, rootKey, signedPreKey }),
  }
}

/** Receives what `sent` says; `open` gives the key itself. */
const receive = (state: RatchetState, sent: Pick<SendStep, 'ratchetKey' | 'previousChainLength' | 'counter' | 'pqEpoch'>, provider: CryptoProvider = sodium) =>
  receiveStep(provider, state, { ...sent, now: START, open: hex })

function countingDh(): { provider: CryptoProvider; calls: () => number } {
  let calls = 0
  return {
    provider: {
      ...sodium,
      x25519(secretKey, publicKey) {
        calls++
        return sodium.x25519(secretKey, publicKey)
      },
    },
    calls: () => calls,
  }
}

describe('keys', () => {
  test('both sides come to the same message keys, all different, and the old state gives the same key again', () => {
    let { initiator, responder } = pair()
    const seen = new Set<string>()
    for (let i = 0; i < 6; i++) {
      const sent = sendStep(deps, initiator)
      const received = receive(responder, sent)
      expect(received.result).toBe(hex(sent.messageKey))
      // Pure: nothing in the old state has moved.
      expect(receive(responder, sent).result).toBe(received.result)
      seen.add(received.result)
      const answer = sendStep(deps, received.state)
      initiator = receive(sent.state, answer).state
      responder = answer.state
    }
    expect(seen.size).toBe(6)
  })

  test('the private ratchet key is gone with the answer to it, and a fresh one is made at the next message only', () => {
    const { initiator, responder } = pair()
    const sent = sendStep(deps, initiator)
    const { state } = receive(responder, sent)
    expect(state).toMatchObject({ own: null, send: null })
    const [one, other] = [sendStep(deps, state), sendStep(deps, state)]
    expect(one.ratchetKey).not.toEqual(other.ratchetKey)
  })
})

describe('refused before any Diffie-Hellman', () => {
  const stranger = generateAgreementKeys(deps).publicKey

  test('a previous chain where nothing was received yet', () => {
    const { provider, calls } = countingDh()
    for (const state of Object.values(pair())) {
      expect(codeOf(() => receive(state, { ratchetKey: stranger, previousChainLength: 1, counter: 0, pqEpoch: 0 }, provider))).toBe(
        'crypto/authentication-failed',
      )
    }
    expect(calls()).toBe(0)
  })

  test('a new ratchet key while we owe an answer, a shrunken chain, counters beyond the jump', () => {
    const { provider, calls } = countingDh()
    const { initiator, responder } = pair()
    const first = sendStep(deps, initiator)
    const owing = receive(responder, first).state
    const refuse = (state: RatchetState, sent: { previousChainLength: number; counter: number }) =>
      codeOf(() => receive(state, { ratchetKey: stranger, pqEpoch: 0, ...sent }, provider))
    expect(refuse(owing, { previousChainLength: 1, counter: 0 })).toBe('crypto/authentication-failed')
    const answered = sendStep(deps, owing).state
    expect(refuse(answered, { previousChainLength: 0, counter: 0 })).toBe('crypto/authentication-failed')
    expect(refuse(answered, { previousChainLength: 1_002, counter: 0 })).toBe('crypto/limit-exceeded')
    expect(refuse(answered, { previousChainLength: 1, counter: 1_001 })).toBe('crypto/limit-exceeded')
    expect(refuse(answered, { previousChainLength: 0xffffffff, counter: 0xffffffff })).toBe('crypto/limit-exceeded')
    expect(calls()).toBe(0)
  })

  test('sending before anything was received', () => {
    expect(codeOf(() => sendStep(deps, pair().responder))).toBe('crypto/no-session')
  })

  test('a send chain that is used up', () => {
    const { initiator } = pair()
    const { send } = initiator
    if (!send) throw new Error('an initiator can send')
    expect(codeOf(() => sendStep(deps, { ...initiator, send: { ...send, next: 2 ** 32 } }))).toBe('crypto/limit-exceeded')
  })
})
