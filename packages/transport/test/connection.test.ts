import {
  decodeCounter,
  decodeSend,
  encodeFrame,
  encodeValue,
  isSecureChatError,
  LIMITS,
  type MailboxRow,
  type MessageId,
  SecureChatError,
  type SendFrame,
  type ServerEvent,
} from '@securechat/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { type Connection, type ConnectionOptions, createConnection } from '../src/index.js'
import { type TestClock, testClock, turn } from './support/clock.js'
import { ACCOUNT, row, type Script, script, TOKEN } from './support/script.js'

interface Bench {
  readonly server: Script
  readonly clock: TestClock
  readonly connection: Connection
  readonly delivered: MailboxRow[][]
  readonly events: ServerEvent[]
  readonly logs: string[]
  cursor: number
  status: () => string
}

const running: Connection[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((connection) => connection.stop()))
})

const proof = { accessToken: TOKEN, proof: new Uint8Array(64) }

function bench(options: Partial<ConnectionOptions> = {}): Bench {
  const server = script()
  const clock = testClock()
  const delivered: MailboxRow[][] = []
  const events: ServerEvent[] = []
  const logs: string[] = []
  const log = (event: string, fields?: object): void => void logs.push(`${event} ${JSON.stringify(fields ?? {})}`)
  const bench: Bench = {
    server,
    clock,
    delivered,
    events,
    logs,
    cursor: 0,
    status: () => connection.state().status,
    connection: undefined as never,
  }
  const connection = createConnection({
    transport: server.transport,
    clock,
    random: (length) => new Uint8Array(length).fill(0x80),
    logger: { debug: log, info: log, warn: log, error: log },
    client: 'test/1',
    login: async () => proof,
    cursor: async () => bench.cursor,
    onDeliver: (rows) => void delivered.push(rows),
    onEvent: (event) => void events.push(event),
    ...options,
  })
  running.push(connection)
  return Object.assign(bench, { connection })
}

async function onlineBench(options?: Partial<ConnectionOptions>): Promise<Bench> {
  const made = bench(options)
  made.connection.start()
  await turn()
  expect(made.status()).toBe('online')
  return made
}

/** The code with which a promise rejects; 'resolved' when it does not. */
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (isSecureChatError(error) ? error.code : String(error)),
  )

const send: SendFrame = {
  sendId: 'BBBBBBBBBBBBBBBBBBBBBA' as MessageId,
  recipients: [{ accountId: ACCOUNT.accountId as never, deviceId: 1 as never, manifestVersion: 1, envelope: Uint8Array.of(1, 2, 3) }],
}

