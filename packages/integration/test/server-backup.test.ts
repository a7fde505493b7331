import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@securechat/storage-sqlite/driver'
import { afterEach, expect, it } from 'vitest'
import { type LineProcess, signInTerminal, startServer, startTerminal } from '../src/processes.js'
import { storedMessages } from '../src/stored-messages.js'

const ending: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})
const endLater = <P extends LineProcess>(process: P): P => {
  ending.push(() => process.kill())
  return process
}

it('a copy that was made of the running server is restored: who was away gets what waited, nobody gets anything twice, and it goes on', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-restore-'))
  ending.push(() => rmSync(dir, { recursive: true, force: true }))
  const first = endLater(await startServer({ data: join(dir, 'data') }))
  const store = (name: string): string => join(dir, `${name}.db`)
  const alice = endLater(await signInTerminal(first, { store: store('alice'), phone: '+14155550100', name: 'Alice' }))
  const people = { bob: '+14155550101', carol: '+14155550102' }
  const away = {
    bob: await signInTerminal(first, { store: store('bob'), phone: people.bob, name: 'Bob' }),
    carol: await signInTerminal(first, { store: store('carol'), phone: people.carol, name: 'Carol' }),
  }
  for (const [name, phone] of Object.entries(people)) {
    const person = away[name as keyof typeof people]
    const from = alice.lines.length
    alice.write(`/new ${phone}`)
    await alice.event(({ event }) => event === 'opened', { from, what: 'the chat' })
    alice.write(`hello ${name}`)
    await person.event(({ event, text }) => event === 'message' && text === `hello ${name}`, { what: 'the first message' })
    person.write('/open 1')
    await person.event(({ event }) => event === 'opened', { what: 'the request' })
    person.write('/accept')
    person.write(`hello from ${name}`)
    await alice.event(({ event, text }) => event === 'message' && text === `hello from ${name}`, { what: 'the answer' })
  }
  await Promise.all([away.bob.kill('SIGTERM'), away.carol.kill('SIGTERM')])

  for (const [name, phone] of Object.entries(people)) {
    const from = alice.lines.length
    alice.write(`/new ${phone}`)
    await alice.event(({ event }) => event === 'opened', { from, what: 'the chat' })
    alice.write(`waiting for ${name}`)
    await alice.event(({ event, text, status }) => event === 'status' && text === `waiting for ${name}` && status === 'sent', { what: 'the acknowledgement' })
  }
  const running = openDatabase(join(dir, 'data/securechat.db'))
  running.exec(`VACUUM INTO '${join(dir, 'copy.db')}'`)
  running.close()

  // After the copy: Bob gets his message, Carol stays away. Then the machine is gone.
  let bob = endLater(startTerminal({ server: first.url, store: store('bob') }))
  await bob.event(({ event, text }) => event === 'message' && text === 'waiting for bob', { what: 'the message before the loss' })
  await bob.kill('SIGTERM')
  await first.kill('SIGKILL')

  const restored = join(dir, 'restored')
  mkdirSync(restored, { mode: 0o700 })
  cpSync(join(dir, 'copy.db'), join(restored, 'securechat.db'))
  // The step of docs/guides/backup-and-restore.md: without it Bob drops what comes next, since he has seen those sequences.
  const copy = openDatabase(join(restored, 'securechat.db'))
  copy.exec("UPDATE counters SET value = value + 1000000000 WHERE name = 'sequence'")
  copy.close()
  cpSync(join(dir, 'data/dev-secrets.json'), join(restored, 'dev-secrets.json'))
  rmSync(join(dir, 'data'), { recursive: true })
  const second = endLater(await startServer({ data: restored, port: first.port }))

  const carol = endLater(startTerminal({ server: second.url, store: store('carol') }))
  await carol.event(({ event, text }) => event === 'message' && text === 'waiting for carol', { what: 'what waited in the copy' })
  bob = endLater(startTerminal({ server: second.url, store: store('bob') }))
  for (const [at, name] of ['bob', 'carol'].entries()) {
    const from = alice.lines.length
    alice.write(`/new ${people[name as keyof typeof people]}`)
    await alice.event(({ event }) => event === 'opened', { from, what: `chat ${at}` })
    alice.write(`after for ${name}`)
  }
  await bob.event(({ event, text }) => event === 'message' && text === 'after for bob', { what: 'a message to Bob after the restore' })
  await carol.event(({ event, text }) => event === 'message' && text === 'after for carol', { what: 'a message to Carol after the restore' })
  await Promise.all([bob.kill('SIGTERM'), carol.kill('SIGTERM')])
  const texts = async (name: string): Promise<unknown[]> => (await storedMessages(store(name))).map(({ text }) => text)
  expect(await texts('bob')).toEqual(['hello bob', 'hello from bob', 'waiting for bob', 'after for bob'])
  expect(await texts('carol')).toEqual(['hello carol', 'hello from carol', 'waiting for carol', 'after for carol'])
})
