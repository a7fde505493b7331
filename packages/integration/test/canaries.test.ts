import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type LineProcess, signInTerminal, startServer } from '../src/processes.js'

const ending: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})
const endLater = <P extends LineProcess>(process: P): P => {
  ending.push(() => process.kill())
  return process
}

/** Every byte of every file in a folder. */
const bytesIn = (folder: string): Buffer =>
  Buffer.concat(
    readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
      entry.isFile() ? readFileSync(join(entry.parentPath, entry.name)) : Buffer.alloc(0),
    ),
  )

it('attack 59: texts, names, numbers and codes are in no byte of the server’s folder and of no terminal’s store, nor in the server’s log', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-canary-'))
  ending.push(() => rmSync(dir, { recursive: true, force: true }))
  const server = endLater(await startServer({ data: join(dir, 'data'), env: { SECURECHAT_LOG_LEVEL: 'debug' } }))
  const people = [
    { phone: '+14155550123', name: 'Canary-Name-Alice', store: join(dir, 'stores', 'alice.db') },
    { phone: '+14155550188', name: 'Canary-Name-Bob', store: join(dir, 'stores', 'bob.db') },
  ] as const
  const alice = endLater(await signInTerminal(server, people[0]))
  const bob = endLater(await signInTerminal(server, people[1]))
  const text = 'canary-text-that-only-two-people-know'
  alice.write(`/new ${people[1].phone}`)
  await alice.event(({ event }) => event === 'opened', { what: 'the chat' })
  alice.write(text)
  await bob.event((event) => event.event === 'message' && event.text === text, { what: 'the message' })
  const codes = server.lines.flatMap((line) => /^code for \S+: (\d+)$/.exec(line)?.[1] ?? [])
  expect(codes).toHaveLength(2)
  for (const terminal of [alice, bob]) {
    terminal.write('/quit')
    expect(await terminal.exited).toBe(0)
  }
  expect(await server.kill('SIGTERM')).toBe(0)

  const numbers = people.map(({ phone }) => phone.slice(1))
  const secrets = [text, ...people.map(({ name }) => name), ...numbers]
  const [onServer, onDevices] = [bytesIn(join(dir, 'data')), bytesIn(join(dir, 'stores'))]
  expect(onServer.length).toBeGreaterThan(50_000)
  expect(onDevices.length).toBeGreaterThan(50_000)
  for (const secret of secrets) {
    expect(onServer.includes(secret), `${secret} on the server`).toBe(false)
    expect(onDevices.includes(secret), `${secret} on a device`).toBe(false)
  }
  // Only the console sender of development mode prints a code, with its number; nothing else does.
  const log = server.lines.filter((line) => !line.startsWith('code for ')).join('\n')
  for (const secret of [...secrets, ...codes]) expect(log.includes(secret), `${secret} in the log`).toBe(false)
})