describe('hello', () => {
  it('names versions, client, proof and the durable cursor, and the state tells the welcome', async () => {
    const challenges: Uint8Array[] = []
    const made = bench({
      login: async ({ challenge }) => {
        challenges.push(challenge)
        return proof
      },
    })
    made.cursor = 42
    made.connection.start()
    made.connection.start()
    await turn()
    expect(made.server.peers).toHaveLength(1)
    expect(made.server.peer().hello()).toMatchObject({ versions: [1], client: 'test/1', login: { accessToken: TOKEN }, cursor: 42 })
    expect(challenges).toEqual([new Uint8Array(32).fill(1)])
    expect(made.connection.state()).toEqual({
      status: 'online',
      account: ACCOUNT,
      capabilities: { versions: [1], features: [], limits: {} },
      serverTimeOffset: 5_000,
    })
    expect(Object.isFrozen(made.connection.state())).toBe(true)
  })
  it('stays anonymous without a login, and asks no cursor', async () => {
    const made = await onlineBench({
      login: async () => null,
      cursor: async () => {
        throw new Error('not to be asked')
      },
    })
    expect(made.server.peer().hello()).toEqual({ versions: [1], client: 'test/1' })
    expect(made.connection.state().account).toBeUndefined()
  })
  it('lets the login call what needs none, on the same socket, and nothing else', async () => {
    const input = { refreshToken: TOKEN, time: 1, nonce: new Uint8Array(16), proof: new Uint8Array(64) }
    const tokens = { accessToken: TOKEN, accessExpiresAt: 2, refreshToken: `${TOKEN}2` }
    const codes: string[] = []
    let kept: Parameters<NonNullable<ConnectionOptions['login']>>[0] | undefined
    const made = bench({
      login: async (context) => {
        kept = context
        codes.push(await codeOf(context.call('prekeys.count', {})))
        expect(await context.call('auth.refresh', input)).toEqual(tokens)
        return proof
      },
    })
    made.server.onFrame = (peer, frame) => {
      if (frame.kind === 'request') peer.send('response', frame.id, tokens)
    }
    made.connection.start()
    await turn()
    expect(made.status()).toBe('online')
    expect(made.server.peer().frames.map(({ kind }) => kind)).toEqual(['request', 'hello'])
    expect(codes).toEqual(['auth/required'])
    expect(await codeOf(kept!.call('auth.refresh', input))).toBe('network/closed')
  })
  it('a socket that dies during the login ends its calls and is replaced; the late login changes nothing', async () => {
    const codes: string[] = []
    let tries = 0
    const made = bench({
      login: async ({ call, signal }) => {
        if (++tries > 1) return proof
        codes.push(await codeOf(call('server.capabilities', {})))
        expect(signal.aborted).toBe(true)
        return { ...proof, accessToken: 'stale-stale-stale' }
      },
    })
    made.connection.start()
    await turn()
    made.server.peer().socket.close(1011, '')
    await turn()
    expect(codes).toEqual(['network/closed'])
    expect(made.status()).toBe('offline')
    await made.clock.advance(250)
    expect(made.status()).toBe('online')
    expect(made.server.peers[0]!.of('hello')).toHaveLength(0)
    expect(made.server.peer().hello().login?.accessToken).toBe(TOKEN)
  })
  it.each(['auth/revoked', 'auth/refresh-reused'] as const)('a login that throws %s signs out; reauthenticate tries again', async (code) => {
    let revoked = true
    const made = bench({
      login: async () => {
        if (revoked) throw new SecureChatError(code)
        return proof
      },
    })
    made.connection.start()
    const waiting = codeOf(made.connection.call('prekeys.count', {}))
    await turn()
    expect(made.connection.state()).toMatchObject({ status: 'signed-out', error: { code } })
    expect(await waiting).toBe(code)
    expect(await codeOf(made.connection.call('prekeys.count', {}))).toBe(code)
    await made.clock.advance(3_600_000)
    expect(made.server.peers).toHaveLength(1)
    revoked = false
    made.connection.reauthenticate()
    await turn()
    expect(made.status()).toBe('online')
  })
  it('an untyped error of the login or the cursor is a failed try with a typed error', async () => {
    let broken = true
    const made = bench({
      cursor: async () => {
        if (broken) throw new Error('disk on fire: secret')
        return 0
      },
    })
    made.connection.start()
    await turn()
    expect(made.connection.state()).toMatchObject({ status: 'offline', error: { code: 'client/invalid-argument' } })
    expect(made.logs.join()).not.toContain('secret')
    broken = false
    await made.clock.advance(250)
    expect(made.status()).toBe('online')
  })
  it('a login of the wrong shape is told to its author, not sent', async () => {
    const made = bench({ login: async () => ({ accessToken: TOKEN, proof: new Uint8Array(3) }) })
    made.connection.start()
    await turn()
    expect(made.connection.state().error).toMatchObject({ code: 'request/invalid', detail: 'login.proof' })
    expect(made.server.peer().of('hello')).toHaveLength(0)
  })
  it('tells the login that its last token was refused', async () => {
    const rejections: (string | undefined)[] = []
    const made = bench({
      login: async ({ rejected }) => {
        rejections.push(rejected?.code)
        return proof
      },
    })
    const welcome = made.server.welcome
    made.server.welcome = (peer, hello, id) => (made.server.peers.length === 1 ? peer.error(id, 'auth/expired-token') : welcome?.(peer, hello, id))
    made.connection.start()
    await turn()
    await made.clock.advance(500)
    expect(made.status()).toBe('online')
    made.connection.reauthenticate()
    await turn()
    expect(rejections).toEqual([undefined, 'auth/expired-token', undefined])
  })
  it('a refusal for its version means update-required; calls are told so at once', async () => {
    const made = bench()
    const { welcome } = made.server
    made.server.welcome = (peer, _hello, id) => peer.error(id, 'protocol/unsupported-version')
    made.connection.start()
    const waiting = codeOf(made.connection.call('prekeys.count', {}))
    await turn()
    expect(made.status()).toBe('update-required')
    expect(await waiting).toBe('protocol/unsupported-version')
    expect(await codeOf(made.connection.send(send))).toBe('protocol/unsupported-version')
    made.server.welcome = welcome
    await made.clock.advance(600_000)
    expect(made.status()).toBe('online')
  })
  it.each([
    ['a version that was not offered', { version: 2 }, 'update-required', 'protocol/unsupported-version'],
    ['no account for a login', { account: undefined }, 'offline', 'protocol/malformed'],
    ['no capabilities', { capabilities: undefined }, 'offline', 'protocol/malformed'],
  ])('a welcome with %s is refused', async (_name, change, status, code) => {
    const made = bench()
    made.server.welcome = (peer, _hello, id) => {
      peer.send('welcome', id, { version: 1, time: 1, capabilities: { versions: [1], features: [], limits: {} }, account: ACCOUNT, ...change })
    }
    made.connection.start()
    await turn()
    expect(made.connection.state()).toMatchObject({ status, error: { code } })
  })
  it('a server that never greets, or never welcomes, is given up after 10 s', async () => {
    for (const silent of [{ greet: false }, { welcome: null }]) {
      const made = bench()
      Object.assign(made.server, silent)
      made.connection.start()
      await made.clock.advance(9_999)
      expect(made.status()).toBe('connecting')
      await made.clock.advance(1)
      expect(made.connection.state()).toMatchObject({ status: 'offline', error: { code: 'network/unreachable' } })
      await turn()
      expect(made.server.peer().closed).toBe(true)
    }
  })
})

