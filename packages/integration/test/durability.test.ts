import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { signInTerminal, startServer } from '../src/processes.js'
import { readTrace, stracePath, traceArguments } from '../src/trace.js'

const strace = stracePath()
if (!strace && process.env.CI) throw new Error('strace is missing: apt-get install strace')

/** SIGKILL proves nothing about a power cut; the order of the system calls does. */
it.skipIf(!strace)(
  'durability: the log is synced between reading a send and writing its acknowledgement (needs: apt-get install strace)',
  { timeout: 120_000 },
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'securechat-trace-'))
    const output = join(dir, 'trace')
    const server = await startServer({ data: join(dir, 'data'), wrap: traceArguments(strace as string, output) })
    const ended: Promise<unknown>[] = [server.exited]
    try {
      const alice = await signInTerminal(server, { store: join(dir, 'alice.db'), phone: '+14155550100', name: 'Alice' })
      const bob = await signInTerminal(server, { store: join(dir, 'bob.db'), phone: '+14155550101', name: 'Bob' })
      ended.push(alice.exited, bob.exited)
      alice.write('/new +14155550101')
      await alice.event(({ event }) => event === 'opened', { what: 'the chat' })
      // One message at a time, larger than any other frame, so that its read stands out in the trace.
      const texts = Array.from({ length: 8 }, (_, i) => `${i}`.padEnd(6_000, 'x'))
      for (const text of texts) {
        alice.write(text)
        await bob.event((event) => event.event === 'message' && event.text === text, { what: 'a message' })
      }
      await Promise.all([alice.kill('SIGTERM'), bob.kill('SIGTERM')])
      expect(await server.kill('SIGTERM')).toBe(0)
      // The tracer writes its last lines after the server's end.
      await expect.poll(() => readFileSync(output, 'utf8').includes('+++ exited with 0 +++'), { timeout: 10_000 }).toBe(true)

      const calls = readTrace(readFileSync(output, 'utf8'), 6_000)
      let proven = 0
      for (const [at, call] of calls.entries()) {
        if (call.kind !== 'receive') continue
        const after = calls.slice(at + 1)
        const answer = after.findIndex(({ kind }) => kind === 'answer')
        expect(answer, 'each send is acknowledged').toBeGreaterThan(-1)
        const between = after.slice(0, answer).map(({ kind }) => kind)
        const written = between.indexOf('log-write')
        expect(written, 'the send reaches the log before its acknowledgement').toBeGreaterThan(-1)
        expect(between.lastIndexOf('sync'), 'the log is synced after that and before the acknowledgement').toBeGreaterThan(written)
        proven++
      }
      expect(proven).toBeGreaterThanOrEqual(texts.length)
    } finally {
      if (server.child.exitCode === null && server.child.signalCode === null) await server.kill()
      await Promise.all(ended.slice(0, 1))
      rmSync(dir, { recursive: true, force: true })
    }
  },
)
