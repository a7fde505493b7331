import { randomBytes } from 'node:crypto'
import { LIMITS, OPERATIONS } from '@securechat/protocol'
import { CLOSE_CODES } from '@securechat/server'
import { envelope, fakeClock, harness, newId, operationNames, sendTo } from '@securechat/server-testing'
import { describe, expect, test } from 'vitest'
import { createNonceCache } from '../src/auth/nonce-cache.js'

const PHONE = '+14155550100'

describe('what strangers can make the server hold', () => {
  const countingBody = () => {
    const seen = { bytes: 0 }
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          seen.bytes += 16 * 1024
          controller.enqueue(new Uint8Array(16 * 1024))
        },
      },
      { highWaterMark: 0 },
    )
    return { seen, body }
  }
  const flood = async (net: ReturnType<typeof harness>, name: string, headers: Record<string, string>) => {
    const { seen, body } = countingBody()
    const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'application/json', ...headers } }
    const response = await net.server.fetch(new Request(`http://host/v1/${name}`, init as RequestInit))
    const { error } = (await response.json()) as { error: { code: string } }
    return { bytes: seen.bytes, code: error.code }
  }

  test('a body is read only of whom the headers make known; what anybody may send is small', async () => {
    const net = harness()
    const { accessToken } = await net.user(PHONE)
    const junk = { authorization: `SecureChat ${'x'.repeat(64)}`, 'sc-proof': Buffer.alloc(88).toString('base64url') }
    const noProof = { authorization: `SecureChat ${accessToken}` }
    for (const name of operationNames) {
      const { auth } = OPERATIONS[name]
      if (auth === 'none') {
        const { bytes, code } = await flood(net, name, {})
        expect(code, name).toBe('protocol/too-large')
        expect(bytes, name).toBeLessThanOrEqual(2 * LIMITS.smallInputBytes + 16 * 1024)
      } else if (auth === 'registration') {
        expect(await flood(net, name, {}), name).toEqual({ bytes: 0, code: 'auth/required' })
        expect(await flood(net, name, { authorization: `SecureChat-Registration ${'x'.repeat(43)}` }), name).toEqual({ bytes: 0, code: 'auth/code-expired' })
      } else {
        expect(await flood(net, name, {}), name).toEqual({ bytes: 0, code: 'auth/required' })
        expect(await flood(net, name, junk), name).toEqual({ bytes: 0, code: 'auth/invalid-token' })
        expect(await flood(net, name, noProof), name).toEqual({ bytes: 0, code: 'auth/invalid-proof' })
      }
    }
  })

  test('over a socket, too, an operation for anybody holds no large frame', async () => {
    const net = harness({ otp: { send: () => new Promise(() => {}) } })
    const socket = net.socket()
    await socket.hello()
    expect(await socket.call('auth.requestCode', { phone: PHONE, padding: new Uint8Array(64 * 1024) })).toMatchObject({ ok: false, code: 'protocol/too-large' })
    expect((await socket.call('server.capabilities', {})).ok).toBe(true)
  })

  test('a body without a content type, which pages of other origins can post unasked, is refused', async () => {
    const net = harness()
    const response = await net.server.fetch(
      new Request('http://host/v1/auth.requestCode', { method: 'POST', body: new TextEncoder().encode(JSON.stringify({ phone: PHONE })) }),
    )
    expect(await response.json()).toMatchObject({ error: { code: 'protocol/malformed', detail: 'content type' } })
    expect(net.codes.size).toBe(0)
    expect((await net.server.fetch(new Request('http://host/v1/server.capabilities', { method: 'POST' }))).status).toBe(200)
  })

  test('at the limit of connections the oldest socket that never signed in makes room; a device is never put out', async () => {
    const net = harness({ config: { maxConnections: 3 } })
    const alice = await net.signedIn(await net.user(PHONE))
    const idle = [net.socket(), net.socket()]
    const bob = await net.signedIn(await net.user('+14155550101'))
    expect(idle.map(({ closed }) => closed?.code)).toEqual([CLOSE_CODES.unavailable, undefined])
    const carol = await net.signedIn(await net.user('+14155550102'))
    expect(idle[1]?.closed?.code).toBe(CLOSE_CODES.unavailable)
    expect(net.socket().closed?.code).toBe(CLOSE_CODES.unavailable)
    expect([alice, bob, carol].map(({ closed }) => closed)).toEqual([undefined, undefined, undefined])
    expect(net.server.stats().connections).toBe(3)
  })
})

