import { SecureChatError } from '@securechat/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BACKOFF, backoffDelay } from '../src/backoff.js'
import { type Effect, HEARTBEAT_MS, hasSocket, type Input, initialState, type MachineState, type Moment, SUSPICIOUS_PROBE_MS, step } from '../src/machine.js'
import { seeded } from './support/clock.js'

const network = new SecureChatError('network/closed')
const draining = new SecureChatError('server/draining')
const revoked = new SecureChatError('auth/revoked')
const expired = new SecureChatError('auth/expired-token')
const tooOld = new SecureChatError('protocol/unsupported-version')

/** Drives the machine and keeps what its effects mean for the outside world. */
class World {
  state: MachineState = initialState
  now = 0
  /** Sockets opened and not closed yet. */
  open = new Set<number>()
  opened: number[] = []
  effects: Effect[] = []

  input(input: Input, jitter = 0.5): Effect[] {
    const { state, effects } = step(this.state, input, { now: this.now, jitter })
    this.state = state
    for (const effect of effects) {
      if (effect.type === 'open') {
        this.open.add(effect.socket)
        this.opened.push(effect.socket)
      }
      if (effect.type === 'close') this.open.delete(effect.socket)
    }
    this.effects.push(...effects)
    return [...effects]
  }
  toOnline(): void {
    for (const type of ['opened', 'challenged', 'greeted', 'welcomed'] as const) this.input({ type, socket: this.state.socket })
  }
  fail(error: SecureChatError, by: 'network' | 'login' | 'server' = 'network', jitter = 0.5): Effect[] {
    return this.input({ type: 'failed', socket: this.state.socket, by, error }, jitter)
  }
  tickAt(time: number): Effect[] {
    this.now = time
    return this.input({ type: 'tick' })
  }
}

const started = (): World => {
  const world = new World()
  world.input({ type: 'start' })
  return world
}
const online = (): World => {
  const world = started()
  world.toOnline()
  return world
}
const types = (effects: Effect[]): string[] => effects.map(({ type }) => type)

describe('the way to online', () => {
  it('opens, waits for the challenge, logs in, greets, and releases what waits on the welcome', () => {
    const world = new World()
    expect(world.input({ type: 'start' })).toEqual([{ type: 'open', socket: 1 }])
    expect(world.input({ type: 'opened', socket: 1 })).toEqual([])
    expect(world.input({ type: 'challenged', socket: 1 })).toEqual([{ type: 'login', socket: 1 }])
    expect(world.input({ type: 'greeted', socket: 1 })).toEqual([])
    expect(world.input({ type: 'welcomed', socket: 1 })).toEqual([{ type: 'release' }])
    expect(world.state.phase).toBe('online')
  })
  it('is idempotent: a second start does nothing', () => {
    const world = started()
    expect(world.input({ type: 'start' })).toEqual([])
  })
  it('ignores steps out of their turn', () => {
    const world = started()
    for (const type of ['challenged', 'greeted', 'welcomed', 'heard'] as const) expect(world.input({ type, socket: 1 })).toEqual([])
    expect(world.state.phase).toBe('opening')
  })
  it('gives up an opening and a greeting that take too long', () => {
    const opening = started()
    expect(types(opening.tickAt(9_999))).toEqual([])
    expect(types(opening.tickAt(10_000))).toEqual(['close'])
    expect(opening.state.error?.code).toBe('network/unreachable')
    const greeting = started()
    greeting.now = 5_000
    greeting.input({ type: 'opened', socket: 1 })
    greeting.input({ type: 'challenged', socket: 1 })
    expect(types(greeting.tickAt(14_999))).toEqual([])
    expect(types(greeting.tickAt(15_000))).toEqual(['close'])
    expect(greeting.state.phase).toBe('waiting')
  })
})