describe('calls', () => {
  it('carries name and input, and checks the output', async () => {
    const { connection, server } = await onlineBench()
    const count = connection.call('prekeys.count', {})
    await turn()
    expect(server.peer().request()).toMatchObject({ name: 'prekeys.count', input: {}, rest: [] })
    server.peer().send('response', server.peer().request().id, { oneTime: 7, later: 'kept' })
    expect(await count).toEqual({ oneTime: 7, later: 'kept' })
    const bad = connection.call('prekeys.count', {})
    await turn()
    server.peer().send('response', server.peer().request(-1).id, { oneTime: 'seven' })
    expect(await codeOf(bad)).toBe('protocol/malformed')
    expect(connection.state().status).toBe('online')
  })
  it('carries a registration token in the frame', async () => {
    const { connection, server } = await onlineBench()
    const input = { manifest: new Uint8Array(64), deviceId: 1 as never, preKeys: {} }
    const pending = codeOf(connection.call('account.register', input, { registrationToken: 'registration-token' }))
    await turn()
    expect(server.peer().request().rest).toEqual(['registration-token'])
    server.peer().error(server.peer().request().id, 'auth/account-exists')
    expect(await pending).toBe('auth/account-exists')
  })
  it('answers may come in any order; late and unknown ones change nothing', async () => {
    const { connection, server, clock } = await onlineBench()
    const calls = [1, 2, 3].map(() => connection.call('prekeys.count', {}))
    await turn()
    const ids = server
      .peer()
      .of('request')
      .map(({ id }) => id)
    expect(new Set(ids).size).toBe(3)
    for (const [i, id] of [...ids.entries()].reverse()) server.peer().send('response', id, { oneTime: i })
    expect((await Promise.all(calls)).map(({ oneTime }) => oneTime)).toEqual([0, 1, 2])
    server.peer().send('response', ids[0]!, { oneTime: 99 })
    server.peer().error(9_999, 'server/internal')
    await clock.advance(1)
    expect(connection.state().status).toBe('online')
  })
  it('rejects with the server’s error, its hint and a harmless detail', async () => {
    const { connection, server } = await onlineBench()
    const calls = [1, 2, 3].map(() => connection.call('prekeys.count', {}).catch((error: unknown) => error as SecureChatError))
    await turn()
    const ids = server
      .peer()
      .of('request')
      .map(({ id }) => id)
    server.peer().error(ids[0]!, 'request/rate-limited', { retryAfterSeconds: 12, detail: 'write' })
    server.peer().error(ids[1]!, 'something/new')
    server.peer().error(ids[2]!, 'request/conflict', { detail: '<script>\u0000alert("+14155550100")' })
    const [limited, unknown, hostile] = (await Promise.all(calls)) as SecureChatError[]
    expect(limited).toMatchObject({ code: 'request/rate-limited', retryAfterSeconds: 12, detail: 'write' })
    expect(unknown).toMatchObject({ code: 'server/internal', detail: 'unknown error code' })
    expect(hostile).toMatchObject({ code: 'request/conflict', detail: undefined })
  })
  it('refuses what the server would refuse, without sending it', async () => {
    const { connection, server } = await onlineBench()
    expect(await codeOf(connection.call('account.lookup', { phone: 'none' }))).toBe('request/invalid')
    const envelope = new Uint8Array(LIMITS.envelopeBytes)
    const large: SendFrame = { ...send, recipients: Array.from({ length: 17 }, () => ({ ...send.recipients[0]!, envelope })) }
    expect(await codeOf(connection.send(large))).toBe('protocol/too-large')
    expect(server.peer().frames.map(({ kind }) => kind)).toEqual(['hello'])
  })
  it('waits for the connection up to its limit, in order', async () => {
    const made = bench()
    made.server.refuse = true
    made.connection.start()
    const patient = made.connection.call('prekeys.count', {})
    const hasty = codeOf(made.connection.call('prekeys.count', {}, { timeoutMs: 100 }))
    const sending = made.connection.send(send)
    await made.clock.advance(100)
    expect(await hasty).toBe('network/unreachable')
    made.server.refuse = false
    await made.clock.advance(2_000)
    expect(made.server.peer().frames.map(({ kind }) => kind)).toEqual(['hello', 'request', 'send'])
    made.server.peer().send('response', made.server.peer().request().id, { oneTime: 1 })
    made.server.peer().sent(made.server.peer().of('send')[0]!.id, 1_234)
    expect(await patient).toEqual({ oneTime: 1 })
    expect(await sending).toEqual({ time: 1_234 })
    expect(decodeSend(made.server.peer().of('send')[0]!.body)).toEqual(send)
  })
  it('times out, aborts, and forgets', async () => {
    const { connection, server, clock } = await onlineBench()
    const slow = codeOf(connection.call('prekeys.count', {}))
    const abort = new AbortController()
    const aborted = codeOf(connection.call('prekeys.count', {}, { signal: abort.signal }))
    expect(await codeOf(connection.call('prekeys.count', {}, { signal: AbortSignal.abort() }))).toBe('request/aborted')
    await turn()
    abort.abort()
    expect(await aborted).toBe('request/aborted')
    server.onFrame = (peer, frame) => void (frame.kind === 'ping' && peer.raw(encodeFrame('pong', frame.id)))
    await clock.advance(29_999)
    const pending = Symbol()
    expect(await Promise.race([slow, Promise.resolve(pending)])).toBe(pending)
    await clock.advance(1)
    expect(await slow).toBe('request/timeout')
    for (const { id } of server.peer().of('request')) server.peer().send('response', id, { oneTime: 1 })
    await turn()
    expect(connection.state().status).toBe('online')
  })
  it('rejects what was sent when the socket goes, keeps what was not, and repeats nothing', async () => {
    const { connection, server, clock } = await onlineBench()
    const sent = codeOf(connection.send(send))
    const called = codeOf(connection.call('prekeys.count', {}))
    await turn()
    server.peer().socket.close(1011, '')
    await turn()
    const waiting = connection.call('prekeys.count', {})
    expect([await sent, await called]).toEqual(['network/closed', 'network/closed'])
    await clock.advance(1_000)
    expect(server.peers).toHaveLength(2)
    expect(server.peer().of('send')).toHaveLength(0)
    server.peer().send('response', server.peer().request().id, { oneTime: 3 })
    expect(await waiting).toEqual({ oneTime: 3 })
  })
  it('keeps at most 256 requests in flight and lets the rest follow; refuses beyond 1,024 waiting', async () => {
    const { connection, server } = await onlineBench()
    const calls = Array.from({ length: 256 + 1_024 }, () => connection.call('prekeys.count', {}))
    expect(await codeOf(connection.call('prekeys.count', {}))).toBe('request/rate-limited')
    await turn()
    expect(server.peer().of('request')).toHaveLength(256)
    server.onFrame = (peer, frame) => void (frame.kind === 'request' && peer.send('response', frame.id, { oneTime: 0 }))
    for (const { id } of server.peer().of('request')) server.peer().send('response', id, { oneTime: 0 })
    await Promise.all(calls)
    expect(server.peer().of('request')).toHaveLength(1_280)
  })
  it('a place freed by a time limit or a signal is used', async () => {
    const { connection, server, clock } = await onlineBench()
    const abort = new AbortController()
    const blocking = Array.from({ length: 256 }, (_, i) =>
      codeOf(connection.call('prekeys.count', {}, i === 0 ? { signal: abort.signal } : { timeoutMs: 1_000 })),
    )
    const next = [connection.call('prekeys.count', {}), connection.call('prekeys.count', {})]
    await turn()
    abort.abort()
    await turn()
    expect(server.peer().of('request')).toHaveLength(257)
    await clock.advance(1_000)
    await Promise.all(blocking)
    expect(server.peer().of('request')).toHaveLength(258)
    for (const { id } of server.peer().of('request').slice(-2)) server.peer().send('response', id, { oneTime: 0 })
    await Promise.all(next)
  })
  it('does not pile up bytes on a line that does not drain', async () => {
    let buffered = 0
    const made = bench()
    const inner = made.server.transport
    const connection = createConnection({
      transport: {
        kind: 'slow',
        open: async (handlers, options) => {
          const channel = await inner.open(handlers, options)
          return {
            send: (bytes) => channel.send(bytes),
            close: () => channel.close(),
            get bufferedBytes() {
              return buffered
            },
          }
        },
      },
      clock: made.clock,
      random: (length) => new Uint8Array(length),
      cursor: async () => 0,
      onDeliver: () => {},
      onEvent: () => {},
    })
    running.push(connection)
    connection.start()
    await turn()
    buffered = 5 * 1024 * 1024
    const call = connection.call('server.capabilities', {})
    await made.clock.advance(1_000)
    expect(made.server.peer().of('request')).toHaveLength(0)
    buffered = 0
    await made.clock.advance(50)
    made.server.peer().send('response', made.server.peer().request().id, { time: 1, capabilities: { versions: [1], features: [], limits: {} } })
    expect(await call).toMatchObject({ time: 1 })
  })
})

