import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Conversation } from '@securechat/client'
import { sqliteStore } from '@securechat/server-adapters/sqlite'
import { type ClientStorage, MemoryDisk, memoryStorage } from '@securechat/storage'
import { sqliteStorage } from '@securechat/storage-sqlite'
import { createTestNetwork, type TestClient } from '@securechat/testing'

/**
 * What a version of SecureChat leaves behind: the stores of two clients (rows as they are on the disk, and one of them as a SQLite file) and the server's. The scene
 * is the same for each, so that every later version is asked the same questions about it.
 */
export interface Snapshot {
  readonly alice: MemoryDisk
  readonly bob: MemoryDisk
  /** Copies, to be changed as one likes. */
  readonly aliceFile: string
  readonly serverFile: string
  readonly phones: { readonly alice: string; readonly bob: string }
  /** Milliseconds since 1970 at its end. */
  readonly now: number
  readonly remove: () => void
}

interface Row {
  readonly key: string
  readonly value: string
  readonly version: number
}

async function rowsOf(disk: MemoryDisk): Promise<Row[]> {
  const storage = memoryStorage({ disk: disk.clone() })
  const rows = (await storage.list('')).map(({ key, value, version }) => ({ key, value: Buffer.from(value).toString('base64'), version }))
  await storage.close()
  return rows
}

const FILLER = 'snapshot-filler'

/** Rows are sealed with their version, so each is committed as the commit of that number. */
async function replay(storage: ClientStorage, rows: readonly Row[]): Promise<void> {
  const last = Math.max(...rows.map(({ version }) => version))
  for (let version = 1; version <= last; version++) {
    const written = rows.filter((row) => row.version === version).map(({ key, value }) => ({ put: key, value: new Uint8Array(Buffer.from(value, 'base64')) }))
    await storage.commit(written.length > 0 ? written : [{ put: FILLER, value: new Uint8Array(0) }])
  }
  await storage.commit([{ delete: FILLER }])
  await storage.close()
}

async function diskOf(rows: readonly Row[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await replay(memoryStorage({ disk }), rows)
  return disk
}

/** Plays the scene with the code of this version and writes what is left of it. */
export async function writeSnapshot(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'securechat-snapshot-'))
  const serverFile = join(work, 'server.db')
  const store = sqliteStore({ path: serverFile })
  const net = await createTestNetwork({ seed: 2026, store })
  const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
  const toBob = await net.drive(alice.conversations.direct({ phone: bob.phone }))
  const first = await toBob.send('Hello Bob')
  await net.settle()
  const toAlice = (await bob.conversations.get(toBob.id)) as Conversation
  await toAlice.accept()
  const answer = await toAlice.send({ text: 'Hello Alice', replyTo: first.id })
  await net.settle()
  await toBob.react(answer.id, '👍')
  await toBob.edit(first.id, 'Hello, Bob')
  await toBob.markRead()
  const { accountId } = await bob.account.state()
  const number = await net.drive(alice.devices.safetyNumber(accountId!))
  await alice.devices.setVerified(accountId!, number.digits)
  const stranger = await net.client('Mallory')
  await (await net.drive(stranger.conversations.direct({ phone: alice.phone }))).send('Buy this')
  await net.settle()
  const [request] = (await alice.conversations.list()).filter(({ peer }) => peer.relation === 'request')
  await (await alice.conversations.get(request!.id))!.block()
  await toBob.update({ draft: 'half a sentence', pinned: true })
  await toAlice.send('not read yet')
  await toAlice.send('nor this')
  await net.settle()
  await net.drive(alice.close())
  await toBob.send('queued without a network')
  await net.drive(bob.close())
  await toAlice.send('queued by Bob')
  await net.drive(stranger.close())
  const stored = { alice: await rowsOf(alice.disk), bob: await rowsOf(bob.disk) }
  const phones = { alice: alice.phone, bob: bob.phone }
  writeFileSync(join(folder, 'clients.json'), `${JSON.stringify({ now: net.clock.now(), phones, ...stored }, null, 1)}\n`)
  await replay(sqliteStorage({ path: join(work, 'alice.db') }), stored.alice)
  await net.close()
  // Into the one file that is kept.
  await store.close()
  for (const name of ['alice.db', 'server.db']) copyFileSync(join(work, name), join(folder, name))
  rmSync(work, { recursive: true })
}

export async function readSnapshot(folder: string): Promise<Snapshot> {
  const { alice, bob, phones, now } = JSON.parse(readFileSync(join(folder, 'clients.json'), 'utf8')) as {
    readonly alice: Row[]
    readonly bob: Row[]
    readonly phones: Snapshot['phones']
    readonly now: number
  }
  const work = mkdtempSync(join(tmpdir(), 'securechat-snapshot-'))
  for (const name of ['alice.db', 'server.db']) copyFileSync(join(folder, name), join(work, name))
  return {
    alice: await diskOf(alice),
    bob: await diskOf(bob),
    aliceFile: join(work, 'alice.db'),
    serverFile: join(work, 'server.db'),
    phones,
    now,
    remove: () => rmSync(work, { recursive: true }),
  }
}

/** What the scene looks like to Alice, whatever version shows it. */
export async function describeAlice({ conversations, contacts, account }: Pick<TestClient, 'conversations' | 'contacts' | 'account'>): Promise<unknown> {
  const { phone, profile, status } = await account.state()
  const chats = await Promise.all(
    (await conversations.list()).map(async ({ id, peer, unread, draft, pinned }) => ({
      peer: [peer.displayName, peer.relation, peer.verified],
      unread,
      draft,
      pinned,
      messages: (await (await conversations.get(id))!.messages()).map(({ text, mine, status: state, edited, reactions, replyTo }) =>
        [mine ? 'me' : 'they', text, state, ...(edited ? ['edited'] : []), ...reactions.map(({ emoji }) => emoji), ...(replyTo ? ['reply'] : [])].join(' '),
      ),
    })),
  )
  return { phone, status, name: profile?.name, contacts: (await contacts.list()).map(({ displayName }) => displayName), chats }
}
