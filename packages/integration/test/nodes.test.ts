import { setTimeout as sleep } from 'node:timers/promises'
import { REDIS_SERVER } from '@securechat/test-servers'
import { seededRandom } from '@securechat/testing'
import type { Transport } from '@securechat/transport'
import { webSocketTransport } from '@securechat/transport/websocket'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, NEXT_VERSION, type Node, startCluster, THIS_VERSION } from '../src/nodes/cluster.js'
import { nextVersion } from '../src/nodes/next-client.js'
import { arrived, everyMessage, join, type Line, openLine, type Person, say, until } from '../src/nodes/people.js'

/** Blows against the cluster: each kind once in the test command, more with SECURECHAT_BLOWS (a seed makes the same ones again). */
const BLOWS = Number(process.env.SECURECHAT_BLOWS ?? 7)
const SEED = Number(process.env.SECURECHAT_SEED ?? 20261123)
const NODES = 3

let cluster: Cluster
const people: Person[] = []
let numbers = 0

async function person(name: string, transport?: Transport): Promise<Person> {
  const one = await join(cluster, { name, phone: `+1415555${String(numbers++).padStart(4, '0')}`, ...(transport && { transport }) })
  people.push(one)
  return one
}

/** Two chats in both directions, accepted on both sides, so that answers and receipts cross the nodes. */
async function lines(): Promise<Line[]> {
  const [alice, bob, carol, dave] = [await person('Alice'), await person('Bob'), await person('Carol'), await person('Dave')]
  return Promise.all([openLine(alice, bob), openLine(bob, alice), openLine(carol, dave), openLine(dave, carol), openLine(alice, dave)])
}

/** Everybody talks until `stop`. */
function talk(all: readonly Line[], random: () => number): { stop(): Promise<void> } {
  let talking = true
  const one = async (line: Line): Promise<void> => {
    while (talking) {
      await say(line)
      await sleep(10 + random() * 60)
    }
  }
  const ended = Promise.all(all.map(one))
  return {
    async stop() {
      talking = false
      await ended
    },
  }
}

/** Each line has come whole, in order, once; and whoever sent it knows that the server has it. */
async function expectWhole(all: readonly Line[]): Promise<void> {
  for (const { chat } of people) chat.connection.retryNow()
  for (const line of all) {
    const what = `the last message of ${line.from.name} to ${line.to.name}`
    await until(async () => (await arrived(line)).includes(line.texts.at(-1)!), { what })
  }
  for (const line of all) expect(await arrived(line)).toEqual(line.texts)
}

type Blow = (node: Node, hold: () => Promise<void>) => Promise<void>

const BLOW: Readonly<Record<string, Blow>> = {
  async killed(node, hold) {
    await node.kill()
    await hold()
    await node.start()
  },
  async drained(node, hold) {
    expect(await node.drain()).toBe(0)
    await hold()
    await node.start()
  },
  async paused(node, hold) {
    node.pause()
    await hold()
    node.resume()
  },
  async 'cut off from Redis'(node, hold) {
    node.redis.cut()
    await hold()
    node.redis.mend()
  },
  async 'cut off from PostgreSQL'(node, hold) {
    node.postgres.cut()
    await hold()
    node.postgres.mend('reset')
  },
  /** What a node had taken and the database had not is gone with it: nobody may have been told that it was stored. */
  async 'all cut off from PostgreSQL, then killed'(_, hold) {
    for (const { postgres } of cluster.nodes) postgres.cut()
    await hold()
    await Promise.all(cluster.nodes.map((node) => node.kill()))
    for (const { postgres } of cluster.nodes) postgres.mend('reset')
    await Promise.all(cluster.nodes.map((node) => node.start()))
  },
  async 'without Redis, as all are'(_, hold) {
    await cluster.redis.kill()
    await hold()
    await cluster.redis.restart()
  },
}

if (!REDIS_SERVER && process.env.CI) throw new Error('Redis is missing: apt-get install redis-server')