describe('backoff', () => {
  it('is full jitter between 0 and 0.5 s · 2^failures, capped at 60 s', () => {
    expect(backoffDelay(0, 0.999_999)).toBe(499)
    expect(backoffDelay(3, 0.5)).toBe(2_000)
    expect(backoffDelay(7, 0.999_999_9)).toBe(59_999)
    expect(backoffDelay(1_000_000, 0.5)).toBe(30_000)
    expect(backoffDelay(5, 0)).toBe(0)
  })
  it('spreads evenly', () => {
    const random = seeded(7)
    const delays = Array.from({ length: 2_000 }, () => backoffDelay(10, random()))
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
    expect(mean).toBeGreaterThan(28_500)
    expect(mean).toBeLessThan(31_500)
    expect(delays.filter((delay) => delay < 6_000).length).toBeGreaterThan(150)
  })
  it('grows over failures and over connections that are welcomed and dropped at once (I8)', () => {
    const world = started()
    const pauses: number[] = []
    for (let i = 0; i < 10; i++) {
      if (i % 2 === 0) world.toOnline()
      world.fail(network)
      pauses.push(world.state.deadline! - world.now)
      world.tickAt(world.state.deadline!)
    }
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })
  it('starts again after 30 s online, not after less', () => {
    for (const [life, pause] of [
      [29_999, 1_000],
      [30_000, 250],
    ] as const) {
      const world = started()
      world.fail(network)
      world.tickAt(world.state.deadline!)
      world.fail(network)
      world.tickAt(world.state.deadline!)
      world.toOnline()
      world.now += life
      world.fail(network)
      expect(world.state.deadline! - world.now).toBe(pause)
    }
  })
  it('obeys retryAfterSeconds, up to an hour', () => {
    const world = online()
    world.fail(new SecureChatError('request/rate-limited', { retryAfterSeconds: 90 }), 'server')
    expect(world.state.deadline! - world.now).toBe(90_000)
    const absurd = online()
    absurd.fail(new SecureChatError('server/unavailable', { retryAfterSeconds: 1e9 }), 'server')
    expect(absurd.state.deadline! - absurd.now).toBe(BACKOFF.longestMs)
  })
  it('is skipped by retry and by the hint "online", not by "offline"', () => {
    for (const input of [{ type: 'retry' }, { type: 'hint', online: true }] as const) {
      const world = started()
      world.fail(network)
      expect(world.input(input)).toEqual([{ type: 'open', socket: 2 }])
    }
    const world = started()
    world.fail(network)
    expect(world.input({ type: 'hint', online: false })).toEqual([])
  })
})

describe('draining', () => {
  it('opens another socket at once', () => {
    const world = online()
    expect(world.fail(draining, 'server')).toEqual([
      { type: 'close', socket: 1, error: draining },
      { type: 'open', socket: 2 },
    ])
  })
  it('but only once: servers that all drain are backed off from (I7)', () => {
    const world = online()
    world.fail(draining, 'server')
    world.toOnline()
    expect(types(world.fail(draining, 'server'))).toEqual(['close'])
    expect(world.state.phase).toBe('waiting')
  })
})

describe('heartbeat', () => {
  it('asks after 25 s of silence and gives up after 25 s more (I9)', () => {
    const world = online()
    expect(types(world.tickAt(HEARTBEAT_MS - 1))).toEqual([])
    expect(types(world.tickAt(HEARTBEAT_MS))).toEqual(['ping'])
    expect(types(world.tickAt(2 * HEARTBEAT_MS - 1))).toEqual([])
    expect(types(world.tickAt(2 * HEARTBEAT_MS))).toEqual(['close'])
    expect(world.state.error?.detail).toBe('heartbeat')
  })
  it('any frame counts as a sign of life', () => {
    const world = online()
    world.now = 20_000
    world.input({ type: 'heard', socket: 1 })
    expect(types(world.tickAt(HEARTBEAT_MS))).toEqual([])
    expect(types(world.tickAt(20_000 + HEARTBEAT_MS))).toEqual(['ping'])
    world.now += 1_000
    world.input({ type: 'heard', socket: 1 })
    expect(world.state.probing).toBe(false)
    expect(types(world.tickAt(world.now + HEARTBEAT_MS))).toEqual(['ping'])
  })
  it('after a sleep it asks first and then waits shortly', () => {
    const world = online()
    expect(types(world.tickAt(3_600_000))).toEqual(['ping'])
    expect(types(world.tickAt(3_600_000 + SUSPICIOUS_PROBE_MS))).toEqual(['close'])
    const asleepWhileProbing = online()
    asleepWhileProbing.tickAt(HEARTBEAT_MS)
    expect(types(asleepWhileProbing.tickAt(3_600_000))).toEqual(['ping'])
    expect(asleepWhileProbing.state.phase).toBe('online')
  })
  it('retry and hints while online check the peer; repeated doubts do not extend its time', () => {
    for (const input of [{ type: 'retry' }, { type: 'hint', online: true }, { type: 'hint', online: false }] as const) {
      const world = online()
      expect(types(world.input(input))).toEqual(['ping'])
      world.now += 4_000
      world.input(input)
      expect(types(world.tickAt(SUSPICIOUS_PROBE_MS))).toEqual(['close'])
    }
  })
})

