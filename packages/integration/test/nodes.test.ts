import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@securechat/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, type Node, startCluster } from '../src/nodes/cluster.js'
import { arrived, join, type Line, openLine, type Person, say, until } from '../src/nodes/people.js'

/** Blows against the cluster: 12 in the test command, more with SECURECHAT_BLOWS (a seed makes the same ones again). */
const BLOWS = Number(process.env.SECURECHAT_BLOWS ?? 12)
const SEED = Number(process.env.SECURECHAT_SEED ?? 20261123)
const NODES = 3

let cluster: Cluster
const people: Person[] = []
let numbers = 0

async function person(name: string): Promise<Person> {
  const one = await join(cluster, { name, phone: `+1415555${String(numbers++).padStart(4, '0')}` })
  people.push(one)
  return one
}

beforeAll(async () => {
  cluster = await startCluster(NODES)
})
afterAll(async () => {
  await Promise.all(people.map(({ chat }) => chat.close()))
  await cluster?.close()
})

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
  async 'without Redis, as all are'(_, hold) {
    await cluster.redis.kill()
    await hold()
    await cluster.redis.restart()
  },
}

describe(`${NODES} nodes behind a balancer without sticky sessions`, () => {
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
})
