import { decodeCounter, decodeFrame, encodeFrame, encodeSend, isSecureChatError, type SecureChatError, type SendFrame } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { type FaultCounts, type Faults, faultyTransport } from '../src/faults/index.js'
import { type Channel, createConnection } from '../src/index.js'
import { loopbackTransport } from '../src/loopback/index.js'
import { seeded, type TestClock, testClock, turn } from './support/clock.js'
import { ACCOUNT, row, script, TOKEN } from './support/script.js'

interface Bench {
  readonly clock: TestClock
  readonly faults: Faults
  readonly channel: Channel
  readonly atServer: number[]
  readonly atClient: number[]
  readonly closes: (SecureChatError | undefined)[]
  readonly serverCloses: () => number
  readonly reply: (byte: number) => void
}

/** One channel to a server that writes down the first byte of every frame. */
async function bench(seed = 1, cutAfterLossMs?: number): Promise<Bench> {
  const clock = testClock()
  const atServer: number[] = []
  const atClient: number[] = []
  const closes: (SecureChatError | undefined)[] = []
  let serverCloses = 0
  let reply = (_byte: number): void => {}
  const inner = loopbackTransport((socket) => {
    reply = (byte) => socket.send(Uint8Array.of(byte))
    return { onMessage: (bytes) => void atServer.push(bytes[0]!), onClose: () => void serverCloses++ }
  })
  const { transport, faults } = faultyTransport(inner, { clock, random: seeded(seed), ...(cutAfterLossMs !== undefined && { cutAfterLossMs }) })
  const channel = await transport.open(
    { onMessage: (bytes) => void atClient.push(bytes[0]!), onClose: (error) => void closes.push(error) },
    { signal: new AbortController().signal },
  )
  return { clock, faults, channel, atServer, atClient, closes, serverCloses: () => serverCloses, reply: (byte) => reply(byte) }
}

const sendAll = (channel: Channel, count: number): void => {
  for (let i = 0; i < count; i++) channel.send(Uint8Array.of(i))
}
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const sorted = (values: number[]): number[] => [...values].sort((a, b) => a - b)