describe('deliveries and acknowledgements', () => {
  it('hands over copies, in order', async () => {
    const { server, delivered, connection } = await onlineBench()
    const body = Uint8Array.of(5, 5)
    server.peer().deliver([row(1), { ...row(2), body }])
    server.peer().deliver([row(5)])
    await turn()
    expect(delivered).toEqual([[row(1), { ...row(2), body }], [row(5)]])
    for (const { envelope } of delivered.flat()) expect(envelope.buffer.byteLength).toBe(envelope.length)
    expect(connection.state().status).toBe('online')
  })
  it('a delivery that comes twice is dropped, one after a lost one ends the socket before it can be acknowledged', async () => {
    const { server, delivered, connection, clock } = await onlineBench()
    server.peer().deliver([row(1)], 1)
    server.peer().deliver([row(1)], 1)
    server.peer().deliver([row(3)], 3)
    server.peer().deliver([row(2)], 2)
    await turn()
    expect(delivered).toEqual([[row(1)]])
    expect(connection.state()).toMatchObject({ status: 'offline', error: { code: 'protocol/out-of-order' } })
    await clock.advance(500)
    server.peer().deliver([row(2), row(3)], 1)
    await turn()
    expect(delivered.flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  })
  it('takes unnumbered deliveries as they come', async () => {
    const { server, delivered } = await onlineBench()
    server.peer().deliver([row(1)], 0)
    server.peer().deliver([row(2)], 0)
    await turn()
    expect(delivered.flat()).toHaveLength(2)
  })
  it('a receiver that throws gets the rows again', async () => {
    let broken = true
    const rows: number[] = []
    const { server, connection, clock } = await onlineBench({
      onDeliver: (batch) => {
        if (broken) throw new SecureChatError('storage/unavailable')
        rows.push(...batch.map(({ sequence }) => sequence))
      },
    })
    server.peer().deliver([row(1)])
    await turn()
    expect(connection.state().error?.code).toBe('storage/unavailable')
    broken = false
    await clock.advance(500)
    server.peer().deliver([row(1)])
    await turn()
    expect(rows).toEqual([1])
  })
  it('acknowledges the highest once per turn, never backwards, never above what came', async () => {
    const { server, connection } = await onlineBench()
    server.peer().deliver([row(1), row(2), row(3), row(9)])
    await turn()
    for (const upTo of [1, 3, 2]) connection.acknowledge(upTo)
    await turn()
    connection.acknowledge(2)
    connection.acknowledge(Number.NaN)
    await turn()
    connection.acknowledge(1_000)
    await turn()
    expect(
      server
        .peer()
        .of('acknowledge')
        .map(({ body }) => decodeCounter(body)),
    ).toEqual([3, 9])
  })
  it('says after a reconnect what was said to nobody, once its rows have come again', async () => {
    const made = await onlineBench()
    made.server.peer().deliver([row(1), row(2), row(3)])
    await turn()
    made.server.peer().socket.close(1011, '')
    await turn()
    made.cursor = 1
    await made.clock.advance(500)
    made.connection.acknowledge(3)
    await turn()
    expect(made.server.peer().of('acknowledge')).toHaveLength(0)
    made.server.peer().deliver([row(2), row(3), row(4)])
    await turn()
    expect(
      made.server
        .peer()
        .of('acknowledge')
        .map(({ body }) => decodeCounter(body)),
    ).toEqual([3])
  })
  it('never says one mailbox’s acknowledgement to another', async () => {
    const made = await onlineBench()
    made.server.peer().deliver([row(100)])
    await turn()
    made.connection.acknowledge(100)
    await turn()
    made.server.welcome = (peer, _hello, id) =>
      peer.send('welcome', id, { version: 1, time: 1, capabilities: { versions: [1], features: [], limits: {} }, account: { ...ACCOUNT, deviceId: 2 } })
    made.connection.reauthenticate()
    await turn()
    made.server.peer().deliver([row(200)])
    await turn()
    expect(made.server.peer().of('acknowledge')).toHaveLength(0)
  })
  it('repeats the last one with each heartbeat, for the case that it was lost', async () => {
    const { server, connection, clock } = await onlineBench()
    server.peer().deliver([row(1)])
    await turn()
    connection.acknowledge(1)
    await clock.advance(25_000)
    expect(
      server
        .peer()
        .frames.slice(1)
        .map(({ kind }) => kind),
    ).toEqual(['acknowledge', 'acknowledge', 'ping'])
  })
})

describe('heartbeat and loss', () => {
  it('answers the server’s ping with its id', async () => {
    const { server } = await onlineBench()
    server.peer().raw(encodeFrame('ping', 77))
    await turn()
    expect(
      server
        .peer()
        .of('pong')
        .map(({ id }) => id),
    ).toEqual([77])
  })
  it('a peer that answers is kept, one that does not is replaced within 50 s', async () => {
    const { server, connection, clock } = await onlineBench()
    server.onFrame = (peer, frame) => void (frame.kind === 'ping' && peer.raw(encodeFrame('pong', frame.id)))
    await clock.advance(120_000)
    expect(server.peers).toHaveLength(1)
    server.onFrame = () => {}
    await clock.advance(51_000)
    expect(server.peers.length).toBeGreaterThan(1)
    expect(server.peers[0]!.closed).toBe(true)
    expect(connection.state().status).toBe('online')
  })
  it('a machine that slept asks at once and does not trust the old socket for long', async () => {
    const { server, clock } = await onlineBench()
    await clock.sleep(8 * 3_600_000)
    expect(server.peer().of('ping')).toHaveLength(1)
    await clock.advance(5_500)
    expect(server.peers).toHaveLength(2)
  })
  it('a wall clock that is set back delays no heartbeat', async () => {
    const { server, clock } = await onlineBench()
    await clock.advance(10_000)
    clock.setBack(3_600_000)
    await clock.advance(15_000)
    expect(server.peer().of('ping')).toHaveLength(1)
  })
  it('retryNow skips the waiting time, and checks a socket that looks alive', async () => {
    const made = bench()
    made.server.refuse = true
    made.connection.start()
    await made.clock.advance(20_000)
    made.server.refuse = false
    expect(made.status()).toBe('offline')
    expect(made.connection.state().retryAt).toBeGreaterThan(made.clock.now())
    made.connection.retryNow()
    await turn()
    expect(made.status()).toBe('online')
    made.connection.retryNow()
    await turn()
    expect(made.server.peer().of('ping')).toHaveLength(1)
  })
  it('follows the transport’s network hints between start and stop', async () => {
    const listeners = new Set<(online: boolean) => void>()
    const server = script()
    const made = bench({
      transport: {
        ...server.transport,
        networkHints: (listener) => {
          listeners.add(listener)
          return () => void listeners.delete(listener)
        },
      },
    })
    server.refuse = true
    made.connection.start()
    await turn()
    expect(made.status()).toBe('offline')
    server.refuse = false
    for (const listener of listeners) listener(true)
    await turn()
    expect(made.status()).toBe('online')
    await made.connection.stop()
    expect(listeners.size).toBe(0)
  })
})

describe('events', () => {
  it('passes on what it knows and ignores what it does not', async () => {
    const { server, events, connection } = await onlineBench()
    server.peer().send('event', 0, { type: 'prekeys-low', oneTime: 3, more: 1 })
    server.peer().send('event', 0, { type: 'manifest-changed', accountId: ACCOUNT.accountId, version: 2 })
    server.peer().send('event', 0, { type: 'from-the-future', x: [1] })
    await turn()
    expect(events).toEqual([
      { type: 'prekeys-low', oneTime: 3 },
      { type: 'manifest-changed', accountId: ACCOUNT.accountId, version: 2 },
    ])
    expect(connection.state().status).toBe('online')
  })
  it('draining: another socket at once', async () => {
    const { server, events, connection } = await onlineBench()
    server.peer().send('event', 0, { type: 'draining' })
    await turn()
    expect(events).toEqual([{ type: 'draining' }])
    expect(server.peers).toHaveLength(2)
    expect(connection.state().status).toBe('online')
  })
  it('a call refused for draining moves the connection, too', async () => {
    const { server, connection } = await onlineBench()
    const call = codeOf(connection.call('prekeys.count', {}))
    await turn()
    server.peer().error(server.peer().request().id, 'server/draining')
    expect(await call).toBe('server/draining')
    await turn()
    expect(server.peers).toHaveLength(2)
  })
  it('revoked: signed out', async () => {
    const { server, connection } = await onlineBench()
    server.peer().send('event', 0, { type: 'revoked' })
    await turn()
    expect(connection.state()).toMatchObject({ status: 'signed-out', error: { code: 'auth/revoked' } })
  })
  it('a receiver or listener that throws harms nothing', async () => {
    const { server, connection, logs } = await onlineBench({
      onEvent: () => {
        throw new Error('secret')
      },
    })
    connection.subscribe(() => {
      throw new Error('secret')
    })
    server.peer().send('event', 0, { type: 'prekeys-low', oneTime: 3 })
    await turn()
    connection.reauthenticate()
    await turn()
    expect(connection.state().status).toBe('online')
    expect(logs.join()).toContain('connection.event-failed')
    expect(logs.join()).not.toContain('secret')
  })
})

describe('frames that are wrong', () => {
  const wrong: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(0), 'protocol/malformed'],
    ['too short', Uint8Array.of(1, 2, 3), 'protocol/malformed'],
    ['of another version', Uint8Array.of(9, 0x41, 0, 0, 0, 0), 'protocol/unsupported-version'],
    ['of an unknown kind', Uint8Array.of(1, 0x7f, 0, 0, 0, 0), 'protocol/malformed'],
    ['above the limit', new Uint8Array(LIMITS.frameBytes + 1), 'protocol/too-large'],
    ['of a kind that only clients send', encodeFrame('acknowledge', 0, new Uint8Array(8)), 'protocol/out-of-order'],
    ['a second challenge', encodeFrame('challenge', 0, encodeValue({ challenge: new Uint8Array(32), time: 1 })), 'protocol/out-of-order'],
    ['a second welcome', encodeFrame('welcome', 0, encodeValue({})), 'protocol/out-of-order'],
    ['a delivery that is cut', encodeFrame('deliver', 1, Uint8Array.of(1, 0, 1, 0)), 'protocol/malformed'],
    ['a delivery of a newer layout', encodeFrame('deliver', 1, Uint8Array.of(2, 0, 0)), 'protocol/unsupported-version'],
    ['an event that is no msgpack', encodeFrame('event', 0, Uint8Array.of(0xc1)), 'protocol/malformed'],
    ['an event with unfit fields', encodeFrame('event', 0, encodeValue({ type: 'prekeys-low', oneTime: -1 })), 'protocol/malformed'],
    ['an error that is no msgpack', encodeFrame('error', 0, Uint8Array.of(0xc1)), 'protocol/malformed'],
  ]
  it.each(wrong)('%s: the socket is closed with a typed error, and replaced', async (_name, bytes, code) => {
    const { server, connection, clock } = await onlineBench()
    server.peer().raw(bytes)
    await turn()
    expect(connection.state()).toMatchObject({ status: 'offline', error: { code } })
    expect(server.peer().closed).toBe(true)
    await clock.advance(500)
    expect(connection.state().status).toBe('online')
  })
  it('an answer of the wrong kind ends the socket, and the call with it', async () => {
    const { server, connection } = await onlineBench()
    const call = codeOf(connection.call('prekeys.count', {}))
    await turn()
    server.peer().sent(server.peer().request().id, 1)
    expect(await call).toBe('network/closed')
    expect(connection.state().error?.code).toBe('protocol/malformed')
  })
  it('an unknown kind is ignored when the server has announced newer versions', async () => {
    const made = bench()
    made.server.versions = [1, 2]
    made.connection.start()
    await turn()
    made.server.peer().raw(Uint8Array.of(1, 0x7f, 0, 0, 0, 0, 1, 2, 3))
    await turn()
    expect(made.status()).toBe('online')
  })
  it('rows, before the welcome or without a login, are out of order', async () => {
    for (const options of [{ welcome: true }, { login: async () => null }]) {
      const made = bench('login' in options ? options : {})
      if ('welcome' in options) made.server.welcome = (peer) => peer.deliver([row(1)])
      made.connection.start()
      await turn()
      if (made.status() === 'online') made.server.peer().deliver([row(1)])
      await turn()
      expect(made.connection.state().error?.code).toBe('protocol/out-of-order')
      expect(made.delivered).toEqual([])
    }
  })
})

