import { decodeCounter, encodeFrame, encodeSend, encodeValue, FRAME_KINDS, LIMITS } from '@securechat/protocol'
import { CLOSE_CODES } from '@securechat/server'
import { envelope, harness, newId, sendTo, TestDevice, turns, until } from '@securechat/server-testing'
import { describe, expect, test } from 'vitest'

describe('socket: login', () => {
  test('challenge, hello, welcome; then the device’s own operations', async () => {
    const net = harness()
    const alice = await net.user('+14155550100')
    const socket = net.socket()
    const { welcome } = await socket.hello({ user: alice })
    expect(welcome).toMatchObject({ version: 1, time: net.clock.now(), account: { accountId: alice.accountId, deviceId: 1 } })
    expect(welcome).toMatchObject({ capabilities: { features: expect.arrayContaining(['mailbox']) } })
    expect(await socket.call('prekeys.count', {})).toEqual({ ok: true, value: { oneTime: 3, signedKeyId: 1, lastResortKeyId: 2 } })
  })

  test('before a hello: operations for anybody yes, for devices no, sends no; without a hello in time it ends', async () => {
    const net = harness()
    const bob = await net.user('+14155550101')
    const socket = net.socket()
    expect((await socket.call('server.capabilities', {})).ok).toBe(true)
    expect(await socket.call('prekeys.count', {})).toMatchObject({ ok: false, code: 'auth/required' })
    expect(await socket.deliver(sendTo(bob))).toBe('auth/required')
    socket.acknowledge(1)
    expect(socket.errors.at(-1)?.code).toBe('auth/required')
    expect(socket.closed).toBeUndefined()
    await net.clock.advance(LIMITS.helloSeconds * 1000)
    expect(socket.closed?.code).toBe(CLOSE_CODES.timeout)
    expect(socket.errors.at(-1)).toEqual({ id: 0, code: 'request/timeout' })
  })

  test('an anonymous hello may be followed by a registration and a login on the same socket', async () => {
    const net = harness()
    const socket = net.socket()
    expect((await socket.hello()).welcome).not.toHaveProperty('account')
    const asked = await socket.call('auth.requestCode', { phone: '+14155550100' })
    if (!asked.ok) throw new Error(asked.code)
    const confirmed = await socket.call('auth.confirmCode', { loginId: asked.value.loginId, code: net.codes.get('+14155550100') })
    if (!confirmed.ok) throw new Error(confirmed.code)
    const { account, registrationToken } = confirmed.value
    const device = new TestDevice(account.accountId, account.nextDeviceId)
    const now = net.clock.now()
    const input = { manifest: device.manifest(now).bytes, deviceId: device.deviceId, preKeys: device.preKeys(now) }
    expect(await socket.call('account.register', input)).toMatchObject({ ok: false, code: 'auth/required' })
    const registered = await socket.call('account.register', input, registrationToken)
    if (!registered.ok) throw new Error(registered.code)
    const { accessToken } = registered.value.tokens
    const { welcome } = await socket.hello({ accessToken, proof: device.socketProof(await socket.challenge(), accessToken) })
    expect(welcome).toMatchObject({ account: { accountId: account.accountId, deviceId: 1 } })
    expect((await socket.hello({ accessToken, proof: device.socketProof(await socket.challenge(), accessToken) })).code).toBe('protocol/out-of-order')
    await net.clock.advance(LIMITS.helloSeconds * 1000)
    expect(socket.closed).toBeUndefined()
  })

  test('attack 55: a token without the device key, or a proof of another socket, opens nothing', async () => {
    const net = harness()
    const [alice, mallory] = [await net.user('+14155550100'), await net.user('+14155550109')]
    const socket = net.socket()
    const { accessToken } = alice
    expect((await socket.hello({ accessToken, proof: mallory.device.socketProof(await socket.challenge(), accessToken) })).code).toBe('auth/invalid-proof')
    const elsewhere = alice.device.socketProof(await net.socket().challenge(), accessToken)
    expect((await socket.hello({ accessToken, proof: elsewhere })).code).toBe('auth/invalid-proof')
    expect((await socket.hello({ accessToken, proof: alice.device.socketProof(await socket.challenge(), mallory.accessToken) })).code).toBe(
      'auth/invalid-proof',
    )
    expect(await socket.call('prekeys.count', {})).toMatchObject({ ok: false, code: 'auth/required' })
    expect((await socket.hello({ user: alice })).welcome).toBeDefined()
  })

  test('an expired token is told apart; unknown versions are refused', async () => {
    const net = harness()
    const alice = await net.user('+14155550100')
    await net.clock.advance((LIMITS.accessTokenSeconds + 6) * 1000)
    expect((await net.socket().hello({ user: alice })).code).toBe('auth/expired-token')
    const socket = net.socket()
    expect((await socket.hello({ versions: [99] })).code).toBe('protocol/unsupported-version')
    expect(socket.closed?.code).toBe(CLOSE_CODES.protocol)
  })

  test('of two sockets of one device the newer wins', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const older = await net.signedIn(alice)
    const newer = await net.signedIn(alice)
    expect(older.closed).toEqual({ code: CLOSE_CODES.replaced, reason: 'replaced' })
    expect(newer.closed).toBeUndefined()
    await (await net.signedIn(bob)).deliver(sendTo(alice))
    await until(() => newer.rows.length === 1)
    expect(older.rows).toHaveLength(0)
    older.handlers.onClose()
    await (await net.signedIn(bob)).deliver(sendTo(alice))
    await until(() => newer.rows.length === 2, 'a row after the older socket reported its end')
  })

  test('frames that come while a hello is checked are answered after it, in order', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const socket = net.socket()
    const proof = alice.device.socketProof(await socket.challenge(), alice.accessToken)
    const hello = socket.send('hello', encodeValue({ versions: [1], login: { accessToken: alice.accessToken, proof } }))
    const send = socket.send('send', encodeSend(sendTo(bob)))
    expect((await socket.answer(send)).kind).toBe('sent')
    expect(socket.frames.findIndex(({ id }) => id === hello)).toBeLessThan(socket.frames.findIndex(({ id }) => id === send))
  })
})

