import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeSession, encodeSession } from '../../src/index.js'
import { createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

/**
 * Records written by version 1 of the codec in the middle of a conversation: one message outstanding in a closed chain, one in the newest,
 * one that opens a second session. The people are made from the same seed.
 */
const old = JSON.parse(readFileSync(resolve(import.meta.dirname, '../vectors/session-record-1.json'), 'utf8')) as Record<
  'alice' | 'bob' | 'late' | 'next' | 'newer',
  string
> & { seed: number }
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

function restored() {
  const world = createWorld(sodium, old.seed)
  const [alice, bob] = [new Person(world), new Person(world)]
  bob.oneTime.length = 0
  alice.record = decodeSession(bytes(old.alice))
  bob.record = decodeSession(bytes(old.bob))
  return { alice, bob }
}

describe('records of version 1', () => {
  test('are read, with the next generation from their sessions, and written in the newest version', () => {
    const { alice, bob } = restored()
    expect([alice.record?.nextGeneration, bob.record?.nextGeneration]).toEqual([1, 2])
    for (const person of [alice, bob]) {
      const written = encodeSession(person.record as NonNullable<Person['record']>)
      expect(written[0]).toBe(2)
      expect(decodeSession(written)).toEqual(person.record)
    }
  })

  test('go on with the conversation', () => {
    const { alice, bob } = restored()
    expect(bob.read(alice, bytes(old.late))).toBe('late')
    expect(bob.read(alice, bytes(old.next))).toBe('z')
    expect(alice.read(bob, bytes(old.newer))).toBe('new')
    for (const text of ['1', '2']) {
      expect(bob.read(alice, alice.write(bob, text))).toBe(text)
      expect(alice.read(bob, bob.write(alice, text))).toBe(text)
    }
  })
})