describe.skipIf(!REDIS_SERVER)(`${NODES} nodes behind a balancer without sticky sessions (needs: apt-get install redis-server)`, () => {
  beforeAll(async () => {
    cluster = await startCluster(NODES)
  })
  afterAll(async () => {
    await Promise.all(people.map(({ chat }) => chat.close()))
    await cluster?.close()
  })

  it(`lose and double nothing when they are killed, drained, paused and cut off, ${BLOWS} times`, { timeout: 120_000 + BLOWS * 10_000 }, async () => {
    const random = seededRandom(SEED)
    const all = await lines()
    const talking = talk(all, random.number)
    const struck = new Map<string, number>()
    const kinds = Object.keys(BLOW)
    for (let i = 0; i < BLOWS; i++) {
      const kind = kinds[i % kinds.length]!
      const node = cluster.nodes[Math.floor(random.number() * NODES)]!
      const before = all.reduce((sum, { texts }) => sum + texts.length, 0)
      await BLOW[kind]!(node, () => sleep(200 + random.number() * 1_000))
      await sleep(100 + random.number() * 400)
      struck.set(kind, (struck.get(kind) ?? 0) + 1)
      expect(all.reduce((sum, { texts }) => sum + texts.length, 0)).toBeGreaterThan(before)
    }
    await talking.stop()
    await expectWhole(all)
    const count = all.reduce((sum, { texts }) => sum + texts.length, 0)
    process.stdout.write(`nodes: ${count} messages, ${[...struck].map(([kind, times]) => `${times} ${kind}`).join(', ')}, seed ${SEED}\n`)
  })

  it('keep what was sent to a device that was away while every one of them was killed', async () => {
    const [alice, bob] = [await person('Alice'), await person('Bob')]
    const [line, back] = [await openLine(alice, bob), await openLine(bob, alice)]
    await say(line)
    await say(back)
    await expectWhole([line, back])
    await bob.chat.close()
    people.splice(people.indexOf(bob), 1)
    for (const node of cluster.nodes) {
      for (let i = 0; i < 10; i++) await say(line)
      await node.kill()
      for (let i = 0; i < 10; i++) await say(line)
      await node.start()
    }
    alice.chat.connection.retryNow()
    await until(async () => (await everyMessage(line.conversation)).every(({ mine, status }) => !mine || status !== 'queued'), {
      what: 'everything to be sent',
    })
    const again = await bob.reopen()
    people.push(again)
    await expectWhole([{ ...line, to: again }])
  })

  it('are replaced one by one by those of the next protocol version, and back, without a lost or doubled message', { timeout: 180_000 }, async () => {
    const transport = nextVersion(webSocketTransport({ url: cluster.url }))
    const [old, young] = [await person('Old'), await person('Young', transport)]
    const all = [await openLine(old, young), await openLine(young, old)]
    const versions = (node: Node): Promise<readonly number[]> =>
      fetch(`${node.process.url}/v1/capabilities`)
        .then((answer) => answer.json() as Promise<{ capabilities: { versions: number[] } }>)
        .then(({ capabilities }) => capabilities.versions)
    const talking = talk(all, seededRandom(SEED + 1).number)
    const replaceAll = async (env: Readonly<Record<string, string>>, expected: readonly number[]): Promise<void> => {
      for (const node of cluster.nodes) {
        expect(await node.drain()).toBe(0)
        await node.start(env)
        expect(await versions(node)).toEqual(expected)
        await sleep(300)
      }
      // Both have sockets, which are to nodes of the one kind now.
      const said = all.map(({ texts }) => texts.length)
      for (const { chat } of people) chat.connection.retryNow()
      await until(async () => (await Promise.all(all.map(arrived))).every((texts, i) => texts.length > said[i]!), { what: 'new messages in both directions' })
    }
    expect(transport.spoken.at(-1)).toBe(1)
    await replaceAll(NEXT_VERSION, [2, 1])
    expect(transport.spoken.at(-1)).toBe(2)
    await replaceAll(THIS_VERSION, [1])
    expect(transport.spoken.at(-1)).toBe(1)
    await talking.stop()
    await expectWhole(all)
  })
})