describe('stop and start', () => {
  it('stop ends everything, is idempotent, and start begins anew', async () => {
    const { server, connection, clock } = await onlineBench()
    const called = codeOf(connection.call('prekeys.count', {}))
    await turn()
    await Promise.all([connection.stop(), connection.stop()])
    expect(await called).toBe('network/closed')
    expect(await codeOf(connection.call('prekeys.count', {}))).toBe('network/closed')
    await turn()
    expect(server.peer().closed).toBe(true)
    expect(clock.timers).toBe(0)
    await clock.advance(3_600_000)
    expect(server.peers).toHaveLength(1)
    connection.start()
    await turn()
    expect(connection.state().status).toBe('online')
  })
  it('stop during any step of the opening leaves no socket and no timer', async () => {
    for (let microtasks = 0; microtasks < 25; microtasks++) {
      const made = bench()
      made.connection.start()
      for (let i = 0; i < microtasks; i++) await null
      await made.connection.stop()
      await turn()
      expect(made.server.peers.every(({ closed }) => closed)).toBe(true)
      expect(made.clock.timers).toBe(0)
      expect(made.status()).toBe('stopped')
    }
  })
  it('an opening that never ends does not survive its stop', async () => {
    const clock = testClock()
    let aborted = false
    const connection = createConnection({
      transport: {
        kind: 'hanging',
        open: (_handlers, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true
              reject(new SecureChatError('request/aborted'))
            })
          }),
      },
      clock,
      random: (length) => new Uint8Array(length),
      cursor: async () => 0,
      onDeliver: () => {},
      onEvent: () => {},
    })
    connection.start()
    await connection.stop()
    expect(aborted).toBe(true)
  })
  it('a channel that opens after its abort is closed', async () => {
    const clock = testClock()
    const server = script()
    let let_through = (): void => {}
    const gate = new Promise<void>((resolve) => {
      let_through = resolve
    })
    const made = bench({
      transport: {
        kind: 'deaf',
        open: async (handlers) => {
          await gate
          return server.transport.open(handlers, { signal: new AbortController().signal })
        },
      },
      clock,
    })
    made.connection.start()
    await clock.advance(10_000)
    expect(made.status()).toBe('offline')
    const stopping = made.connection.stop()
    let_through()
    await stopping
    await turn()
    expect(server.peers.map(({ closed }) => closed)).toEqual([true])
  })
  it('a transport that throws at once is a failed opening', async () => {
    const made = bench({
      transport: {
        kind: 'broken',
        open: () => {
          throw new TypeError('no such thing')
        },
      },
    })
    made.connection.start()
    await turn()
    expect(made.connection.state()).toMatchObject({ status: 'offline', error: { code: 'network/unreachable' } })
  })
})