describe('socket: mailbox', () => {
  test('sends are answered with the server’s time and delivered with the sender’s name, in order', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    await turns()
    const sends = Array.from({ length: 30 }, () => ({ ...sendTo(bob), body: envelope(40) }))
    const ids = sends.map((send) => a.send('send', encodeSend(send)))
    for (const id of ids) expect(decodeCounter((await a.answer(id)).body)).toBe(net.clock.now())
    await until(() => b.rows.length === 30)
    expect(b.rows.map((row) => [row.sender, row.time, row.envelope, row.body])).toEqual(
      sends.map(({ recipients, body }) => [{ accountId: alice.accountId, deviceId: 1 }, net.clock.now(), recipients[0]!.envelope, body]),
    )
    const deliveries = b.frames.filter(({ kind }) => kind === 'deliver')
    expect(deliveries.length).toBeLessThan(30)
    expect(deliveries.map(({ id }) => id)).toEqual(deliveries.map((_, i) => i + 1))
  })

  test('unacknowledged rows come again; a cursor and an acknowledgement end that', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const a = await net.signedIn(alice)
    for (let i = 0; i < 6; i++) expect(await a.deliver(sendTo(bob))).toBe('sent')
    const first = await net.signedIn(bob)
    await until(() => first.rows.length === 6)
    const second = await net.signedIn(bob)
    await until(() => second.rows.length === 6, 'the same rows again')
    second.acknowledge(second.rows[1]!.sequence)
    const third = await net.signedIn(bob, second.rows[3]!.sequence)
    await until(() => third.rows.length === 2)
    await turns()
    expect(third.rows.map(({ sequence }) => sequence)).toEqual(second.rows.slice(4).map(({ sequence }) => sequence))
    const fourth = await net.signedIn(bob)
    await until(() => fourth.rows.length === 2, 'what the cursor acknowledged is gone')
  })

  test('a repeated send is answered with the first time and delivered once', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    const send = encodeSend(sendTo(bob))
    const first = decodeCounter((await a.answer(a.send('send', send))).body)
    await net.clock.advance(5_000)
    const again = decodeCounter((await a.answer(a.send('send', send))).body)
    expect(again).toBe(first)
    await turns()
    expect(b.rows).toHaveLength(1)
  })

  test('refusals are typed and store nothing for anybody', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    const good = sendTo(bob)
    const [to] = good.recipients
    expect(await a.deliver({ ...good, recipients: [to!, { ...to!, accountId: newId() }] })).toBe('mailbox/unknown-recipient')
    expect(await a.deliver({ ...good, recipients: [to!, { ...to!, manifestVersion: 0 }] })).toBe('devices/stale-manifest')
    expect(await a.deliver({ ...good, recipients: [to!, { ...to!, envelope: new Uint8Array(0) }] })).toBe('protocol/malformed')
    expect(await a.deliver({ ...good, recipients: [to!, { ...to!, envelope: new Uint8Array(50) }] })).toBe('protocol/malformed')
    const tooLarge = encodeSend({ ...good, recipients: [{ ...to!, envelope: envelope(LIMITS.envelopeBytes + 1) }] })
    const id = a.send('send', tooLarge)
    expect(a.errors.at(-1)).toEqual({ id, code: 'protocol/too-large' })
    await turns()
    expect(b.rows).toHaveLength(0)
    expect(await a.deliver(good)).toBe('sent')
  })

  test('an acknowledgement of rows that were not delivered is refused and deletes nothing', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const b = await net.signedIn(bob)
    const id = b.acknowledge(1_000)
    expect(b.errors).toEqual([{ id, code: 'protocol/out-of-order' }])
    await (await net.signedIn(alice)).deliver(sendTo(bob))
    await until(() => b.rows.length === 1)
  })

  test('at most a window of rows is under way; acknowledging moves it', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const a = await net.signedIn(alice)
    const total = LIMITS.deliveryWindow + 516
    const b = await net.signedIn(bob)
    await turns()
    for (let i = 0; i < total; i += 20) await a.deliver({ ...sendTo(...Array.from({ length: 20 }, () => bob)) })
    await turns()
    expect(b.rows.length).toBeLessThanOrEqual(LIMITS.deliveryWindow + LIMITS.deliveryBatch)
    expect(b.rows.length).toBeGreaterThanOrEqual(LIMITS.deliveryWindow)
    let last = 0
    while (b.rows.length < total) {
      expect(b.rows.length).toBeGreaterThan(last)
      last = b.rows.length
      b.acknowledge(b.rows.at(-1)!.sequence)
      await turns()
    }
    const sequences = b.rows.map(({ sequence }) => sequence)
    expect(sequences).toEqual([...new Set(sequences)].sort((x, y) => x - y))
    expect(sequences).toHaveLength(total)
  })

  test('a slow reader is given nothing more until it has read, and loses nothing', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    await turns()
    b.bufferedBytes = 2 * 1024 * 1024
    for (let i = 0; i < 10; i++) await a.deliver(sendTo(bob))
    await turns()
    expect(b.rows).toHaveLength(0)
    b.bufferedBytes = 0
    await net.clock.advance(200)
    await until(() => b.rows.length === 10)
  })

  test('a client that never reads its answers is closed', async () => {
    const net = harness()
    const alice = await net.user('+14155550100')
    const socket = await net.signedIn(alice)
    socket.bufferedBytes = 17 * 1024 * 1024
    socket.send('ping')
    await until(() => socket.closed)
    expect(socket.closed?.code).toBe(CLOSE_CODES.slow)
  })

  test('a lost wake-up costs latency only: the next heartbeat finds the row', async () => {
    const deaf = { publish() {}, subscribe: () => () => {} }
    const net = harness({ bus: deaf })
    const bob = await net.user('+14155550101')
    const b = await net.signedIn(bob)
    await turns()
    // Stored by "another node": HTTP on a second server over nothing but the store would need its bus; here the offer is missed by a slow moment.
    b.bufferedBytes = 2 * 1024 * 1024
    const alice = await net.user('+14155550100')
    await (await net.signedIn(alice)).deliver(sendTo(bob))
    b.bufferedBytes = 0
    await turns()
    expect(b.rows).toHaveLength(0)
    b.send('ping')
    await until(() => b.rows.length === 1)
  })
})

