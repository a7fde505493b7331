import { createSuccession, decodeManifest, type KeyPair, Secret } from '@securechat/crypto'
import { deriveRecoveryKeys } from '@securechat/crypto/recovery'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { describe, expect, it } from 'vitest'
import { closeNetworks, type Friends, friends, listenTo, received, sent } from '../../src/attack-scene.js'

closeNetworks()

const QUEUED = ['one', 'two', 'three', 'four', 'five']

/** Alice writes five messages without a connection; meanwhile Bob's number gets another account key and device. */
async function swapped(scene: Friends, { first, recoveryKey }: { first: 'withheld' | 'offline'; recoveryKey?: KeyPair }) {
  const { net, alice, bob, toBob, bobId } = scene
  const heard = listenTo(alice)
  // Past the spacing of one-time codes to one number.
  await net.advance(60_000)
  if (first === 'withheld') {
    // The first of the five is encrypted already, for the old key, when the swap comes.
    const end = net.malicious.onSend(async ({ client, forward }) => (client === 'Alice' ? new Promise<void>(() => {}) : forward()))
    await toBob.send(QUEUED[0]!)
    await net.advance(1_000)
    end()
  }
  net.faults.set({ refuse: true })
  net.faults.cut()
  for (const text of first === 'withheld' ? QUEUED.slice(1) : QUEUED) await toBob.send(text)
  const before = net.malicious.sends.length
  net.faults.set({ refuse: false })
  const other = await net.client('Mallory', { phone: bob.phone, ...(recoveryKey ? { recoveryKey } : { replaceKeys: true }) })
  await net.advance(90_000)
  const addressed = () =>
    net.malicious.sends
      .slice(before)
      .flatMap(({ client, frame }) => (client === 'Alice' ? frame.recipients : []))
      .filter(({ accountId }) => accountId === bobId)
      .map(({ deviceId }) => deviceId as number)
  return { heard, other, addressed }
}
const mine = async (scene: Pick<Friends, 'alice'>): Promise<(string | undefined)[]> =>
  (await sent(scene.alice)).slice(-QUEUED.length).map(([, status]) => status)

describe('attack 06: the account key is swapped behind queued messages', () => {
  it.each(['offline', 'withheld'] as const)(
    'attack 06: nothing is encrypted to the new key without consent, after it each message once (first message: %s)',
    async (first) => {
      const scene = await friends()
      const { net, alice, bobId } = scene
      const { heard, other, addressed } = await swapped(scene, { first })
      expect(heard.identityChanges).toEqual([bobId])
      expect(await mine(scene)).toEqual(QUEUED.map(() => 'queued'))
      expect(addressed().filter((device) => device !== 1)).toEqual([])
      expect(await other.conversations.list()).toEqual([])

      // Neither a restart nor more messages are a consent.
      const again = await alice.restart()
      await net.advance(30_000)
      expect(addressed().filter((device) => device !== 1)).toEqual([])
      expect((await sent(again)).slice(-QUEUED.length).map(([, status]) => status)).toEqual(QUEUED.map(() => 'queued'))

      await again.devices.acceptIdentity(bobId)
      await net.settle()
      expect(await received(other)).toEqual(QUEUED)
      expect((await sent(again)).slice(-QUEUED.length).map(([, status]) => status)).toEqual(QUEUED.map(() => 'sent'))
    },
  )

  it('attack 06: a server that shows the old list again gets nothing for the new one', async () => {
    const scene = await friends()
    const { net, bobId, toBob } = scene
    const { other, addressed } = await swapped(scene, { first: 'offline' })
    net.malicious.on('devices.manifest', async ({ input, forward }) => {
      const { manifests } = await forward({ accountId: input.accountId })
      return { manifests: manifests.slice(0, 1), more: false }
    })
    // Stored and answered for by the server, whatever the device.
    net.malicious.onSend(() => {})
    await toBob.send('six')
    await net.advance(60_000)
    expect(addressed().filter((device) => device !== 1)).toEqual([])
    expect(await other.conversations.list()).toEqual([])
    expect((await scene.alice.contacts.get(bobId))?.identityChanged).toBe(true)
  })
})

