import { LIMITS } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { generateAgreementKeys } from '../../src/identity/keys.js'
import { receiveStep } from '../../src/ratchet/receive.js'
import { type SendStep, sendStep } from '../../src/ratchet/send.js'
import { indexOfSkipped, limitSkipped } from '../../src/ratchet/skipped.js'
import { startInitiator, startResponder } from '../../src/ratchet/start.js'
import type { RatchetState, ReceiveChain } from '../../src/ratchet/state.js'
import { Secret } from '../../src/secret.js'
import { codeOf } from '../support/codes.js'
import { DAY, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const deps = { provider: sodium, random: seededRandom(13), now: START }
const keys = (chain: ReceiveChain | undefined): number[] => (chain?.skipped ?? []).map(({ counter }) => counter)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Whatever key there is, it fits. */
const receive = (state: RatchetState, sent: Pick<SendStep, 'ratchetKey' | 'previousChainLength' | 'counter' | 'pqEpoch'>): RatchetState =>
  receiveStep(sodium, state, { ...sent, now: START, open: () => null }).state

/** Alice has written once, Bob has answered, and Alice has read it. */
function talking(): { alice: RatchetState; bob: RatchetState; first: SendStep; answer: SendStep } {
  const start = { th: deps.random(64), rootKey: new Secret(deps.random(32)) }
  const signedPreKey = generateAgreementKeys(deps)
  const first = sendStep(deps, startInitiator(deps, { ...start, signedPreKey: signedPreKey.publicKey }))
  const answer = sendStep(deps, receive(startResponder(START, { ...start, signedPreKey }), first))
  return { alice: receive(first.state, answer), bob: answer.state, first, answer }
}

describe('a receiving chain', () => {
  test('is closed at the length that the peer has told: of what follows nothing is read, of what lacks everything is kept', () => {
    const { alice, bob, first } = talking()
    const next = sendStep(deps, alice)
    for (const [told, kept] of [
      [1, []],
      [2, [1]],
      [4, [1, 2, 3]],
    ] as const) {
      const state = receive(bob, { ...next, previousChainLength: told })
      expect(state.receive.map(({ chainKey }) => chainKey !== null)).toEqual([true, false])
      expect(keys(state.receive[1])).toEqual(kept)
      const late = (counter: number) => codeOf(() => receive(state, { ...first, counter }))
      for (const counter of [told, told + 1, 0xffffffff]) expect(late(counter)).toBe('crypto/authentication-failed')
      expect(late(0)).toBe('crypto/duplicate-message')
      for (const counter of kept) expect(keys(receive(state, { ...first, counter }).receive[1])).toEqual(kept.filter((other) => other !== counter))
    }
  })

  test('jumps 1,000 messages and not one more: in a chain, to a new one and at the end of the one before', () => {
    const { alice, bob, answer } = talking()
    const next = sendStep(deps, alice)
    const jump = LIMITS.ratchetJump
    expect(keys(receive(bob, { ...next, counter: jump }).receive[0])).toEqual(upTo(jump))
    expect(codeOf(() => receive(bob, { ...next, counter: jump + 1 }))).toBe('crypto/limit-exceeded')
    expect(keys(receive(bob, { ...next, previousChainLength: 1 + jump }).receive[1])).toEqual(upTo(jump).map((i) => i + 1))
    expect(codeOf(() => receive(bob, { ...next, previousChainLength: 2 + jump }))).toBe('crypto/limit-exceeded')
    expect(keys(receive(alice, { ...answer, counter: 1 + jump }).receive[0])).toEqual(upTo(jump).map((i) => i + 1))
    expect(codeOf(() => receive(alice, { ...answer, counter: 2 + jump }))).toBe('crypto/limit-exceeded')
  })

  test('belongs to the epoch of its first message', () => {
    const { alice, answer } = talking()
    for (const pqEpoch of [1, 0xffffffff]) expect(codeOf(() => receive(alice, { ...answer, counter: 1, pqEpoch }))).toBe('crypto/authentication-failed')
  })

  test('remembers the peer’s key as it came, not the memory that it came in', () => {
    const { alice, bob } = talking()
    const next = sendStep(deps, alice)
    const ratchetKey = next.ratchetKey.slice()
    const state = receive(bob, { ...next, ratchetKey })
    ratchetKey.fill(0)
    expect([state.remote, state.receive[0]?.ratchetKey]).toEqual([next.ratchetKey, next.ratchetKey])
  })
})

describe('a sending chain', () => {
  test('tells how long the one before was', () => {
    const { alice, bob } = talking()
    const [second, third] = [sendStep(deps, alice), sendStep(deps, sendStep(deps, alice).state)]
    expect([second.previousChainLength, third.previousChainLength, third.counter]).toEqual([1, 1, 1])
    const long = sendStep(deps, sendStep(deps, bob).state)
    const turned = sendStep(deps, receive(long.state, second))
    expect(turned).toMatchObject({ previousChainLength: 3, counter: 0 })
  })

  test('goes up to the last counter, and half of one is begun anew', () => {
    const { state } = talking().first
    const send = { ...state.send!, next: 0xffffffff }
    expect(sendStep(deps, { ...state, send }).counter).toBe(0xffffffff)
    expect(codeOf(() => sendStep(deps, { ...state, send: { ...send, next: 2 ** 32 } }))).toBe('crypto/limit-exceeded')
    expect(sendStep(deps, { ...state, own: null }).ratchetKey).not.toEqual(state.own?.publicKey)
  })
})

describe('skipped keys', () => {
  const chain = (counters: readonly number[], storedAt = START): ReceiveChain => ({
    ratchetKey: new Uint8Array(32),
    pqEpoch: 0,
    chainKey: null,
    next: 10_000,
    skipped: counters.map((counter) => ({ counter, messageKey: new Secret(new Uint8Array(32)), storedAt })),
  })
  const limited = (chains: readonly ReceiveChain[], now = START): number[][] => limitSkipped(chains, now).map((one) => keys(one))
  const most = LIMITS.skippedKeys

  test('are at most 2,000: of the chain in which they run out the newest stay, of older ones none', () => {
    const full = upTo(most)
    expect(limited([chain(full), chain([1, 2])])).toEqual([full, []])
    expect(limited([chain(upTo(most + 2)), chain([])])).toEqual([full.map((i) => i + 2), []])
    expect(limited([chain(upTo(most - 1)), chain([4, 5]), chain([6])])).toEqual([upTo(most - 1), [5], []])
    expect(limited([chain([]), chain(full), chain([1])])).toEqual([[], full, []])
  })

  test('live 14 days, each from when it was kept', () => {
    const mixed = { ...chain([]), skipped: [...chain([1, 3]).skipped, ...chain([5], START + DAY).skipped] }
    const end = START + LIMITS.skippedKeyDays * DAY
    expect(limited([chain([1]), mixed], end)).toEqual([[1], [1, 3, 5]])
    expect(limited([chain([1]), mixed], end + 1)).toEqual([[], [5]])
    expect(limited([chain([]), mixed], end + DAY)).toEqual([[], [5]])
    expect(limited([chain([]), mixed], end + DAY + 1)).toEqual([[], []])
  })

  test('that stay leave the state as it is, the very object', () => {
    for (const chains of [[], [chain([])], [chain([]), chain([1])], [chain(upTo(most))]]) expect(limitSkipped(chains, START)).toBe(chains)
    const lastMoment = [chain([1])]
    expect(limitSkipped(lastMoment, START + LIMITS.skippedKeyDays * DAY)).toBe(lastMoment)
    const [kept, changed] = [chain([1], START + DAY), chain([2])]
    expect(limitSkipped([kept, changed], START + LIMITS.skippedKeyDays * DAY + 1)[0]).toBe(kept)
  })

  test('are found by their counter, and no other is', () => {
    for (const counters of [[], [3], [3, 5], [1, 4, 9, 16, 25, 36]])
      for (const wanted of upTo(40)) expect(indexOfSkipped(chain(counters).skipped, wanted)).toBe(counters.indexOf(wanted))
  })
})
