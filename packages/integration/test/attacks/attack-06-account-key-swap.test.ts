import { describe, expect, it } from 'vitest'
import { closeNetworks, type Friends, friends, listenTo, received, sent } from '../../src/attack-scene.js'

closeNetworks()

const QUEUED = ['one', 'two', 'three', 'four', 'five']

/** Alice writes five messages without a connection; meanwhile Bob's number gets another account key and device. */
async function swapped(scene: Friends, { first }: { first: 'withheld' | 'offline' }) {
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
  const other = await net.client('Mallory', { phone: bob.phone, replaceKeys: true })
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