describe('attack 06: an account that its recovery key vouches for', () => {
  const provider = sodiumProvider()
  const recoveryOf = async (byte: number): Promise<KeyPair> => deriveRecoveryKeys(await provider, new Secret(new Uint8Array(32).fill(byte))).signing
  const kindsOf = async ({ alice, toBob }: Friends): Promise<string[]> =>
    (await (await alice.conversations.get(toBob.id))!.messages({ limit: 50 })).map(({ kind }) => kind)

  it('attack 06: who has the words goes on, and everybody sees it: event, row, another safety number', async () => {
    const recoveryKey = await recoveryOf(1)
    const scene = await friends({ bob: { recoveryKey } })
    const { net, alice, bobId } = scene
    const before = await alice.devices.safetyNumber(bobId)
    const { heard, other } = await swapped(scene, { first: 'offline', recoveryKey })
    await net.settle()
    expect([heard.recoveries, heard.identityChanges, heard.alerts]).toEqual([[bobId], [], []])
    expect(await kindsOf(scene)).toContain('identity-recovered')
    expect(await alice.contacts.get(bobId)).toMatchObject({ identityChanged: false, verified: false })
    expect((await alice.devices.safetyNumber(bobId)).digits).not.toBe(before.digits)
    expect(await received(other)).toEqual(QUEUED)
    // Told once, and both ways work.
    const back = (await other.conversations.list())[0]!
    const conversation = (await other.conversations.get(back.id))!
    await conversation.accept()
    await conversation.send('It is me')
    await net.settle()
    expect(heard.messages).toContain('It is me')
    expect(heard.recoveries).toEqual([bobId])
  })

  it('attack 06: where the digits were compared, the user decides as ever', async () => {
    const recoveryKey = await recoveryOf(1)
    const scene = await friends({ bob: { recoveryKey } })
    const { net, alice, bobId } = scene
    await alice.devices.setVerified(bobId, (await alice.devices.safetyNumber(bobId)).digits)
    const { heard, other } = await swapped(scene, { first: 'offline', recoveryKey })
    await net.advance(60_000)
    expect([heard.recoveries, heard.identityChanges]).toEqual([[], [bobId]])
    expect(await mine(scene)).toEqual(QUEUED.map(() => 'queued'))
    await alice.devices.acceptIdentity(bobId)
    await net.settle()
    expect(await received(other)).toEqual(QUEUED)
  })

  it('attack 06: a statement of another recovery key recovers nothing', async () => {
    const scene = await friends({ bob: { recoveryKey: await recoveryOf(1) } })
    const { net, alice, bobId } = scene
    const thief = await recoveryOf(2)
    net.malicious.on('devices.manifest', async ({ input, forward }) => {
      const answer = await forward(input)
      const sodium = await provider
      const manifests = answer.manifests.map((bytes, i) => {
        const [last, next] = [answer.manifests[i - 1], bytes].map((one) => one && decodeManifest(sodium, one))
        if (!last || !next || last.accountId !== bobId) return bytes
        const { accountId, accountKey: oldAccountKey, version: lastVersion, hash: lastHash } = last
        const statement = createSuccession(sodium, { accountId, oldAccountKey, newAccountKey: next.accountKey, lastVersion, lastHash, recoveryKey: thief })
        return Uint8Array.from([2, ...bytes.subarray(1), ...statement])
      })
      return { ...answer, manifests }
    })
    const { heard, other, addressed } = await swapped(scene, { first: 'offline' })
    expect([heard.recoveries, heard.identityChanges]).toEqual([[], [bobId]])
    expect(await mine(scene)).toEqual(QUEUED.map(() => 'queued'))
    expect(addressed().filter((device) => device !== 1)).toEqual([])
    expect(await other.conversations.list()).toEqual([])
    expect((await alice.contacts.get(bobId))?.identityChanged).toBe(true)
  })

  it('attack 06: with other words nothing is registered', async () => {
    const scene = await friends({ bob: { recoveryKey: await recoveryOf(1) } })
    const { net, alice, bob, toAlice } = scene
    const heard = listenTo(alice)
    await net.advance(60_000)
    const refused = net.client('Mallory', { phone: bob.phone, recoveryKey: await recoveryOf(2) })
    await expect(refused).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await toAlice.send('Still here')
    await net.settle()
    expect(heard).toMatchObject({ recoveries: [], identityChanges: [], alerts: [] })
    expect(heard.messages).toContain('Still here')
  })
})
