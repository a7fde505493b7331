import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@securechat/client'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { decodeValue } from '@securechat/protocol'
import { sqliteStore } from '@securechat/server-adapters/sqlite'
import type { MemoryDisk } from '@securechat/storage'
import { sqliteStorage } from '@securechat/storage-sqlite'
import { readStored } from '@securechat/testing'
import { loopbackTransport } from '@securechat/transport/loopback'
import { describe, expect, it } from 'vitest'
import { closeNetworks, network } from '../../src/attack-scene.js'
import { describeAlice, readSnapshot, writeSnapshot } from '../../src/snapshot.js'

closeNetworks()

const SNAPSHOTS = join(import.meta.dirname, '../../snapshots')
const chosen = process.env.SECURECHAT_WRITE_SNAPSHOT

const scene = {
  phone: '+14155551000',
  status: 'signed-in',
  name: 'Alice',
  contacts: ['Bob', expect.any(String)],
  chats: [
    {
      peer: ['Bob', 'accepted', true],
      unread: 2,
      draft: 'half a sentence',
      pinned: true,
      messages: ['me Hello, Bob delivered edited', 'they Hello Alice  👍 reply', 'they not read yet ', 'they nor this ', 'me queued without a network queued'],
    },
    { peer: [expect.any(String), 'blocked', false], unread: 1, draft: '', pinned: false, messages: ['they Buy this '] },
  ],
}

/** Texts of the rows that say that they are unread. */
async function unreadRows(disk: MemoryDisk): Promise<string[]> {
  const rows = [...(await readStored(disk))]
    .filter(([key]) => key.startsWith('message/'))
    .map(([, value]) => decodeValue(value) as { text: string; unread?: boolean })
  return rows.flatMap(({ text, unread }) => (unread ? [text] : [])).sort()
}

// With the variable only the snapshot of this version is written; both at once would read what is being written.
if (chosen === undefined) describe.each(readdirSync(SNAPSHOTS))('an installation as %s left it', opensAndGoesOn)
else
  it('writes the snapshot of this version', async () => {
    await writeSnapshot(join(SNAPSHOTS, chosen))
    expect(readdirSync(join(SNAPSHOTS, chosen)).sort()).toEqual(['alice.db', 'clients.json', 'server.db'])
  })

function opensAndGoesOn(name: string): void {
  it('opens, shows everything, and goes on where it was: what was queued is sent over the sessions that there were', async () => {
    const snapshot = await readSnapshot(join(SNAPSHOTS, name))
    const net = await network({ seed: 99, store: sqliteStore({ path: snapshot.serverFile }) })
    await net.advance(0)
    await net.clock.jump(snapshot.now - net.clock.now() + 60_000)
    const closed = { start: false }
    const alice = await net.client('Alice', { ...closed, disk: snapshot.alice, phone: snapshot.phones.alice })
    const bob = await net.client('Bob', { ...closed, disk: snapshot.bob, phone: snapshot.phones.bob })
    expect(await describeAlice(alice)).toEqual(scene)
    expect(await unreadRows(snapshot.alice)).toEqual(['Buy this', 'nor this', 'not read yet'])
    const id = (await alice.conversations.list())[0]!.id
    await alice.start()
    await bob.start()
    await net.settle()
    const fromAlice = (await alice.conversations.get(id))!
    const fromBob = (await bob.conversations.get(id))!
    expect((await fromBob.messages()).map(({ text }) => text)).toContain('queued without a network')
    expect((await fromAlice.snapshot()).unread).toBe(3)
    expect((await fromAlice.messages()).map(({ text }) => text)).toContain('queued by Bob')
    await fromAlice.markRead()
    await fromAlice.send('after the update')
    await net.settle()
    expect((await fromAlice.snapshot()).unread).toBe(0)
    expect((await fromBob.messages()).at(-1)?.text).toBe('after the update')
    expect((await fromAlice.messages()).filter(({ kind }) => kind !== 'text')).toEqual([])
    const tablet = await net.client('Tablet', { linkedTo: alice })
    await net.settle()
    expect(await (await tablet.conversations.get(id))?.snapshot()).toMatchObject({ pinned: true, draft: 'half a sentence' })
    await net.drive(Promise.all([alice.close(), bob.close(), tablet.close()]))
    snapshot.remove()
  })

  it('opens from a SQLite file as well', async () => {
    const snapshot = await readSnapshot(join(SNAPSHOTS, name))
    const transport = loopbackTransport(() => {
      throw new Error('nothing is sent')
    })
    const storage = sqliteStorage({ path: snapshot.aliceFile })
    const client = await createClient({ storage, transport, crypto: await sodiumProvider() })
    expect(await describeAlice(client)).toEqual(scene)
    await client.close()
    await storage.close()
    snapshot.remove()
  })
}