describe('faults', () => {
  it('drop loses about its share, and the channel ends two seconds after the first loss', async () => {
    const { channel, faults, atServer, clock, closes, serverCloses } = await bench()
    faults.set({ drop: 0.3 })
    sendAll(channel, 200)
    await turn()
    expect(faults.counts.dropped).toBeGreaterThan(40)
    expect(atServer).toHaveLength(200 - faults.counts.dropped)
    expect(atServer).toEqual(sorted(atServer))
    await clock.advance(1_999)
    expect(closes).toHaveLength(0)
    await clock.advance(1)
    expect(closes.map((error) => error?.code)).toEqual(['network/closed'])
    expect(serverCloses()).toBe(1)
  })
  it('drop alone, where asked for: the silent line', async () => {
    const { channel, faults, atServer, clock, closes } = await bench(1, Number.POSITIVE_INFINITY)
    faults.set({ drop: 1 })
    sendAll(channel, 10)
    await clock.advance(3_600_000)
    expect([atServer, closes]).toEqual([[], []])
  })
  it('duplicate repeats frames', async () => {
    const { channel, faults, atServer } = await bench()
    faults.set({ duplicate: 1 })
    sendAll(channel, 5)
    await turn()
    expect(atServer).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  })
  it('reorder lets up to n frames overtake, and loses none', async () => {
    const { channel, faults, atServer, clock } = await bench()
    faults.set({ reorder: 5 })
    sendAll(channel, 100)
    await clock.advance(100)
    expect(sorted(atServer)).toEqual(numbers(100))
    expect(atServer).not.toEqual(numbers(100))
    for (const [place, n] of atServer.entries()) expect(Math.abs(place - n)).toBeLessThanOrEqual(30)
  })
  it('delay keeps the order, also a drawn one, also when it shrinks on the way', async () => {
    const { channel, faults, atServer, clock } = await bench()
    faults.set({ delayMs: [50, 150] })
    sendAll(channel, 50)
    faults.set({ delayMs: 0 })
    channel.send(Uint8Array.of(50))
    await clock.advance(49)
    expect(atServer).toEqual([])
    expect(channel.bufferedBytes).toBe(51)
    await clock.advance(101)
    expect(atServer).toEqual(numbers(51))
    expect(channel.bufferedBytes).toBe(0)
  })
  it('corrupt changes exactly one byte, in a copy', async () => {
    const { channel, faults, atServer } = await bench()
    faults.set({ corrupt: 1 })
    const frame = Uint8Array.of(7)
    channel.send(frame)
    await turn()
    expect(atServer[0]).not.toBe(7)
    expect(frame).toEqual(Uint8Array.of(7))
  })
  it('cut loses what is on its way in both directions and ends every channel once', async () => {
    const { channel, faults, atServer, atClient, clock, closes, serverCloses, reply } = await bench()
    faults.set({ delayMs: 100 })
    sendAll(channel, 3)
    reply(9)
    await turn()
    expect(faults.cut()).toBe(1)
    expect(faults.cut()).toBe(0)
    await clock.advance(1_000)
    expect([atServer, atClient]).toEqual([[], []])
    expect(closes.map((error) => error?.code)).toEqual(['network/closed'])
    expect(serverCloses()).toBe(1)
  })
  it('a probability of being cut ends the channel in the middle of traffic', async () => {
    const { channel, faults, atServer, closes } = await bench()
    faults.set({ cut: 0.05 }, 'up')
    sendAll(channel, 200)
    await turn()
    expect(atServer.length).toBeLessThan(200)
    expect(atServer).toEqual(numbers(atServer.length))
    expect(closes).toHaveLength(1)
  })
  it('own close: what was sent before still arrives, after its delay; then the server sees the end', async () => {
    const { channel, faults, atServer, clock, closes, serverCloses } = await bench()
    faults.set({ delayMs: 100 })
    sendAll(channel, 3)
    channel.close()
    await turn()
    expect(closes).toEqual([undefined])
    expect(serverCloses()).toBe(0)
    await clock.advance(200)
    expect(atServer).toEqual([0, 1, 2])
    expect(serverCloses()).toBe(1)
  })
  it('acts on one direction where asked', async () => {
    const { channel, faults, atServer, atClient, reply } = await bench()
    faults.set({ drop: 1 }, 'down')
    channel.send(Uint8Array.of(1))
    reply(2)
    await turn()
    expect([atServer, atClient]).toEqual([[1], []])
  })
  it('refuse rejects openings, always or by chance; clear ends it', async () => {
    const server = script()
    const { transport, faults } = faultyTransport(server.transport, { clock: testClock(), random: seeded(3) })
    const open = (): Promise<unknown> =>
      transport
        .open({ onMessage: () => {}, onClose: () => {} }, { signal: new AbortController().signal })
        .catch((error: unknown) => (isSecureChatError(error) ? error.code : error))
    faults.set({ refuse: true })
    expect(await open()).toBe('network/unreachable')
    faults.set({ refuse: 0.5 })
    for (let i = 0; i < 40; i++) await open()
    expect(server.peers.length).toBeGreaterThan(8)
    expect(server.peers.length).toBeLessThan(32)
    faults.clear()
    const before = server.peers.length
    await open()
    expect(server.peers.length).toBe(before + 1)
  })
  it('the same seed gives the same run, another seed another', async () => {
    const run = async (seed: number): Promise<[number[], FaultCounts]> => {
      const { channel, faults, atServer, clock } = await bench(seed)
      faults.set({ drop: 0.2, duplicate: 0.2, reorder: 3, corrupt: 0.1, delayMs: [0, 20] })
      sendAll(channel, 100)
      await clock.advance(500)
      return [atServer, { ...faults.counts }]
    }
    expect(await run(5)).toEqual(await run(5))
    expect(await run(5)).not.toEqual(await run(6))
  })
})

/**
 * A mailbox and an outbox over the worst line: a server that stores sends by id and delivers rows above the cursor, a client that commits
 * rows, then acknowledges, and repeats what was not answered. Rows are deleted by acknowledgement, so a wrong one loses messages.
 */
