import { describe, expect, test } from 'vitest'
import { createWorld, Person } from '../support/people.js'
import { noble, node, sodium } from '../support/providers.js'

describe('two people write to each other', () => {
  test.each([
    { first: sodium, second: sodium, withOneTime: true },
    { first: sodium, second: sodium, withOneTime: false },
    { first: sodium, second: noble, withOneTime: true },
    { first: noble, second: node, withOneTime: false },
  ])('first message, answer, and back again ($first.name with $second.name, one-time key: $withOneTime)', ({ first, second, withOneTime }) => {
    const alice = new Person(createWorld(first, 1))
    const bob = new Person(createWorld(second, 2))
    expect(bob.read(alice, alice.write(bob, 'hello', { bundle: bob.bundle({ withOneTime }) }))).toBe('hello')
    expect(alice.read(bob, bob.write(alice, 'hi'))).toBe('hi')
    for (let round = 0; round < 5; round++) {
      expect(bob.read(alice, alice.write(bob, `a${round}`))).toBe(`a${round}`)
      expect(alice.read(bob, bob.write(alice, `b${round}`))).toBe(`b${round}`)
    }
  })
})
