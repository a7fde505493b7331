import { expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../src/index.js'

/** What the machine's timers were asked for, with a handle as Node (an object) or a browser (a number) gives it. */
function timers<T>(handle: unknown, action: () => T) {
  const { setTimeout: set, clearTimeout: clear } = globalThis
  const asked: { milliseconds?: number; callback?: () => void; cleared: unknown[] } = { cleared: [] }
  Object.assign(globalThis, {
    setTimeout: (callback: () => void, milliseconds: number) => {
      Object.assign(asked, { callback, milliseconds })
      return handle
    },
    clearTimeout: (one: unknown) => asked.cleared.push(one),
  })
  try {
    return { asked, result: action() }
  } finally {
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
  }
}

test('the clock is the machine’s, and its timers end no sooner and keep no process alive', () => {
  const before = Date.now()
  expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  expect(systemClock.now()).toBeLessThanOrEqual(Date.now())
  let released = 0
  const callback = () => undefined
  for (const handle of [{ unref: () => released++ }, 7, {}, null]) {
    const { asked } = timers(handle, () => systemClock.after(250, callback)())
    expect(asked).toEqual({ milliseconds: 250, callback, cleared: [handle] })
  }
  expect(released).toBe(1)
})

test('randomness of any length: beyond what one call gives, and to the last byte', () => {
  for (const length of [0, 1, 32, 65_536, 65_537, 200_000]) {
    const [one, two] = [systemRandom(length), systemRandom(length)]
    expect(one).toHaveLength(length)
    if (length >= 32) {
      expect(Buffer.compare(one.subarray(-32), two.subarray(-32))).not.toBe(0)
      expect(Buffer.compare(one.subarray(0, 32), two.subarray(0, 32))).not.toBe(0)
    }
    // Of 1 KiB anywhere, some byte is not zero.
    for (let at = 0; at + 1024 <= length; at += 1024) expect(one.subarray(at, at + 1024).some((byte) => byte !== 0)).toBe(true)
  }
})

test('the silent logger takes everything and says nothing', () => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) expect(silentLogger[level]('event', { n: 1 })).toBeUndefined()
})
