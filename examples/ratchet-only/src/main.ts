// The whole of it with one command: a relay and three people, each a process with a folder of its own. Prints what everybody sees, and ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const folder = await mkdtemp(join(tmpdir(), 'ratchet-only-'))
const children = new Set<ChildProcess>()

interface Line {
  readonly pattern: RegExp
  readonly found: (line: string) => void
  readonly failed: (error: Error) => void
}

/** A child whose lines are printed and can be waited for. */
function start(file: string, label: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  const lines: string[] = []
  const waiting = new Set<Line>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    process.stdout.write(`${label.padEnd(5)} | ${line.replaceAll(folder, '…')}\n`)
    for (const one of waiting) {
      if (one.pattern.test(line)) one.found(line)
      else if (/^(error|refused)/.test(line)) one.failed(new Error(`${label}: ${line}`))
    }
  })
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      children.delete(child)
      resolve()
    }),
  )
  return {
    /** Of a line that has come or will come. */
    seen: (pattern: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        const before = lines.find((line) => pattern.test(line))
        if (before !== undefined) return resolve(before)
        waiting.add({ pattern, found: resolve, failed: reject })
        void ended.then(() => reject(new Error(`${label} has ended without ${pattern}`)))
      }),
    do(command: string): void {
      process.stdout.write(`${label.padEnd(5)} > ${command.replaceAll(folder, '…')}\n`)
      child.stdin.write(`${command}\n`)
    },
    async end(signal?: 'SIGKILL'): Promise<void> {
      if (signal) child.kill(signal)
      else child.stdin.write('quit\n')
      await ended
    },
  }
}

try {
  const relay = start('relay.ts', 'relay')
  const port = (await relay.seen(/^relay \d+$/)).split(' ')[1] ?? ''
  const person = (name: string) => start('person.ts', name, name, join(folder, name), port)
  let [alice, bob, carol] = [person('alice'), person('bob'), person('carol')]
  for (const one of [alice, bob, carol]) await one.seen(/^ready/)

  // Two people who compare these digits know that the relay has shown them one another's true keys.
  alice.do('safety bob')
  bob.do('safety alice')
  const [a, b] = [await alice.seen(/^safety/), await bob.seen(/^safety/)].map((line) => line.split(': ')[1])
  if (a !== b) throw new Error('the safety numbers differ')

  alice.do('say bob Hello Bob')
  await bob.seen(/^alice: Hello Bob$/)
  bob.do('say alice Hello Alice')
  await alice.seen(/^bob: Hello Alice$/)

  // Killed, not asked to end: whatever was committed is there, and nothing is read twice. What comes meanwhile waits at the relay.
  await bob.end('SIGKILL')
  alice.do('say bob Are you still there?')
  bob = person('bob')
  await bob.seen(/^alice: Are you still there\?$/)
  bob.do('history')
  await bob.seen(/^stored: alice: Hello Bob$/)
  bob.do('say alice As if nothing had happened')
  await alice.seen(/^bob: As if nothing had happened$/)

  alice.do('group-create')
  await alice.seen(/^group 0/)
  for (const [name, one] of [
    ['bob', bob],
    ['carol', carol],
  ] as const) {
    alice.do(`group-add ${name}`)
    await one.seen(/^alice invites/)
    one.do('group-accept')
    await alice.seen(new RegExp(`^group \\d+:.* ${name}( |$)`))
  }
  await bob.seen(/^group 4:/)
  alice.do('group-say Hello everybody')
  for (const one of [bob, carol]) await one.seen(/^\[group\] alice: Hello everybody$/)
  carol.do('group-say Hello Alice and Bob')
  for (const one of [alice, bob]) await one.seen(/^\[group\] carol: Hello Alice and Bob$/)
  // The chain outlives its process, too.
  await carol.end('SIGKILL')
  carol = person('carol')
  await carol.seen(/^ready/)
  carol.do('group-say Back again')
  for (const one of [alice, bob]) await one.seen(/^\[group\] carol: Back again$/)
  alice.do('group-remove carol')
  await bob.seen(/^group 5: alice bob$/)
  alice.do('group-say Without Carol')
  await bob.seen(/^\[group\] alice: Without Carol$/)

  const film = join(folder, 'film.bin')
  const content = Buffer.alloc(3_000_000, 'a long film ')
  await writeFile(film, content)
  const sending = bob.seen(/^sent film.bin$/)
  bob.do(`file alice ${film}`)
  await sending
  const arrived = (await alice.seen(/^bob sent a file: /)).split(': ')[1] ?? ''
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  if (hash(await readFile(arrived)) !== hash(content)) throw new Error('another file')
  process.stdout.write(`The file has arrived as it was: ${content.length} bytes.\n`)

  for (const one of [alice, bob, carol]) await one.end()
  await relay.end('SIGKILL')
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
}
