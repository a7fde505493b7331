import { readStored, type TestClient } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, messagesOf, received } from '../../src/attack-scene.js'

closeNetworks()

const chatOf = async (client: TestClient) => (await client.conversations.get((await client.conversations.list())[0]!.id))!
const alertsOf = async (client: TestClient): Promise<string[]> => (await client.devices.alerts.list()).map(({ kind }) => kind)

describe('attack 24: rolled-back or cloned store', () => {
  it('a store that was put back is detected before anything is sent, its sessions and prekeys are new, and both sides write on', async () => {
    const { net, alice, bob } = await friends()
    await bob.close()
    const old = bob.disk.clone()
    const lost = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await (await chatOf(lost)).send('lost')
    await (await chatOf(alice)).send('to the lost state')
    await net.settle()
    expect(await alertsOf(lost)).toEqual([])
    await lost.close()

    const before = await readStored(old)
    const back = await net.client('Bob', { disk: old, phone: bob.phone, start: false })
    let told = 0
    back.on('store-rolled-back', () => void told++)
    await (await chatOf(back)).send('from the old store')
    await net.drive(back.start())
    await net.settle()
    expect([told, await alertsOf(back)]).toEqual([1, ['store-rolled-back']])
    expect((await received(alice)).slice(-2)).toEqual(['lost', 'from the old store'])
    const after = await readStored(old)
    const oneTimeKeys = (rows: ReadonlyMap<string, Uint8Array>): string[] => [...rows.keys()].filter((key) => key.startsWith('prekey/'))
    expect(oneTimeKeys(after).filter((key) => !before.has(key))).toHaveLength(102)
    await (await chatOf(alice)).send('to the old store')
    await net.settle()
    expect((await received(back)).slice(-1)).toEqual(['to the old store'])
  })

  it('what waited for the lost state is asked for again: messages take their places, and nothing is left of receipts', async () => {
    const { net, alice, bob } = await friends()
    await bob.close()
    const old = bob.disk.clone()
    const lost = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await (await chatOf(lost)).send('lost')
    await net.settle()
    await lost.close()
    await (await chatOf(alice)).markRead()
    await (await chatOf(alice)).send('while nobody was there')
    await net.advance(5_000)
    const back = await net.client('Bob', { disk: old, phone: bob.phone })
    await net.settle()
    const shown = (await messagesOf(back)).map(({ kind, text }) => [kind, text])
    expect(shown.at(-1)).toEqual(['text', 'while nobody was there'])
    expect(shown.filter(([kind]) => kind !== 'text')).toEqual([])
  })

  it('of a store and its copy each is told when the other was there', async () => {
    const { net, bob } = await friends()
    await bob.close()
    const copy = bob.disk.clone()
    const original = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await net.settle()
    expect(await alertsOf(original)).toEqual([])
    await original.close()
    const clone = await net.client('Bob', { disk: copy, phone: bob.phone })
    await net.settle()
    expect(await alertsOf(clone)).toEqual(['store-rolled-back'])
    await clone.close()
    const again = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await net.settle()
    expect(await alertsOf(again)).toEqual(['store-rolled-back'])
  })

  it('a death between the exchange and its commit looks like no copy', async () => {
    const { net, alice, bob } = await friends()
    await bob.close()
    let asked = 0
    const end = net.malicious.on('devices.renewLease', async (call) => {
      asked++
      await call.forward()
      // The answer never comes.
      return new Promise<never>(() => {})
    })
    const dying = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await net.advance(1_000)
    expect(asked).toBeGreaterThan(0)
    dying.kill()
    end()
    const back = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
    await (await chatOf(back)).send('still here')
    await net.settle()
    expect(await alertsOf(back)).toEqual([])
    expect((await received(alice)).slice(-1)).toEqual(['still here'])
  })
})
