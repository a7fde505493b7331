import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type LineProcess, signInTerminal, startServer, startTerminal, type TerminalProcess } from '../src/processes.js'
import { storedMessages } from '../src/stored-messages.js'

const ending: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})
const endLater = <P extends LineProcess>(process: P): P => {
  ending.push(() => process.kill())
  return process
}

it('two terminals chat: names, marks, offline delivery, a restarted server, one safety number, history after a restart', { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-terminals-'))
  ending.push(() => rmSync(dir, { recursive: true, force: true }))
  const server = endLater(await startServer({ data: join(dir, 'data') }))
  const stores = { alice: join(dir, 'alice.db'), bob: join(dir, 'bob.db') }
  const alice = endLater(await signInTerminal(server, { store: stores.alice, phone: '+14155550100', name: 'Alice' }))
  let bob = endLater(await signInTerminal(server, { store: stores.bob, phone: '+14155550101', name: 'Bob' }))

  alice.write('/new +1 999')
  await alice.event(({ event, text }) => event === 'problem' && /phone number/.test(String(text)))
  alice.write('/new +14155550199')
  await alice.event(({ event, code }) => event === 'problem' && code === 'client/not-found', { what: 'an unregistered number' })
  alice.write('/new +14155550101')
  await alice.event(({ event }) => event === 'opened')
  alice.write('Hello Bob')
  await bob.event(({ event, text }) => event === 'message' && text === 'Hello Bob')
  bob.write('/open 1')
  await bob.event(({ event, relation }) => event === 'opened' && relation === 'request', { what: 'the request' })
  bob.write('/accept')
  bob.write('Hi Alice')
  await alice.event(({ event, text }) => event === 'message' && text === 'Hi Alice', { what: 'the answer' })
  await alice.event(({ event, text, status }) => event === 'status' && text === 'Hello Bob' && status === 'read', { what: 'the read mark' })

  // The name travels encrypted beside the messages; no message waits for it.
  await expect
    .poll(
      () => {
        alice.write('/chats')
        return alice.events().some(({ event, name }) => event === 'chat' && name === 'Bob')
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(true)

  alice.write('/safety')
  bob.write('/safety')
  const [mine, theirs] = await Promise.all([alice.event(({ event }) => event === 'safety'), bob.event(({ event }) => event === 'safety')])
  expect(mine.digits).toEqual(theirs.digits)
  expect(String(mine.digits).replace(/\D/g, '')).toHaveLength(60)

  // Bob is away while Alice writes.
  bob.write('/quit')
  expect(await bob.exited).toBe(0)
  for (const text of ['one', 'two', 'three']) alice.write(text)
  await alice.event(({ event, text, status }) => event === 'status' && text === 'three' && status === 'sent', { what: 'the sent mark' })
  bob = endLater(startTerminal({ server: server.url, store: stores.bob }))
  await bob.event(({ event, text }) => event === 'message' && text === 'three')
  await alice.event(({ event, text, status }) => event === 'status' && text === 'three' && status === 'delivered', { what: 'the delivered mark' })

  // The server is away while both write; both recover by themselves.
  await server.kill('SIGTERM')
  await alice.event(({ event, status }) => event === 'connection' && status === 'offline', { what: 'the terminal noticing' })
  alice.write('while the server is away')
  const again = endLater(await startServer({ data: join(dir, 'data'), port: server.port }))
  await bob.event(({ event, text }) => event === 'message' && text === 'while the server is away', { timeoutMs: 60_000 })

  await Promise.all([alice.kill('SIGTERM'), bob.kill('SIGTERM')])
  expect(await again.kill('SIGTERM')).toBe(0)
  const texts = ['Hello Bob', 'Hi Alice', 'one', 'two', 'three', 'while the server is away']
  expect((await storedMessages(stores.alice)).map(({ text }) => text)).toEqual(texts)
  expect((await storedMessages(stores.bob)).map(({ text }) => text)).toEqual(texts)
})

it('a backup under 24 words, a PIN, and the account goes on in a new store with words and code', { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-terminals-'))
  ending.push(() => rmSync(dir, { recursive: true, force: true }))
  const server = endLater(await startServer({ data: join(dir, 'data') }))
  const lost = endLater(await signInTerminal(server, { store: join(dir, 'lost.db'), phone: '+14155550100', name: 'Alice' }))
  const bob = endLater(await signInTerminal(server, { store: join(dir, 'bob.db'), phone: '+14155550101', name: 'Bob' }))
  lost.write('/new +14155550101')
  await lost.event(({ event }) => event === 'opened')
  for (const text of ['one', 'two']) lost.write(text)
  await bob.event(({ event, text }) => event === 'message' && text === 'two')
  bob.write('/open 1')
  bob.write('/accept')
  bob.write('three')
  await lost.event(({ event, text }) => event === 'message' && text === 'three')

  lost.write('/backup')
  await lost.event(({ event, enabled }) => event === 'backup' && enabled === false, { what: 'no backup yet' })
  lost.write('/backup on')
  const { words, challenge } = (await lost.event(({ event }) => event === 'words')) as unknown as { words: string[]; challenge: number[] }
  lost.write('')
  for (const _ of challenge) lost.write('zebra')
  await lost.event(({ event, code }) => event === 'problem' && code === 'client/invalid-argument', { what: 'words typed back wrongly' })
  for (const position of challenge) lost.write(words[position - 1]!)
  await lost.event(({ event }) => event === 'backup-on')
  lost.write('/backup now')
  await lost.event(({ event, lastAt }) => event === 'backup' && lastAt !== undefined, { what: 'the first backup' })
  lost.write('/pin 97531')
  await lost.event(({ event }) => event === 'pin')
  await lost.kill()

  const found = endLater(startTerminal({ server: server.url, store: join(dir, 'found.db') }))
  found.write('+14155550100')
  await found.event(({ event }) => event === 'code-sent')
  found.write(await server.code('+14155550100'))
  await found.event(({ event, code }) => event === 'problem' && code === 'auth/pin-required')
  found.write('11111')
  await found.event(({ event, code }) => event === 'problem' && code === 'auth/pin-wrong')
  found.write(words.join(' '))
  await found.event(({ event, status }) => event === 'restore' && status === 'done', { what: 'the restored backup' })
  found.write('/open 1')
  await found.event(({ event }) => event === 'opened')
  found.write('four')
  await bob.event(({ event }) => event === 'identity-recovered', { what: 'Bob being told' })
  await bob.event(({ event, text }) => event === 'message' && text === 'four')
  bob.write('five')
  await found.event(({ event, text }) => event === 'message' && text === 'five')
  const texts = (store: string) => storedMessages(store).then((messages) => messages.filter(({ text }) => text).map(({ text }) => text))
  found.write('/quit')
  expect(await found.exited).toBe(0)
  expect(await texts(join(dir, 'found.db'))).toEqual(['one', 'two', 'three', 'four', 'five'])
})

it('attack 24: a store whose files were put back is told of it, and both sides write on', { timeout: 120_000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-terminals-'))
  ending.push(() => rmSync(dir, { recursive: true, force: true }))
  const server = endLater(await startServer({ data: join(dir, 'data') }))
  const alice = endLater(await signInTerminal(server, { store: join(dir, 'alice.db'), phone: '+14155550100', name: 'Alice' }))
  mkdirSync(join(dir, 'bob'))
  const store = join(dir, 'bob', 'bob.db')
  const open = async (): Promise<TerminalProcess> => {
    const bob = endLater(startTerminal({ server: server.url, store }))
    await bob.event(({ event, status }) => event === 'connection' && status === 'online')
    bob.write('/open 1')
    await bob.event(({ event }) => event === 'opened')
    return bob
  }
  // What is still queued is listed last: the order of the lines is that of their marks.
  const sent = (terminal: TerminalProcess, text: string): Promise<unknown> =>
    terminal.event(({ event, text: of, status }) => event === 'status' && of === text && status !== 'queued')
  const told = (bob: TerminalProcess): unknown[] => bob.events().flatMap(({ event, kind }) => (event === 'device-alert' ? [kind] : []))
  const leave = async (bob: TerminalProcess): Promise<void> => {
    bob.write('/quit')
    expect(await bob.exited).toBe(0)
  }
  const first = endLater(await signInTerminal(server, { store, phone: '+14155550101', name: 'Bob' }))
  first.write('/new +14155550100')
  await first.event(({ event }) => event === 'opened')
  first.write('one')
  await alice.event(({ event, text }) => event === 'message' && text === 'one')
  await sent(first, 'one')
  alice.write('/open 1')
  alice.write('/accept')
  alice.write('two')
  await first.event(({ event, text }) => event === 'message' && text === 'two')
  await sent(alice, 'two')
  await leave(first)
  cpSync(join(dir, 'bob'), join(dir, 'image'), { recursive: true })

  const second = await open()
  second.write('three')
  await alice.event(({ event, text }) => event === 'message' && text === 'three')
  alice.write('four')
  await second.event(({ event, text }) => event === 'message' && text === 'four')
  await sent(alice, 'four')
  expect(told(second)).toEqual([])
  await leave(second)
  rmSync(join(dir, 'bob'), { recursive: true })
  renameSync(join(dir, 'image'), join(dir, 'bob'))

  const third = await open()
  await third.event(({ event, kind }) => event === 'device-alert' && kind === 'store-rolled-back')
  third.write('five')
  await alice.event(({ event, text }) => event === 'message' && text === 'five')
  await sent(third, 'five')
  alice.write('six')
  await third.event(({ event, text }) => event === 'message' && text === 'six')
  await sent(alice, 'six')
  await leave(third)
  await alice.kill()
  // A receipt that came for the lost state leaves its line until it has been asked for again.
  const texts = async (path: string): Promise<string[]> => (await storedMessages(path)).flatMap(({ kind, text }) => (kind === 'undecryptable' ? [] : [text]))
  expect(await texts(join(dir, 'alice.db'))).toEqual(['one', 'two', 'three', 'four', 'five', 'six'])
  expect(await texts(store)).toEqual(['one', 'two', 'five', 'six'])
})