describe('socket: life and end', () => {
  test('pings are answered with their id; silence is asked, then ended', async () => {
    const net = harness()
    const socket = await net.signedIn(await net.user('+14155550100'))
    const id = socket.send('ping')
    expect((await socket.answer(id)).kind).toBe('pong')
    await net.clock.advance(2 * LIMITS.heartbeatSeconds * 1000)
    expect(socket.frames.at(-1)?.kind).toBe('ping')
    socket.send('pong')
    await net.clock.advance(3 * LIMITS.heartbeatSeconds * 1000)
    expect(socket.closed).toBeUndefined()
    await net.clock.advance(2 * LIMITS.heartbeatSeconds * 1000)
    expect(socket.closed?.code).toBe(CLOSE_CODES.timeout)
    expect(net.server.stats().connections).toBe(0)
  })

  test('logout and erasure end the socket at once', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    expect((await a.call('account.delete', { accountId: bob.accountId })).ok).toBe(false)
    expect(b.closed).toBeUndefined()
    const id = a.send('request', encodeValue(['auth.logout', {}]))
    await until(() => a.closed)
    expect(a.closed?.code).toBe(CLOSE_CODES.revoked)
    expect(a.events).toContainEqual({ type: 'revoked' })
    expect(id).toBeGreaterThan(0)
    expect((await net.socket().hello({ user: alice })).code).toBe('auth/revoked')
    // The answer first, then the news, then the end: or whoever erased an account would not know that it is gone.
    const erasure = b.send('request', encodeValue(['account.delete', { accountId: bob.accountId }]))
    await until(() => b.closed)
    expect(b.frames.slice(-2).map(({ kind, id: answered }) => [kind, answered])).toEqual([
      ['response', erasure],
      ['event', 0],
    ])
    expect((await net.socket().hello({ user: bob })).code).toBe('auth/revoked')
  })

  test('an ended session whose message was lost is found at the next heartbeat', async () => {
    const deaf = { publish() {}, subscribe: () => () => {} }
    const net = harness({ bus: deaf })
    const alice = await net.user('+14155550100')
    const socket = await net.signedIn(alice)
    expect((await net.http('auth.logout', {}, { user: alice })).status).toBe(200)
    expect(socket.closed).toBeUndefined()
    socket.send('ping')
    await until(() => socket.closed)
    expect(socket.closed?.code).toBe(CLOSE_CODES.revoked)
  })

  test('draining: told, calls in progress finish, new ones are refused, then all sockets close', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    const a = await net.signedIn(alice)
    const pending = a.send('send', encodeSend(sendTo(bob)))
    const closing = net.server.close()
    const late = a.send('send', encodeSend(sendTo(bob)))
    await closing
    expect(a.events).toContainEqual({ type: 'draining' })
    expect(a.frames.find(({ id }) => id === pending)?.kind).toBe('sent')
    expect(a.errors).toContainEqual({ id: late, code: 'server/draining' })
    expect(a.closed?.code).toBe(CLOSE_CODES.draining)
    expect(net.socket().closed?.code).toBe(CLOSE_CODES.draining)
    expect((await net.http('server.capabilities', {})).body.error.code).toBe('server/draining')
    await net.server.close()
  })

  test('a store that cannot be reached refuses sockets with a typed error, and serves when it is back', async () => {
    const { memoryStore } = await import('@securechat/server')
    const store = memoryStore()
    let broken = true
    const net = harness({
      store: {
        ...store,
        keepOnce: async (name, value) => {
          if (broken) throw new Error('disk')
          return store.keepOnce(name, value)
        },
      },
    })
    const socket = net.socket()
    await until(() => socket.closed)
    expect(socket.closed?.code).toBe(CLOSE_CODES.unavailable)
    expect(socket.errors).toEqual([{ id: 0, code: 'server/unavailable' }])
    broken = false
    expect((await net.socket().hello()).welcome).toBeDefined()
  })
})