describe('state', () => {
  it('is one object until something changes, and subscribers are told each change', async () => {
    const made = bench()
    const seen: string[] = []
    const end = made.connection.subscribe(() => seen.push(made.status()))
    made.connection.start()
    await turn()
    const state = made.connection.state()
    made.server.peer().raw(encodeFrame('pong', 1))
    await turn()
    expect(made.connection.state()).toBe(state)
    made.server.refuse = true
    made.server.peer().socket.close(1011, '')
    await turn()
    await made.clock.advance(250)
    expect(seen).toEqual(['connecting', 'online', 'offline', 'connecting', 'offline'])
    end()
    await made.connection.stop()
    expect(seen).toHaveLength(5)
  })
  it('a device replaced by another of its sockets does not fight for the place', async () => {
    const { server, connection, clock } = await onlineBench()
    server.peer().socket.close(4001, 'replaced')
    await turn()
    expect(connection.state().retryAt! - clock.now()).toBe(30_000)
  })
  it('logs no token, no challenge, no contents', async () => {
    const made = await onlineBench()
    made.server.peer().deliver([row(1, 40)])
    await turn()
    await made.connection.stop()
    expect(made.logs.length).toBeGreaterThan(0)
    expect(made.logs.join('\n')).not.toMatch(/token|AAAA|envelope/)
  })
})