describe('refused logins', () => {
  it('a login that throws auth/* signs out and opens nothing more (I6)', () => {
    for (const code of ['auth/revoked', 'auth/refresh-reused', 'auth/invalid-token', 'auth/not-registered'] as const) {
      const world = started()
      world.input({ type: 'opened', socket: 1 })
      world.input({ type: 'challenged', socket: 1 })
      expect(types(world.fail(new SecureChatError(code), 'login'))).toEqual(['close', 'reject-waiting'])
      expect(world.state).toMatchObject({ phase: 'signed-out', deadline: null })
      for (const input of [{ type: 'tick' }, { type: 'retry' }, { type: 'start' }, { type: 'hint', online: true }] as const)
        expect(world.input(input)).toEqual([])
      expect(world.input({ type: 'reauthenticate' })).toEqual([{ type: 'open', socket: 2 }])
    }
  })
  it('other failures of the login are tried again', () => {
    for (const code of ['network/closed', 'storage/unavailable', 'client/invalid-argument', 'auth/too-many-tries'] as const) {
      const world = started()
      world.fail(new SecureChatError(code), 'login')
      expect(world.state.phase).toBe('waiting')
    }
  })
  it('the server’s verdict signs out where only a new login helps', () => {
    const world = started()
    world.fail(revoked, 'server')
    expect(world.state.phase).toBe('signed-out')
  })
  it('a token that may be renewed is tried again, but not for ever', () => {
    const world = started()
    for (let i = 0; i < 2; i++) {
      world.fail(expired, 'server')
      expect(world.state.phase).toBe('waiting')
      world.tickAt(world.state.deadline!)
    }
    world.fail(expired, 'server')
    expect(world.state.phase).toBe('signed-out')
  })
  it('the count of refusals starts again with a welcome', () => {
    const world = started()
    for (let i = 0; i < 5; i++) {
      world.fail(expired, 'server')
      world.tickAt(world.state.deadline!)
      world.toOnline()
      world.fail(network)
      world.tickAt(world.state.deadline!)
    }
    expect(world.state.phase).toBe('opening')
  })
})

describe('an outdated client', () => {
  it('says so, tries again rarely, and stays so through failures in between', () => {
    const world = started()
    expect(types(world.fail(tooOld, 'server', 0))).toEqual(['close', 'reject-waiting'])
    expect(world.state).toMatchObject({ phase: 'waiting', outdated: tooOld })
    expect(world.state.deadline! - world.now).toBe(BACKOFF.outdatedMs / 2)
    expect(world.input({ type: 'hint', online: true })).toEqual([])
    world.tickAt(world.state.deadline!)
    world.fail(network)
    expect(world.state.outdated).toBe(tooOld)
    expect(world.state.deadline! - world.now).toBeGreaterThanOrEqual(BACKOFF.outdatedMs / 2)
    world.tickAt(world.state.deadline!)
    world.toOnline()
    expect(world.state).toMatchObject({ phase: 'online', outdated: null, error: null })
  })
  it('an odd version byte in the middle of a connection is damage, not news', () => {
    const world = online()
    world.fail(tooOld, 'network')
    expect(world.state).toMatchObject({ phase: 'waiting', outdated: null })
  })
})

describe('stop', () => {
  it('closes, rejects what waits, forgets everything but the socket number', () => {
    const world = online()
    expect(types(world.input({ type: 'stop' }))).toEqual(['close', 'reject-waiting'])
    expect(world.state).toEqual({ ...initialState, socket: 1 })
    for (const input of [{ type: 'stop' }, { type: 'tick' }, { type: 'retry' }, { type: 'reauthenticate' }, { type: 'hint', online: true }] as const) {
      expect(world.input(input)).toEqual([])
    }
    expect(world.input({ type: 'start' })).toEqual([{ type: 'open', socket: 2 }])
  })
})

// -- every path

const ERRORS = [network, draining, revoked, expired, tooOld, new SecureChatError('request/rate-limited', { retryAfterSeconds: 5 })]
const SIMPLE = ['start', 'stop', 'retry', 'reauthenticate', 'tick'] as const
const SOCKET = ['opened', 'challenged', 'greeted', 'welcomed', 'heard'] as const

/** Every input that the driver could give in a state: also those about an earlier and a never opened socket. */
function inputs({ socket }: MachineState): Input[] {
  const all: Input[] = SIMPLE.map((type) => ({ type }))
  all.push({ type: 'hint', online: true }, { type: 'hint', online: false })
  for (const number of [socket - 1, socket, socket + 1]) {
    for (const type of SOCKET) all.push({ type, socket: number })
    all.push({ type: 'failed', socket: number, by: 'network', error: network })
  }
  for (const by of ['network', 'login', 'server'] as const) for (const error of ERRORS) all.push({ type: 'failed', socket, by, error })
  return all
}

