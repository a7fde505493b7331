import { createRetryRequest, envelopeHash } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { ENVELOPE_KINDS } from '@securechat/protocol'
import { memoryStorage } from '@securechat/storage'
import { createCrashPoints, type Malicious, readStored, seededRandom, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import {
  accountOf,
  closeNetworks,
  expectUnchanged,
  FIRST_DEVICE,
  type Friends,
  friends,
  listenTo,
  messagesOf,
  received,
  sent,
  stateOf,
} from '../../src/attack-scene.js'

closeNetworks()

const HOUR = 3_600_000
const provider = await sodiumProvider()
const kindOf = (envelope: Uint8Array): number => envelope[2]!

/** Ends the client, deletes rows of its store and starts it again. */
async function lose(net: TestNetwork, client: TestClient, prefix: string): Promise<TestClient> {
  await net.drive(client.close())
  const storage = memoryStorage({ disk: client.disk })
  const rows = await storage.list(prefix)
  expect(rows.length).toBeGreaterThan(0)
  await storage.commit(rows.map(({ key }) => ({ delete: key })))
  await storage.close()
  return client.restart()
}

const sendsOf = (server: Malicious, client: string) => server.sends.flatMap((send) => (send.client === client ? [...send.frame.recipients] : []))
const requestsOf = (server: Malicious, client: string): Uint8Array[] => [
  // A repetition of a send is the same request.
  ...new Map(
    sendsOf(server, client)
      .filter(({ envelope }) => kindOf(envelope) === ENVELOPE_KINDS.retryRequest)
      .map(({ envelope }) => [Buffer.from(envelope).toString('hex'), envelope]),
  ).values(),
]
const handshakesOf = (server: Malicious, client: string): number =>
  new Set(
    sendsOf(server, client)
      .filter(({ envelope }) => kindOf(envelope) === ENVELOPE_KINDS.preKeyMessage)
      // EK of the handshake.
      .map(({ envelope }) => Buffer.from(envelope.subarray(96, 128)).toString('hex')),
  ).size
const shown = async (client: TestClient): Promise<[string, string][]> => (await messagesOf(client)).map(({ kind, text }) => [kind, text])

describe('healing', () => {
  it('attack 27: a device that lost its sessions gets its messages, each once and in its place', async () => {
    const { net, alice, toBob, ...scene } = await friends()
    const bob = await lose(net, scene.bob, 'session/')
    const heard = listenTo(bob)
    const texts = ['one', 'two', 'three']
    for (const text of texts) await toBob.send(text)
    await net.settle()
    expect((await received(bob)).slice(-3)).toEqual(texts)
    expect((await shown(bob)).filter(([kind]) => kind !== 'text')).toEqual([])
    expect(heard.failures[0]).toBe('crypto/no-session')
    expect(heard.messages.filter((text) => text !== '')).toEqual(texts)
    expect(requestsOf(net.malicious, 'Bob')).toHaveLength(1)
    expect((await sent(alice)).slice(-3).map(([, status]) => status)).toEqual(['delivered', 'delivered', 'delivered'])
    await toBob.send('four')
    await ((await bob.conversations.get(toBob.id)) ?? scene.toAlice).send('five')
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('four')
    expect((await received(alice)).at(-1)).toBe('five')
    expect(requestsOf(net.malicious, 'Bob')).toHaveLength(1)
    expect(requestsOf(net.malicious, 'Alice')).toHaveLength(0)
  })

  it('attack 27: under loss, duplication and reordering too', async () => {
    for (const seed of [1, 2, 3]) {
      const { net, toBob, ...scene } = await friends({ seed })
      const bob = await lose(net, scene.bob, 'session/')
      net.faults.set({ drop: 0.1, duplicate: 0.2, reorder: 3 })
      const texts = Array.from({ length: 8 }, (_, i) => `message ${i}`)
      for (const text of texts) await toBob.send(text)
      await net.settle()
      net.faults.clear()
      await net.clock.jump(HOUR)
      await net.settle()
      // Each once; what overtook the request on its way may stand before what it overtook.
      expect((await received(bob)).slice(-8).sort(), `seed ${seed}`).toEqual(texts)
    }
  })

  it.each([
    ['bob', 4],
    ['bob', 11],
    ['bob', 19],
    ['alice', 9],
    ['alice', 17],
    ['alice', 31],
  ] as const)('attack 27: %s dies at step %i of it: each message comes once, and the sessions agree', async (who, dieAt) => {
    const { net, toBob, ...scene } = await friends({ seed: dieAt })
    let armed = false
    const crash = createCrashPoints({ dieAt, from: () => armed })
    const open = (client: TestClient, mortal: boolean) => net.client(client.name, { disk: client.disk, phone: client.phone, ...(mortal && { crash }) })
    await net.drive(scene.bob.close())
    const storage = memoryStorage({ disk: scene.bob.disk })
    await storage.commit((await storage.list('session/')).map(({ key }) => ({ delete: key })))
    await storage.close()
    await net.drive(scene.alice.close())
    let alice = await open(scene.alice, who === 'alice')
    const texts = ['one', 'two', 'three']
    const chat = (await alice.conversations.get(toBob.id))!
    for (const text of texts) await chat.send(text)
    let bob = await open(scene.bob, who === 'bob')
    armed = true
    await net.advance(15_000)
    crash.kill()
    if (who === 'alice') alice = await open(scene.alice, false)
    else bob = await open(scene.bob, false)
    await net.settle()
    await net.clock.jump(HOUR)
    await net.settle()
    expect((await received(bob)).filter((text) => texts.includes(text)).sort()).toEqual([...texts].sort())
    await (await alice.conversations.get(toBob.id))!.send('after it')
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('after it')
  })

  it('attack 27: a message between lost ones keeps its place, changes and deletions are kept', async () => {
    const { net, toBob, ...scene } = await friends()
    const bob = await lose(net, scene.bob, 'session/')
    // Nothing is asked for before everything has been sent.
    const end = net.malicious.onSend(async ({ client, frame, forward }) => {
      if (client === 'Bob' && frame.recipients.some(({ envelope }) => kindOf(envelope) === ENVELOPE_KINDS.retryRequest)) throw Object.assign(new Error('later'))
      await forward()
    })
    const [first] = [await toBob.send('first'), await toBob.send('second')]
    const gone = await toBob.send('regretted')
    await net.advance(3_000)
    await toBob.edit(first.id, 'first, edited')
    await toBob.delete(gone.id)
    await toBob.react(first.id, '👍')
    await net.advance(3_000)
    end()
    await net.settle()
    const tail = (await messagesOf(bob)).slice(-2)
    expect(tail.map(({ text, edited }) => [text, edited])).toEqual([
      ['first, edited', true],
      ['second', false],
    ])
    expect(tail[0]?.reactions.map(({ emoji }) => emoji)).toEqual(['👍'])
    expect((await shown(bob)).filter(([kind]) => kind === 'undecryptable')).toEqual([])
  })
})

/** What the peer's device itself could sign, in the hands of the test. */
async function requestOf(
  { net, bob, bobId, aliceId }: Friends,
  envelopes: readonly Uint8Array[],
  time: number,
  changes: { readonly foreignKey?: boolean } = {},
) {
  const { decodeDeviceKeys, generateDeviceKeys } = await import('@securechat/crypto')
  const stored = (await readStored(bob.disk)).get('keys/device')
  const random = seededRandom(9).bytes
  const deviceKeys = changes.foreignKey ? generateDeviceKeys({ provider, random }) : decodeDeviceKeys(stored!)
  const input = { local: { accountId: bobId, deviceId: FIRST_DEVICE, deviceKeys }, peer: { accountId: aliceId, deviceId: FIRST_DEVICE }, envelopes, time }
  void net
  return createRetryRequest({ provider, random }, input)
}

describe('attack 27: abuse of resets', () => {
  it('attack 27: bytes that nobody signed reset nothing: neither junk nor a request under another key', async () => {
    const scene = await friends()
    const { net, alice, bobId, toBob } = scene
    await toBob.send('genuine')
    await net.settle()
    const genuine = sendsOf(net.malicious, 'Alice').at(-1)!.envelope
    const before = await stateOf(alice)
    const handshakes = handshakesOf(net.malicious, 'Alice')
    const sender = { accountId: bobId, deviceId: FIRST_DEVICE }
    const forged = await requestOf(scene, [envelopeHash(provider, genuine)], net.clock.now(), { foreignKey: true })
    const signed = await requestOf(scene, [envelopeHash(provider, genuine)], net.clock.now())
    const changed = signed.slice()
    changed[changed.length - 1]! ^= 1
    for (const envelope of [forged, changed, signed.subarray(0, 80)]) net.malicious.deliver('Alice', [{ sender, time: net.clock.now(), envelope }])
    await net.settle()
    await expectUnchanged(alice, before)
    await toBob.send('still on the old session')
    await net.settle()
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes)
    expect((await received(scene.bob)).at(-1)).toBe('still on the old session')
  })

  it('attack 27: a signed request that names nothing that was sent resets nothing', async () => {
    const scene = await friends()
    const { net, alice, bobId, toBob } = scene
    const handshakes = handshakesOf(net.malicious, 'Alice')
    const envelope = await requestOf(scene, [new Uint8Array(32).fill(7)], net.clock.now())
    net.malicious.deliver('Alice', [{ sender: { accountId: bobId, deviceId: FIRST_DEVICE }, time: net.clock.now(), envelope }])
    await net.settle()
    await toBob.send('as before')
    await net.settle()
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes)
    expect([...(await stateOf(alice)).keys()]).not.toContain('renewals')
  })

  it('attack 27: genuine requests are answered once an hour, and none of them twice', async () => {
    const scene = await friends()
    const { net, bobId, toBob } = scene
    await toBob.send('asked for again and again')
    await net.settle()
    const hash = envelopeHash(provider, sendsOf(net.malicious, 'Alice').at(-1)!.envelope)
    const sender = { accountId: bobId, deviceId: FIRST_DEVICE }
    const handshakes = handshakesOf(net.malicious, 'Alice')
    const deliver = async (envelope: Uint8Array) => {
      net.malicious.deliver('Alice', [{ sender, time: net.clock.now(), envelope }])
      await net.settle()
    }
    const first = await requestOf(scene, [hash], net.clock.now())
    await deliver(first)
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes + 1)
    for (let i = 0; i < 5; i++) await deliver(await requestOf(scene, [hash], net.clock.now()))
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes + 1)
    await net.clock.jump(HOUR)
    await net.settle()
    await deliver(first)
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes + 1)
    await deliver(await requestOf(scene, [hash], net.clock.now()))
    expect(handshakesOf(net.malicious, 'Alice')).toBe(handshakes + 2)
    expect((await received(scene.bob)).filter((text) => text === 'asked for again and again')).toHaveLength(1)
  })

  it('attack 27: junk in the name of a contact makes a device ask once an hour at most, and changes no session', async () => {
    const { net, alice, bob, aliceId, toBob } = await friends()
    const genuine = sendsOf(net.malicious, 'Alice').at(-1)!.envelope
    const junk = (i: number): Uint8Array => {
      const envelope = genuine.slice()
      // Another session's name.
      envelope.fill(i + 1, 4, 12)
      return envelope
    }
    const sessionsBefore = [...(await stateOf(bob))].filter(([key]) => key.startsWith('session/'))
    const handshakes = handshakesOf(net.malicious, 'Alice') + handshakesOf(net.malicious, 'Bob')
    for (let i = 0; i < 20; i++) {
      net.malicious.deliver('Bob', [{ sender: { accountId: aliceId, deviceId: FIRST_DEVICE }, time: net.clock.now(), envelope: junk(i) }])
      await net.settle()
    }
    expect(requestsOf(net.malicious, 'Bob')).toHaveLength(1)
    expect([...(await stateOf(bob))].filter(([key]) => key.startsWith('session/'))).toEqual(sessionsBefore)
    await net.clock.jump(HOUR)
    await net.settle()
    expect(requestsOf(net.malicious, 'Bob')).toHaveLength(2)
    await toBob.send('unharmed')
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('unharmed')
    expect(handshakesOf(net.malicious, 'Alice') + handshakesOf(net.malicious, 'Bob')).toBe(handshakes)
    expect(await accountOf(alice)).toBe(aliceId)
  })
})