async function soak(seed: number): Promise<{ counts: FaultCounts; sockets: number }> {
  const ROWS = 60
  const SENDS = 40
  const server = script()
  const clock = testClock()
  let mailbox = numbers(ROWS).map((n) => row(n * 2 + 1))
  const stored = new Map<string, number>()
  const { welcome } = server
  server.welcome = (peer, hello, id) => {
    mailbox = mailbox.filter(({ sequence }) => sequence > (hello.cursor ?? 0))
    welcome?.(peer, hello, id)
    for (let at = 0; at < mailbox.length; at += 4) peer.deliver(mailbox.slice(at, at + 4))
  }
  server.onFrame = (peer, { kind, id, body }) => {
    if (kind === 'ping') peer.raw(encodeFrame('pong', id))
    if (kind === 'acknowledge') mailbox = mailbox.filter(({ sequence }) => sequence > decodeCounter(body))
    if (kind === 'send') {
      const key = Buffer.from(body).toString('hex')
      if (!stored.has(key)) stored.set(key, stored.size + 1)
      peer.sent(id, stored.get(key)!)
    }
  }
  const { transport, faults } = faultyTransport(server.transport, { clock, random: seeded(seed) })
  const committed = new Set<number>()
  let cursor = 0
  const connection = createConnection({
    transport,
    clock,
    random: (length) => Uint8Array.from({ length }, seeded(seed + 1)),
    login: async () => ({ accessToken: TOKEN, proof: new Uint8Array(64) }),
    cursor: async () => cursor,
    onDeliver: (rows) => {
      for (const { sequence } of rows) committed.add(sequence)
      cursor = Math.max(cursor, ...rows.map(({ sequence }) => sequence))
      connection.acknowledge(cursor)
    },
    onEvent: () => {},
  })
  faults.set({ drop: 0.05, duplicate: 0.1, reorder: 3, delayMs: [0, 40], cut: 0.02, refuse: 0.2 })
  connection.start()
  const outbox = numbers(SENDS).map((n): SendFrame => {
    const envelope = Uint8Array.of(n, 1)
    return {
      sendId: 'BBBBBBBBBBBBBBBBBBBBBA' as never,
      recipients: [{ accountId: ACCOUNT.accountId as never, deviceId: 1 as never, manifestVersion: 1, envelope }],
    }
  })
  let answered = 0
  const deliverOne = async (frame: SendFrame): Promise<void> => {
    for (;;) {
      try {
        await connection.send(frame, { timeoutMs: 5_000 })
        answered++
        return
      } catch (error) {
        if (!isSecureChatError(error) || error.retry !== 'later') throw error
      }
    }
  }
  const sending = Promise.all(outbox.map(deliverOne))
  for (let i = 0; i < 400 && (answered < SENDS || mailbox.length > 0); i++) await clock.advance(2_500)
  await sending
  expect([...committed].sort((a, b) => a - b)).toEqual(numbers(ROWS).map((n) => n * 2 + 1))
  expect(mailbox).toEqual([])
  expect([...stored.keys()].sort()).toEqual(outbox.map((frame) => Buffer.from(encodeSend(frame)).toString('hex')).sort())
  expect(answered).toBe(SENDS)
  await connection.stop()
  return { counts: { ...faults.counts }, sockets: server.peers.length }
}

describe('a connection over a line with every fault', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('loses no row and no send, stores none twice (seed %i)', async (seed) => {
    const { counts, sockets } = await soak(seed)
    expect(sockets).toBeGreaterThan(2)
    for (const kind of ['dropped', 'duplicated', 'reordered'] as const) expect(counts[kind]).toBeGreaterThan(0)
  })

  it('random bytes from the server never throw out of the connection', async () => {
    const random = seeded(99)
    const server = script()
    const clock = testClock()
    const connection = createConnection({
      transport: server.transport,
      clock,
      random: (length) => new Uint8Array(length),
      login: async () => ({ accessToken: TOKEN, proof: new Uint8Array(64) }),
      cursor: async () => 0,
      onDeliver: () => {},
      onEvent: () => {},
    })
    connection.start()
    let closed = 0
    for (let i = 0; i < 300; i++) {
      await turn()
      if (connection.state().status !== 'online') {
        closed++
        connection.retryNow()
        await turn()
      }
      const frame = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256))
      if (random() < 0.9) frame.set([1, [0x01, 0x03, 0x11, 0x12, 0x21, 0x22, 0x30, 0x40, 0x41][Math.floor(random() * 9)]!].slice(0, frame.length))
      server.peer().raw(frame)
    }
    expect(closed).toBeGreaterThan(50)
    await connection.stop()
    expect(clock.timers).toBe(0)
  })

  it('corrupted frames end sockets, never the connection', async () => {
    const server = script()
    const clock = testClock()
    const { transport, faults } = faultyTransport(server.transport, { clock, random: seeded(11) })
    const connection = createConnection({
      transport,
      clock,
      random: (length) => new Uint8Array(length).fill(0x40),
      cursor: async () => 0,
      onDeliver: () => {},
      onEvent: () => {},
    })
    server.onFrame = (peer, { kind, id }) => {
      if (kind === 'ping') peer.raw(encodeFrame('pong', id))
    }
    faults.set({ corrupt: 0.3 }, 'down')
    connection.start()
    for (let i = 0; i < 30; i++) await clock.advance(30_000)
    expect(faults.counts.corrupted).toBeGreaterThan(5)
    faults.clear()
    await clock.advance(700_000)
    expect(connection.state().status).toBe('online')
    await connection.stop()
  })
})

describe('what a test server sees', () => {
  it('frames are whole frames of the protocol', async () => {
    const server = script()
    const { transport } = faultyTransport(server.transport, { clock: testClock(), random: seeded(1) })
    const kinds: string[] = []
    await transport.open({ onMessage: (bytes) => void kinds.push(decodeFrame(bytes).kind), onClose: () => {} }, { signal: new AbortController().signal })
    await turn()
    expect(kinds).toEqual(['challenge'])
  })
})
