import { type DeviceId, LIMITS, parseEnvelope } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { createRetryRequest, envelopeHash, isRetryRequest, judgeRetryRequest, sessionTagOf, verifyRetryRequest } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, Person, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'

const HOUR = 3_600_000

function scene() {
  const world = createWorld(sodium, 40)
  const [alice, bob, carol] = [new Person(world), new Person(world), new Person(world)]
  const first = alice.write(bob, 'lost', { bundle: bob.bundle() })
  const hash = envelopeHash(sodium, first)
  const request = createRetryRequest(world.deps(), {
    local: bob.local(),
    peer: alice,
    envelopes: [hash],
    sessionTag: sessionTagOf(first),
    time: START,
  })
  return { world, alice, bob, carol, first, hash, request }
}

describe('retry request', () => {
  test('names what was lost, and is read by the one it is for, with every provider', () => {
    const { alice, bob, hash, request, first } = scene()
    expect(isRetryRequest(request)).toBe(true)
    expect(isRetryRequest(first)).toBe(false)
    expect(parseEnvelope(request)).toMatchObject({ kind: 'unknown', reason: 'kind', kindCode: 4 })
    for (const provider of providers) {
      const read = verifyRetryRequest(provider, { local: alice, remote: bob.remote(), envelope: request })
      expect(read).toEqual({ time: START, nonce: expect.any(Uint8Array), sessionTag: sessionTagOf(first), envelopes: [hash] })
      expect(read.nonce).toHaveLength(16)
    }
  })

  test('attack 27: every changed byte, every cut and every surplus byte is refused with a typed error', () => {
    const { alice, bob, request } = scene()
    const read = (envelope: Uint8Array) => codeOf(() => verifyRetryRequest(sodium, { local: alice, remote: bob.remote(), envelope }))
    for (let at = 0; at < request.length; at++) {
      const changed = request.slice()
      changed[at]! ^= 1
      expect(['protocol/malformed', 'crypto/invalid-signature'], `byte ${at}`).toContain(read(changed))
      expect(read(request.subarray(0, at))).toBe('protocol/malformed')
    }
    expect(read(Uint8Array.of(...request, 0))).toBe('protocol/malformed')
  })

  test('attack 27: a request for another device, of another device or signed by another key is refused', () => {
    const { world, alice, bob, carol, hash, request } = scene()
    const read = (local: Person, remote: Person, envelope: Uint8Array) => codeOf(() => verifyRetryRequest(sodium, { local, remote: remote.remote(), envelope }))
    expect(read(carol, bob, request)).toBe('crypto/invalid-signature')
    expect(read(alice, carol, request)).toBe('crypto/invalid-signature')
    const byCarol = createRetryRequest(world.deps(), { local: { ...bob.local(), deviceKeys: carol.keys }, peer: alice, envelopes: [hash], time: START })
    expect(read(alice, bob, byCarol)).toBe('crypto/invalid-signature')
    const device = { ...bob.remote(), deviceId: 2 as DeviceId }
    expect(codeOf(() => verifyRetryRequest(sodium, { local: alice, remote: device, envelope: request }))).toBe('protocol/malformed')
  })

  test('names 1 to 64 envelopes', () => {
    const { world, alice, bob, hash } = scene()
    const make = (count: number) => createRetryRequest(world.deps(), { local: bob.local(), peer: alice, envelopes: Array(count).fill(hash), time: START })
    expect(codeOf(() => make(0))).toBe('client/invalid-argument')
    expect(codeOf(() => make(LIMITS.retryEnvelopes + 1))).toBe('client/invalid-argument')
    expect(verifyRetryRequest(sodium, { local: alice, remote: bob.remote(), envelope: make(LIMITS.retryEnvelopes) }).envelopes).toHaveLength(64)
    expect(codeOf(() => createRetryRequest(world.deps(), { local: bob.local(), peer: alice, envelopes: [hash.subarray(1)], time: START }))).toBe(
      'client/invalid-argument',
    )
  })
})

describe('attack 27: how often a request is answered', () => {
  const answer = (state: Parameters<typeof judgeRetryRequest>[0], time: number, now: number) => judgeRetryRequest(state, { time }, now)

  test('attack 27: once, and the next one not within the hour', () => {
    const first = answer(null, START, START + 5)
    expect(first).toEqual({ kind: 'answer', state: { answeredAt: START + 5, newestRequest: START } })
    const { state } = first as Extract<typeof first, { kind: 'answer' }>
    expect(answer(state, START, START + 2 * HOUR).kind).toBe('replayed')
    expect(answer(state, START - 1, START + 2 * HOUR).kind).toBe('replayed')
    expect(answer(state, START + 1, START + 5 + HOUR - 1).kind).toBe('too-soon')
    expect(answer(state, START + 1, START + 5 + HOUR).kind).toBe('answer')
    expect(answer(state, START + 1, START - DAY / 2).kind).toBe('too-soon')
  })

  test('attack 27: neither a very old one nor one from the future', () => {
    expect(answer(null, START, START + LIMITS.retryRequestDays * DAY).kind).toBe('answer')
    expect(answer(null, START, START + LIMITS.retryRequestDays * DAY + 1).kind).toBe('expired')
    expect(answer(null, START + DAY, START).kind).toBe('answer')
    expect(answer(null, START + DAY + 1, START).kind).toBe('ahead')
  })
})
