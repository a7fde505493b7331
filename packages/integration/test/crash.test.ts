import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@securechat/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type LedgerProxy, ledgerProxy } from '../src/ledger-proxy.js'
import { type LineProcess, type ServerProcess, signInTerminal, startServer, startTerminal, type TerminalProcess } from '../src/processes.js'
import { storedMessages } from '../src/stored-messages.js'

/** Counted kills: 10 in the test command, 100 in CI's own step (SECURECHAT_KILLS). */
const KILLS = Number(process.env.SECURECHAT_KILLS ?? 10)
const SEED = Number(process.env.SECURECHAT_SEED ?? 20261122)
const ALICE = '+14155550100'
const BOB = '+14155550101'

describe('SIGKILL under traffic', () => {
  const ending: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  const scene = async () => {
    const dir = mkdtempSync(join(tmpdir(), 'securechat-crash-'))
    ending.push(() => rmSync(dir, { recursive: true, force: true }))
    const running = new Set<LineProcess>()
    ending.push(() => Promise.all([...running].map((process) => process.kill())))
    const track = <P extends LineProcess>(process: P): P => {
      running.add(process)
      void process.exited.then(() => running.delete(process))
      return process
    }
    let server: ServerProcess = track(await startServer({ data: join(dir, 'data') }))
    const port = server.port
    // One for each terminal, so that it is known whose frames are under way.
    const [alices, bobs] = [await ledgerProxy(() => `http://127.0.0.1:${port}`), await ledgerProxy(() => `http://127.0.0.1:${port}`)]
    ending.push(() => Promise.all([alices.close(), bobs.close()]))
    const stores = { alice: join(dir, 'alice.db'), bob: join(dir, 'bob.db') }
    // Terminals talk to their proxy; the codes are read from the server.
    const via = (proxy: LedgerProxy): ServerProcess => Object.assign(Object.create(server) as ServerProcess, { url: proxy.url })
    const alice = track(await signInTerminal(via(alices), { store: stores.alice, phone: ALICE, name: 'Alice' }))
    const bob = track(await signInTerminal(via(bobs), { store: stores.bob, phone: BOB, name: 'Bob' }))
    alice.write(`/new ${BOB}`)
    await alice.event(({ event }) => event === 'opened', { what: 'the chat' })
    alice.write('hello')
    await bob.event(({ event, text }) => event === 'message' && text === 'hello', { what: 'the first message' })
    bob.write('/open 1')
    bob.write('/accept')
    return {
      alices,
      bobs,
      stores,
      alice,
      bob,
      track,
      restartServer: async () => {
        server = track(await startServer({ data: join(dir, 'data'), port }))
        return server
      },
      killServer: () => server.kill(),
    }
  }

  /** Everything that was confirmed as queued arrived, once, in order; nothing else did; and no key carried two texts. */
  const verdict = async (scene: { alices: LedgerProxy; bobs: LedgerProxy; stores: { alice: string; bob: string } }, confirmed: string[]) => {
    const [mine, theirs] = await Promise.all([storedMessages(scene.stores.alice), storedMessages(scene.stores.bob)])
    const sent = mine.filter((message) => message.mine).map((message) => message.text)
    const received = theirs.filter((message) => !message.mine).map((message) => message.text)
    expect(new Set(sent).size).toBe(sent.length)
    expect(received).toEqual(sent)
    for (const text of confirmed) expect(sent).toContain(text)
    expect([...scene.alices.reused, ...scene.bobs.reused]).toEqual([])
    expect(scene.alices.keys.size).toBeGreaterThanOrEqual(sent.length)
  }

  const drained = async (alice: TerminalProcess, bob: TerminalProcess, last: string, bobFrom = 0) => {
    await bob.event(({ event, text }) => event === 'message' && text === last, { from: bobFrom, timeoutMs: 60_000, what: 'the last message' })
    await alice.event(({ event, text, status }) => event === 'status' && text === last && (status === 'delivered' || status === 'sent' || status === 'read'), {
      timeoutMs: 60_000,
      what: 'the mark of the last message',
    })
  }

  it(`server: ${KILLS} kills with a message in flight lose, double and reuse nothing`, { timeout: 60_000 + KILLS * 12_000 }, async () => {
    const random = seededRandom(SEED)
    const stage = await scene()
    let counted = 0
    let kills = 0
    let number = 0
    const confirmed = () =>
      stage.alice
        .events()
        .filter(({ event, status }) => event === 'status' && status === 'queued')
        .map(({ text }) => String(text))
    while (counted < KILLS && kills < KILLS * 4) {
      const end = Date.now() + 30 + random.number() * 150
      while (Date.now() < end || (stage.alices.inFlight() === 0 && Date.now() < end + 3_000)) {
        stage.alice.write(`m${++number}`)
        await sleep(5 + random.number() * 30)
      }
      const inFlight = stage.alices.inFlight()
      await stage.killServer()
      kills++
      if (inFlight > 0) counted++
      await stage.restartServer()
      // After many failures the clients wait up to a minute; a person would press "try again".
      for (const terminal of [stage.alice, stage.bob]) terminal.write('/retry')
      const from = stage.bob.lines.length
      const probe = `probe${kills}`
      stage.alice.write(probe)
      await drained(stage.alice, stage.bob, probe, from)
    }
    await Promise.all([stage.alice.kill('SIGTERM'), stage.bob.kill('SIGTERM')])
    await verdict(stage, confirmed())
    process.stdout.write(`server: ${counted} kills counted of ${kills}, ${number} messages, ${stage.alices.repeated} sends repeated, seed ${SEED}\n`)
    expect(counted).toBe(KILLS)
  })

  it(`terminal: ${KILLS} kills with a message in flight lose, double and reuse nothing`, { timeout: 60_000 + KILLS * 12_000 }, async () => {
    const random = seededRandom(SEED + 1)
    const stage = await scene()
    let { alice, bob } = stage
    const confirmed: string[] = []
    const counted = { sending: 0, receiving: 0 }
    let kills = 0
    let number = 0
    while (counted.sending + counted.receiving < KILLS && kills < KILLS * 4) {
      // By turns the one that sends and the one that receives.
      const receiver = kills % 2 === 1
      const busy = (): boolean => (receiver ? stage.bobs.unacknowledged() : stage.alices.inFlight()) > 0
      const end = Date.now() + 30 + random.number() * 150
      while (Date.now() < end || (!busy() && Date.now() < end + 3_000)) {
        alice.write(`m${++number}`)
        await sleep(5 + random.number() * 30)
      }
      const counts = busy()
      await (receiver ? bob : alice).kill()
      kills++
      if (counts) counted[receiver ? 'receiving' : 'sending']++
      if (receiver) {
        bob = stage.track(startTerminal({ server: stage.bobs.url, store: stage.stores.bob }))
        await bob.event(({ event }) => event === 'ready', { what: 'the receiver after a kill' })
        continue
      }
      for (const { event, status, text } of alice.events()) if (event === 'status' && status === 'queued') confirmed.push(String(text))
      alice = stage.track(startTerminal({ server: stage.alices.url, store: stage.stores.alice }))
      await alice.event(({ event }) => event === 'ready', { what: 'the sender after a kill' })
      alice.write('/open 1')
      await alice.event(({ event }) => event === 'opened', { what: 'the chat after a kill' })
    }
    const from = bob.lines.length
    alice.write('the last')
    await drained(alice, bob, 'the last', from)
    await Promise.all([alice.kill('SIGTERM'), bob.kill('SIGTERM')])
    await verdict(stage, confirmed)
    process.stdout.write(
      `terminal: ${counted.sending} kills while sending and ${counted.receiving} while receiving counted of ${kills}, ${number} messages, ${stage.alices.repeated} sends repeated, seed ${SEED}\n`,
    )
    expect(counted.sending + counted.receiving).toBe(KILLS)
  })
})
