import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { idFromBytes, type MessageId } from '@securechat/protocol'
import { memoryStore } from '@securechat/server'
import { sqliteStore } from '@securechat/server-adapters/sqlite'
import { seededRandom } from '@securechat/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { closeNetworks, friends, listenTo, messagesOf, received, stateOf } from '../../src/attack-scene.js'

const folder = mkdtempSync(join(tmpdir(), 'securechat-attack-'))
closeNetworks()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MESSAGES = 15

describe('attack 21: everything twice', () => {
  it.each(['memory', 'SQLite'])(
    'attack 21: every frame, every send and every row: each message is shown, told and stored once (server store: %s)',
    async (kind) => {
      const store = kind === 'SQLite' ? sqliteStore({ path: join(folder, 'server.db') }) : memoryStore()
      const { net, alice, bob, toBob, toAlice } = await friends({ store })
      const [atAlice, atBob] = [listenTo(alice), listenTo(bob)]
      const already = [(await received(alice)).length, (await received(bob)).length] as const
      const { bytes: random } = seededRandom(21)
      net.faults.set({ duplicate: 1 })
      // The same send again, and its envelopes under another id, which the true server takes for a new send.
      net.malicious.onSend(async ({ frame, forward }) => {
        await forward()
        await forward()
        await forward({ ...frame, sendId: idFromBytes<MessageId>(random(16)) })
      })
      net.malicious.onDeliver(({ row }) => [row, row, row])
      const [fromAlice, fromBob]: [string[], string[]] = [[], []]
      for (let i = 0; i < MESSAGES; i++) {
        await toBob.send(`a${i}`)
        fromAlice.push(`a${i}`)
        await toAlice.send(`b${i}`)
        fromBob.push(`b${i}`)
        if (i % 5 === 4) await net.advance(2_000)
      }
      await net.settle()
      expect((await received(bob)).slice(already[1])).toEqual(fromAlice)
      expect((await received(alice)).slice(already[0])).toEqual(fromBob)
      expect(atBob.messages).toEqual(fromAlice)
      expect(atAlice.messages).toEqual(fromBob)
      expect([...atBob.failures, ...atAlice.failures, ...atBob.alerts, ...atAlice.alerts]).toEqual([])
      expect(net.faults.counts.duplicated).toBeGreaterThan(100)

      // What has no row of its own, too: one reaction, one edit.
      const [target] = (await messagesOf(bob)).filter(({ text }) => text === 'a0')
      await toAlice.react(target!.id, '👍')
      await toBob.edit(target!.id, 'a0, better')
      await net.settle()
      const [edited] = (await messagesOf(bob)).filter(({ id }) => id === target!.id)
      expect(edited).toMatchObject({ text: 'a0, better', edited: true, reactions: [{ emoji: '👍' }] })
    },
  )

  it('attack 21: in the wrong order and twice: each once, and no key is kept behind', async () => {
    const { net, bob, toBob } = await friends()
    const heard = listenTo(bob)
    const hold = net.malicious.onDeliver(({ client, row }) => (client === 'Bob' ? [] : [row]))
    const before = net.malicious.rows.length
    for (let i = 0; i < MESSAGES; i++) await toBob.send(`a${i}`)
    await net.advance(5_000)
    hold()
    const rows = net.malicious.rows
      .slice(before)
      .filter(({ client }) => client === 'Bob')
      .map(({ row }) => row)
    expect(rows).toHaveLength(MESSAGES)
    const backwards = [...rows].reverse()
    net.malicious.deliver('Bob', [...backwards, ...rows, ...backwards])
    await net.settle()
    const all = Array.from({ length: MESSAGES }, (_, i) => `a${i}`)
    expect([...heard.messages].sort()).toEqual([...all].sort())
    expect(heard.failures).toEqual([])
    expect((await received(bob)).filter((text) => text.startsWith('a')).sort()).toEqual([...all].sort())
    const again = await bob.restart()
    await net.settle()
    const state = await stateOf(again)
    net.malicious.deliver('Bob', [...rows, ...backwards])
    await net.settle()
    expect(await stateOf(again)).toEqual(state)
  })
})