describe('socket: bad input', () => {
  test('every kind of malformed frame gets a typed error; the connection lives on where it is safe', async () => {
    const net = harness()
    const socket = await net.signedIn(await net.user('+14155550100'))
    const malformed: [string, Uint8Array, number, string][] = [
      ['too short', Uint8Array.of(1, 0x10, 0), 0, 'protocol/malformed'],
      ['an unknown kind', Uint8Array.of(1, 0x7f, 0, 0, 0, 9), 9, 'protocol/malformed'],
      ['a server’s frame', encodeFrame('welcome', 10), 10, 'protocol/out-of-order'],
      ['a challenge', encodeFrame('challenge', 11), 11, 'protocol/out-of-order'],
      ['an empty send', encodeFrame('send', 12), 12, 'protocol/malformed'],
      ['a send of a newer layout', encodeFrame('send', 13, new Uint8Array(60).fill(2)), 13, 'protocol/unsupported-version'],
      ['a short acknowledgement', encodeFrame('acknowledge', 14, new Uint8Array(7)), 14, 'protocol/malformed'],
      ['an acknowledgement beyond 2^53', encodeFrame('acknowledge', 15, new Uint8Array(8).fill(255)), 15, 'protocol/malformed'],
      ['a request that is no array', encodeFrame('request', 16, encodeValue({})), 16, 'protocol/malformed'],
      ['a request with surplus bytes', encodeFrame('request', 17, Uint8Array.of(0x90, 0x90)), 17, 'protocol/malformed'],
      ['an unknown operation', encodeFrame('request', 18, encodeValue(['toString', {}])), 18, 'protocol/unknown-operation'],
      [
        'a prototype key',
        encodeFrame('request', 19, Uint8Array.of(0x92, 0xa1, 0x61, 0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x01)),
        19,
        'protocol/malformed',
      ],
      ['a wrong input', encodeFrame('request', 20, encodeValue(['account.profile', { accountId: 7 }])), 20, 'request/invalid'],
      ['a hello of nonsense', encodeFrame('hello', 21, encodeValue({ versions: 'all' })), 21, 'protocol/malformed'],
    ]
    for (const [what, bytes, id, code] of malformed) {
      const before = socket.errors.length
      socket.raw(bytes)
      await until(() => socket.errors.length > before, what)
      expect(socket.errors.at(-1), what).toEqual({ id, code })
      expect(socket.closed, what).toBeUndefined()
    }
    expect((await socket.call('server.capabilities', {})).ok).toBe(true)
  })

  test('another frame version and an oversized frame end the connection, said why', async () => {
    const net = harness()
    const cases: [Uint8Array, string, number][] = [
      [Uint8Array.of(2, FRAME_KINDS.ping, 0, 0, 0, 1), 'protocol/unsupported-version', CLOSE_CODES.protocol],
      [new Uint8Array(LIMITS.frameBytes + 1), 'protocol/too-large', CLOSE_CODES.tooLarge],
    ]
    for (const [bytes, code, closeCode] of cases) {
      const socket = net.socket()
      await socket.hello()
      socket.raw(bytes)
      expect(socket.errors.at(-1)).toEqual({ id: 0, code })
      expect(socket.closed?.code).toBe(closeCode)
    }
  })

  test('a socket that sends nothing but nonsense is closed after 100 frames', async () => {
    const net = harness()
    const socket = net.socket()
    await socket.hello()
    for (let i = 0; i < 200; i++) socket.raw(Uint8Array.of(1, 0x7f, 0, 0, 0, 1))
    expect(socket.closed?.code).toBe(CLOSE_CODES.protocol)
    expect(socket.errors.length).toBeLessThanOrEqual(101)
  })

  test('fuzz: 6,000 mutated frames; the process lives, every error is typed, another socket is served', async () => {
    const net = harness()
    const [alice, bob] = [await net.user('+14155550100'), await net.user('+14155550101')]
    let state = 42
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const seeds = [
      encodeFrame('send', 5, encodeSend(sendTo(bob))),
      encodeFrame('request', 6, encodeValue(['prekeys.fetch', { accountId: bob.accountId, deviceIds: [1] }])),
      encodeFrame('acknowledge', 7, new Uint8Array(8)),
      encodeFrame('hello', 8, encodeValue({ versions: [1], client: 'x', cursor: 3 })),
      encodeFrame('request', 9, encodeValue(['auth.refresh', { refreshToken: 'x'.repeat(43), time: 1, nonce: new Uint8Array(16), proof: new Uint8Array(64) }])),
    ]
    let socket = net.socket()
    await socket.hello()
    let codes = 0
    for (let i = 0; i < 6_000; i++) {
      const frame = seeds[random(seeds.length)]!.slice(0)
      for (let n = 1 + random(4); n > 0; n--) frame[random(frame.length)] = random(256)
      socket.raw(random(5) === 0 ? frame.subarray(0, random(frame.length + 1)) : frame)
      if (socket.closed) {
        codes += socket.errors.length
        socket = net.socket()
        await socket.hello()
      }
      if (i % 1_000 === 0) await turns(1)
    }
    await turns()
    expect(codes).toBeGreaterThan(2_000)
    expect(net.logs.filter(({ event }) => event === 'unexpected-error')).toEqual([])
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    await a.deliver(sendTo(bob))
    await until(() => b.rows.length === 1)
  })
})
