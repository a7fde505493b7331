import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { simulate } from '../support/pq-simulation.js'

describe('post-quantum ratchet at full scale', () => {
  test('over any network every epoch secret is equal on both sides and mixed once, and every message that comes is read', () => {
    let epochs = 0
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(1_000_000),
          messages: fc.constant(500),
          lost: fc.nat(30),
          doubled: fc.nat(30),
          delayed: fc.nat(30),
          burst: fc.integer({ min: 1, max: 12 }),
          pause: fc.constantFrom(60_000, 3_600_000),
        }),
        (schedule) => {
          const { mixed, stalled } = simulate(schedule)
          const [longer, shorter] = mixed[0].length > mixed[1].length ? mixed : [mixed[1], mixed[0]]
          expect(longer.slice(0, shorter.length)).toEqual(shorter)
          expect(longer.length - shorter.length).toBeLessThanOrEqual(1)
          expect(new Set(longer).size).toBe(longer.length)
          expect(stalled).toBe(false)
          epochs += shorter.length
        },
      ),
      { numRuns: 25, seed: 20_261_123 },
    )
    expect(epochs).toBeGreaterThan(60)
  }, 60_000)
})

describe('how often an epoch comes, and what it costs', () => {
  // The table of docs/protocol/07-post-quantum-ratchet.md, "Cost".
  test.each([
    { burst: 1, lost: 0, messagesPerEpoch: 69, bytesPerMessage: 40 },
    { burst: 1, lost: 5, messagesPerEpoch: 74, bytesPerMessage: 46 },
    { burst: 5, lost: 0, messagesPerEpoch: 71, bytesPerMessage: 48 },
    { burst: 5, lost: 5, messagesPerEpoch: 74, bytesPerMessage: 49 },
    { burst: 5, lost: 15, messagesPerEpoch: 87, bytesPerMessage: 57 },
    { burst: 20, lost: 5, messagesPerEpoch: 91, bytesPerMessage: 62 },
  ])('up to $burst messages a turn, $lost of 100 lost: every $messagesPerEpoch messages, $bytesPerMessage bytes a message', ({ burst, lost, ...expected }) => {
    const { mixed, messages, extraBytes } = simulate({ seed: 4, messages: 2_000, lost, doubled: 0, delayed: 0, burst, pause: 1_000 })
    expect({ messagesPerEpoch: Math.round(messages / mixed[0].length), bytesPerMessage: Math.round(extraBytes / messages) }).toEqual(expected)
  })
})
