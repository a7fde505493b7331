import { encodeValue } from '@securechat/protocol'
import { type Bus, type BusMessage, memoryStore, type ServerStore, type SharedNonces } from '@securechat/server'
import { harness, sendTo, turns, until } from '@securechat/server-testing'
import { expect, test } from 'vitest'

/** A store as several nodes see it: others may have written. */
const shared = (): ServerStore => ({ ...memoryStore(), exclusive: false })

/** A bus on which nothing arrives but what the test says. */
function deafBus(): Bus & { tell(message: BusMessage): void } {
  const listeners = new Set<(message: BusMessage) => void>()
  return {
    publish() {},
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(message) {
      for (const listener of listeners) listener(message)
    },
  }
}

test('a signed call that was made at one node is refused at another', async () => {
  const seen = new Set<string>()
  const nonces: SharedNonces = { claim: async (key) => !seen.has(key) && seen.add(key).has(key) }
  const store = shared()
  const [one, two] = [harness({ store, nonces }), harness({ store, nonces })]
  const alice = await one.user('+14155550100')
  const body = new Uint8Array(encodeValue({}))
  const proof = alice.device.requestProof('prekeys.count', body, { accessToken: alice.accessToken, time: one.clock.now() })
  const call = (node: typeof one) => node.http('prekeys.count', {}, { body, headers: { authorization: `SecureChat ${alice.accessToken}`, 'sc-proof': proof } })
  expect((await call(one)).status).toBe(200)
  expect((await call(two)).body.error).toMatchObject({ code: 'auth/invalid-proof', detail: 'nonce' })
  expect((await call(one)).body.error).toMatchObject({ code: 'auth/invalid-proof' })
})

test('where the shared nonces cannot be asked, a node relies on its own memory and says so', async () => {
  const nonces: SharedNonces = { claim: () => Promise.reject(new Error('away')) }
  const node = harness({ nonces })
  const alice = await node.user('+14155550100')
  const body = new Uint8Array(encodeValue({}))
  const proof = alice.device.requestProof('prekeys.count', body, { accessToken: alice.accessToken, time: node.clock.now() })
  const call = () => node.http('prekeys.count', {}, { body, headers: { authorization: `SecureChat ${alice.accessToken}`, 'sc-proof': proof } })
  expect((await call()).status).toBe(200)
  expect((await call()).body.error).toMatchObject({ code: 'auth/invalid-proof' })
  expect(node.logs.some(({ event }) => event === 'nonces-alone')).toBe(true)
})

test('wake-ups that were lost are made good when the bus says that something was missed: rows arrive, ended sessions close', async () => {
  const bus = deafBus()
  const node = harness({ store: shared(), bus })
  const [alice, bob] = [await node.user('+14155550100'), await node.user('+14155550101')]
  const [a, b] = [await node.signedIn(alice), await node.signedIn(bob)]
  expect(await a.deliver(sendTo(bob))).toBe('sent')
  await turns(20)
  expect(b.rows).toHaveLength(0)
  bus.tell({ type: 'missed' })
  await until(() => b.rows.length === 1, 'the row')
  expect((await node.http('auth.logout', {}, { user: bob })).status).toBe(200)
  await turns(20)
  expect(b.closed).toBeUndefined()
  bus.tell({ type: 'missed' })
  await until(() => b.closed, 'the end of the socket')
  expect(a.closed).toBeUndefined()
})

test('with consecutive numbers rows of this node are delivered without a look at the store, and rows of another node before them are not passed over', async () => {
  let reads = 0
  const memory = memoryStore()
  const store: ServerStore = {
    ...memory,
    exclusive: false,
    consecutive: true,
    readMailbox: (query) => {
      reads++
      return memory.readMailbox(query)
    },
  }
  const node = harness({ store })
  const [alice, bob] = [await node.user('+14155550100'), await node.user('+14155550101')]
  const [a, b] = [await node.signedIn(alice), await node.signedIn(bob)]
  await turns(20)
  const before = reads
  for (let i = 0; i < 20; i++) expect(await a.deliver(sendTo(bob))).toBe('sent')
  await until(() => b.rows.length === 20, 'the rows')
  expect(reads).toBe(before)
  // As another node stores it, which this one does not hear of.
  const { recipients, sendId } = sendTo(bob)
  const sender = { accountId: alice.accountId, deviceId: alice.device.deviceId }
  await memory.append({ sender, sendId, time: 1, recipients, maxRows: 1_000 })
  expect(await a.deliver(sendTo(bob))).toBe('sent')
  await until(() => b.rows.length === 22, 'both rows')
  expect(b.rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
})
