import type { AccountId, DeviceId, Logger } from '@securechat/protocol'
import { silentLogger, toBase64Url } from '@securechat/protocol'
import type { BusMessage } from '@securechat/server'
import { busSuite } from '@securechat/server/conformance'
import { REDIS_SERVER, type RedisServer, startRedis } from '@securechat/test-servers'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisBus, redisBus, redisNonces, redisRateLimiter } from '../src/redis/index.js'

if (!REDIS_SERVER && process.env['CI']) throw new Error('Redis is missing: apt-get install redis-server')

describe.skipIf(!REDIS_SERVER)('redis (needs: apt-get install redis-server)', () => {
  let server: RedisServer
  let channels = 0
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const until = async (what: () => boolean): Promise<void> => {
    for (let i = 0; i < 2_000; i++) {
      if (what()) return
      await new Promise((done) => setTimeout(done, 5))
    }
    throw new Error('it did not come to pass')
  }
  const connected = async (): Promise<Redis> => {
    const client = server.client()
    await until(() => client.status === 'ready')
    return client
  }
  const message = (sequence: number): BusMessage => ({
    type: 'mailbox',
    accountId: toBase64Url(new Uint8Array(16).fill(sequence % 251)) as AccountId,
    deviceId: 1 as DeviceId,
    sequence,
  })

  /** Two nodes; `settle`: what they have published has arrived, since a message that each refuses, sent after it on the same connection, has too. */
  const twoNodes = async (channel = `bus-${channels++}`) => {
    const refused = [0, 0]
    const loggerOf = (i: number): Logger => ({ ...silentLogger, warn: (event) => void (event === 'bus-message-refused' && refused[i]!++) })
    const clients = [await connected(), await connected()]
    const buses = clients.map((client, i) => redisBus({ client, channel, logger: loggerOf(i) })) as [RedisBus, RedisBus]
    await Promise.all(buses.map((bus) => bus.ready()))
    return {
      clients,
      buses,
      async settle() {
        await new Promise((done) => setImmediate(() => setImmediate(done)))
        const before = [...refused]
        for (const client of clients) await client.call('PUBLISH', channel, 'no batch')
        await until(() => refused.every((count, i) => count >= before[i]! + 2))
      },
      async close() {
        for (const bus of buses) await bus.close()
        for (const client of clients) client.disconnect()
      },
    }
  }

  describe('bus: conformance', () => {
    for (const { name, run } of busSuite) {
      it(name, async () => {
        let settle = async (): Promise<void> => {}
        await run({
          open: async () => {
            const nodes = await twoNodes()
            settle = nodes.settle
            return { a: nodes.buses[0], b: nodes.buses[1], close: nodes.close }
          },
          settle: () => settle(),
        })
      })
    }
  })

  describe('bus', () => {
    it('one turn of the event loop is one publish, whatever was told in it', async () => {
      const { clients, buses, settle, close } = await twoNodes()
      const heard: BusMessage[] = []
      buses[1].subscribe((one) => heard.push(one))
      let publishes = 0
      const call = clients[0]!.call.bind(clients[0]) as Redis['call']
      clients[0]!.call = ((...args: Parameters<Redis['call']>) => {
        if (args[0] === 'PUBLISH') publishes++
        return call(...args)
      }) as Redis['call']
      for (let i = 1; i <= 500; i++) buses[0].publish(message(i))
      await settle()
      expect(heard).toHaveLength(500)
      // One of them is the mark that `settle` sends.
      expect(publishes).toBe(2)
      await close()
    })

    it('channels are separate, and what is no batch disturbs nobody', async () => {
      const [one, other] = [await twoNodes(), await twoNodes()]
      const heard: BusMessage[] = []
      other.buses[0].subscribe((each) => heard.push(each))
      one.buses[0].publish(message(1))
      await one.settle()
      await other.settle()
      expect(heard).toEqual([])
      await one.close()
      await other.close()
    })

    const labels = (buses: readonly RedisBus[]): [string[], string[]] => {
      const heard: [string[], string[]] = [[], []]
      for (const [i, bus] of buses.entries()) bus.subscribe((one) => void heard[i]!.push(one.type === 'mailbox' ? `row ${one.sequence}` : one.type))
      return heard
    }

    it('without Redis a node hears itself at once; when it is back all are told that they may have missed something', async () => {
      const { clients, buses, settle, close } = await twoNodes()
      const heard = labels(buses)
      await server.kill()
      await until(() => clients.every(({ status }) => status !== 'ready'))
      buses[0].publish(message(1))
      expect(heard).toEqual([['row 1'], []])
      await new Promise((done) => setImmediate(done))
      await server.restart()
      await until(() => clients.every(({ status }) => status === 'ready') && heard.every((own) => own.includes('missed')))
      buses[0].publish(message(2))
      await settle()
      for (const own of heard) expect(own.at(-1)).toBe('row 2')
      expect(heard[1]).not.toContain('row 1')
      await close()
    })

    it('what could not be published is made good by telling the others to look', async () => {
      const { clients, buses, close } = await twoNodes()
      const heard = labels(buses)
      clients[0]!.disconnect(true)
      await until(() => clients[0]!.status !== 'ready')
      buses[0].publish(message(1))
      await until(() => heard[1].length > 0)
      expect(heard).toEqual([['row 1'], ['missed']])
      await close()
    })
  })

  describe('nonces', () => {
    it('of 100 parallel claims through two nodes one is the first; another key and the time after are free', async () => {
      const clients = [await connected(), await connected()]
      const nonces = clients.map((client) => redisNonces({ client }))
      const claims = await Promise.all(Array.from({ length: 100 }, (_, i) => nonces[i % 2]!.claim('session.nonce', 130)))
      expect(claims.filter(Boolean)).toHaveLength(1)
      expect(await nonces[0]!.claim('session.other', 130)).toBe(true)
      expect(await clients[0]!.ttl('securechat:nonce:session.nonce')).toBeGreaterThan(120)
      await clients[0]!.del('securechat:nonce:session.nonce')
      expect(await nonces[1]!.claim('session.nonce', 130)).toBe(true)
    })

    it('without Redis a claim rejects, so that the node relies on its own memory', async () => {
      const client = await connected()
      client.disconnect()
      await until(() => client.status !== 'ready')
      await expect(redisNonces({ client }).claim('a', 1)).rejects.toMatchObject({ code: 'server/unavailable' })
    })
  })

  describe('rate limiter', () => {
    const rule = { burst: 60, perSecond: 0 }

    it('two nodes share a bucket: of 200 parallel takes exactly the burst is given', async () => {
      const limiters = [redisRateLimiter({ client: await connected() }), redisRateLimiter({ client: await connected() })]
      const waits = await Promise.all(Array.from({ length: 200 }, (_, i) => limiters[i % 2]!.take('shared', rule)))
      expect(waits.filter((wait) => wait === 0)).toHaveLength(60)
      expect(waits.filter((wait) => wait === 3_600)).toHaveLength(140)
      expect(await limiters[0]!.take('another', rule)).toBe(0)
    })

    it('takes what a call costs or nothing, and says how long to wait', async () => {
      const client = await connected()
      const limiter = redisRateLimiter({ client })
      const slow = { burst: 10, perSecond: 0.01 }
      expect(await limiter.take('cost', slow, 8)).toBe(0)
      const wait = await limiter.take('cost', slow, 5)
      expect(wait).toBeGreaterThan(290)
      expect(wait).toBeLessThanOrEqual(300)
      expect(await limiter.take('cost', slow, 2)).toBe(0)
      expect(await client.pttl('securechat:limit:cost')).toBeGreaterThan(0)
    })

    it('a fast bucket is asked once for many calls, and never gives more than its burst to two nodes together', async () => {
      let now = 0
      const clock = { now: () => now, after: () => () => {} }
      const asked: number[] = []
      const limiterOf = (client: Redis) => redisRateLimiter({ client, clock })
      const clients = [await connected(), await connected()]
      const limiters = clients.map(limiterOf)
      const fast = { burst: 1_000, perSecond: 400 }
      let given = 0
      for (let i = 0; i < 200; i++) {
        const wait = limiters[i % 2]!.take('fast', fast)
        if (typeof wait !== 'number') asked.push(i)
        if ((await wait) === 0) given++
      }
      expect(given).toBe(200)
      // 40 ahead: a node's 100 calls are three questions.
      expect(asked).toHaveLength(6)
      // What was taken ahead and not spent is lost.
      now = 5_000
      expect(limiters[0]!.take('fast', fast)).toBeInstanceOf(Promise)
    })

    it('a refusal is believed for a moment without asking again', async () => {
      const limiter = redisRateLimiter({ client: await connected() })
      expect(await limiter.take('refused', { burst: 1, perSecond: 0 })).toBe(0)
      expect(await limiter.take('refused', { burst: 1, perSecond: 0 })).toBe(3_600)
      expect(limiter.take('refused', { burst: 1, perSecond: 0 })).toBe(3_600)
    })

    it('without Redis each node limits by itself', async () => {
      const client = await connected()
      const warnings: string[] = []
      const limiter = redisRateLimiter({ client, logger: { ...silentLogger, warn: (event) => void warnings.push(event) } })
      await server.kill()
      await until(() => client.status !== 'ready')
      const waits: number[] = []
      for (let i = 0; i < 100; i++) waits.push(await limiter.take('alone', rule))
      expect(waits.filter((wait) => wait === 0)).toHaveLength(60)
      expect(warnings).toEqual(['rate-limiter-alone'])
      await server.restart()
    })

    it('a Redis that does not answer holds up nobody', async () => {
      const client = await connected()
      const limiter = redisRateLimiter({ client })
      server.pause()
      try {
        expect(await limiter.take('paused', rule)).toBe(0)
        // Not asked again for a while.
        expect(limiter.take('paused', rule)).toBe(0)
      } finally {
        server.resume()
      }
    })
  })
})