/** The invariants that can be judged from one step. Plain conditions: hundreds of thousands of them are checked. */
function judge(before: MachineState, input: Input, moment: Moment): MachineState {
  const { state: after, effects } = step(before, input, moment)
  const must = (holds: boolean, invariant: string): void => {
    if (!holds) throw new Error(`${invariant}: ${JSON.stringify({ before, input, moment, after, effects })}`)
  }
  const opens = effects.flatMap((effect) => (effect.type === 'open' ? [effect.socket] : []))
  const closes = effects.flatMap((effect) => (effect.type === 'close' ? [effect.socket] : []))
  const has = (type: Effect['type']): boolean => effects.some((effect) => effect.type === type)

  must(opens.length <= 1 && opens.every((socket) => socket === before.socket + 1) && after.socket === before.socket + opens.length, 'I1 numbers')
  must(!hasSocket(after.phase) || hasSocket(before.phase) || opens.length === 1, 'I1 a socket comes from an opening')
  if ('socket' in input && (input.socket !== before.socket || !hasSocket(before.phase))) must(after === before && effects.length === 0, 'I2')
  must((after.deadline === null) === (after.phase === 'stopped' || after.phase === 'signed-out'), 'I3')
  const ended = hasSocket(before.phase) && (!hasSocket(after.phase) || after.socket !== before.socket)
  must(closes.length === (ended ? 1 : 0) && closes.every((socket) => socket === before.socket), 'I4')
  must(closes.length === 0 || opens.length === 0 || types([...effects]).indexOf('close') < types([...effects]).indexOf('open'), 'I4 order')
  if (before.phase === 'stopped' && input.type !== 'start') must(after === before, 'I5')
  if (before.phase === 'signed-out' && input.type !== 'reauthenticate' && input.type !== 'stop') must(after === before, 'I6')
  if (opens.length > 0 && input.type === 'tick') must(before.phase === 'waiting' && moment.now >= before.deadline!, 'I7 after the pause')
  if (opens.length > 0 && input.type === 'failed')
    must(input.error.code === 'server/draining' && before.phase === 'online' && after.failures === 1, 'I7 draining')
  if (after.failures < before.failures && input.type !== 'start' && input.type !== 'stop') {
    must(before.phase === 'online' && moment.now - before.onlineSince >= BACKOFF.stableMs, 'I8')
  }
  if (after.phase === 'online' && after !== before) must(after.deadline! - moment.now <= HEARTBEAT_MS, 'I9 deadline')
  if (after.phase === 'online' && after.probing && !before.probing) must(has('ping'), 'I9 asked')
  const hopeless = (state: MachineState): boolean => state.phase === 'stopped' || state.phase === 'signed-out' || state.outdated !== null
  must(!hopeless(after) || hopeless(before) || has('reject-waiting'), 'calls are not left waiting for what will not come')
  must(has('release') === (after.phase === 'online' && before.phase !== 'online'), 'calls are released by the welcome')
  return after
}

/** What the future of a state depends on: numbers that only grow are folded. */
const shape = (state: MachineState, now: number): string =>
  JSON.stringify([
    state.phase,
    Math.min(state.failures, 2),
    state.refusals,
    state.deadline === null ? null : Math.sign(state.deadline - now),
    state.phase === 'online' && now - state.onlineSince >= BACKOFF.stableMs,
    state.probing,
    state.outdated !== null,
  ])

describe('invariants', () => {
  it('hold on every step of every reachable shape of state, at every kind of moment', () => {
    const seen = new Set<string>()
    const queue: { state: MachineState; now: number }[] = [{ state: initialState, now: 1_000 }]
    let steps = 0
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { state, now } = next
      // Before the deadline, at it, slept over it, long online.
      const moments = [now, state.deadline ?? now, (state.deadline ?? now) + 6_000, now + 31_000].filter((time) => time >= now)
      for (const time of new Set(moments)) {
        for (const input of inputs(state)) {
          for (const jitter of [0, 0.999]) {
            const after = judge(state, input, { now: time, jitter })
            steps++
            const key = shape(after, time)
            if (seen.has(key)) continue
            seen.add(key)
            queue.push({ state: after, now: time })
          }
        }
      }
    }
    expect(seen.size).toBeGreaterThan(100)
    expect(steps).toBeGreaterThan(10_000)
  })

  it('hold on random walks, and no more than one socket is ever open', () => {
    const walk = fc.array(
      fc.record({
        pick: fc.nat(),
        wait: fc.constantFrom(0, 0, 1, 100, 600, 10_000, 25_000, 31_000, 700_000),
        jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(walk, (moves) => {
        const world = new World()
        for (const { pick, wait, jitter } of moves) {
          world.now += wait
          const all = inputs(world.state)
          const input = all[pick % all.length]!
          judge(world.state, input, { now: world.now, jitter })
          world.input(input, jitter)
          expect(world.open.size).toBeLessThanOrEqual(1)
          expect(world.open.has(world.state.socket)).toBe(hasSocket(world.state.phase))
        }
        world.input({ type: 'stop' })
        expect(world.open.size).toBe(0)
        expect(world.opened).toEqual(world.opened.map((_, i) => i + 1))
      }),
      { numRuns: 400, seed: 1 },
    )
  })
})