describe('what one account can use up', () => {
  test('a send costs its mailboxes and its bytes, not one: few calls cannot fill a mailbox', async () => {
    const net = harness({ config: { limits: { send: { burst: 5_000, perSecond: 1 } } } })
    const [mallory, bob] = [await net.user('+14155550109'), await net.user(PHONE)]
    const socket = await net.signedIn(mallory)
    const [to] = sendTo(bob).recipients
    const many = (n: number, length = 1) => ({ sendId: newId<never>(), recipients: Array.from({ length: n }, () => ({ ...to!, envelope: envelope(length) })) })
    expect(await socket.deliver(many(2_000))).toBe('sent')
    expect((await net.http('mailbox.send', many(2_000), { user: mallory })).status).toBe(200)
    expect(await socket.deliver(many(2_000))).toBe('request/rate-limited')
    expect((await net.http('mailbox.send', many(2_000), { user: mallory })).body.error.code).toBe('request/rate-limited')
    // The one that the refused call was charged for is gone too; what is left takes small messages.
    expect(await socket.deliver(many(900))).toBe('sent')
    expect(await socket.deliver(many(4, LIMITS.envelopeBytes - 1))).toBe('request/rate-limited')
    expect(await socket.deliver(sendTo(bob))).toBe('sent')
  })

  test('one number, asked for again and again, does not use up what its neighbours may ask for', async () => {
    const net = harness({ config: { limits: { codePrefix: { burst: 3, perSecond: 0 }, codeRegion: { burst: 4, perSecond: 0 } } } })
    const ask = async (phone: string) => (await net.http('auth.requestCode', { phone })).body.error?.code ?? 'sent'
    expect(await ask(PHONE)).toBe('sent')
    for (let i = 0; i < 20; i++) expect(await ask(PHONE)).toBe('request/rate-limited')
    expect([await ask('+14155550101'), await ask('+14155550102'), await ask('+14155550103')]).toEqual(['sent', 'sent', 'request/rate-limited'])
    expect([await ask('+14166660101'), await ask('+14166660102')]).toEqual(['sent', 'request/rate-limited'])
    expect(net.codes.size).toBe(4)
  })

  test('a send above the whole budget goes when the budget is full', async () => {
    const net = harness({ config: { limits: { send: { burst: 2, perSecond: 1 } } } })
    const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
    const socket = await net.signedIn(alice)
    expect(await socket.deliver(sendTo(bob, bob, bob))).toBe('sent')
    expect(await socket.deliver(sendTo(bob))).toBe('request/rate-limited')
    await net.clock.advance(2_000)
    expect(await socket.deliver(sendTo(bob, bob, bob))).toBe('sent')
  })

  test('one session’s signed calls leave room for the nonces of others, and come back with the next window', async () => {
    const clock = fakeClock()
    const nonces = createNonceCache({ clock, maxNonces: 100, maxPerSession: 10 })
    const use = (session: string) => {
      try {
        nonces.use(session, randomBytes(16).toString('base64url'))
        return 'used'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(Array.from({ length: 50 }, () => use('mallory')).filter((outcome) => outcome === 'used')).toHaveLength(10)
    expect([use('mallory'), use('alice')]).toEqual(['request/rate-limited', 'used'])
    await clock.advance(2 * LIMITS.proofSkewSeconds * 1000)
    expect(use('mallory')).toBe('used')
  })
})
