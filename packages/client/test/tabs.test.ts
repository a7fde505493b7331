import { SecureChatError, silentLogger, systemClock } from '@securechat/protocol'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import type { Connection } from '@securechat/transport'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../src/state/database.js'
import { createFence } from '../src/tabs/fence.js'
import { createLead, type Lead } from '../src/tabs/lead.js'
import type { LockPort } from '../src/tabs/lock.js'
import type { OpenTabPort } from '../src/tabs/port.js'
import { createRelay, type Relay } from '../src/tabs/relay.js'
import { createWriteQueue } from '../src/tabs/write-queue.js'
import { type ManualClock, manualClock, turns } from './harness.js'

const random = (length: number): Uint8Array => new Uint8Array(length).fill(7)

interface Tab {
  readonly relay: Relay
  status: Lead['status']
  steals: number
  /** Calls that reached its connection, and what it answers. */
  readonly called: { readonly name: string; readonly signal: AbortSignal | undefined; readonly timeoutMs: number | undefined }[]
  answer: () => Promise<unknown>
  /** The lead has changed. */
  turn(status: Lead['status']): void
}

/** Tabs on one channel, whose lead the test gives and takes. */
function channel(): { readonly clock: ManualClock; readonly tab: (name: string) => Tab; readonly post: (message: unknown) => void; readonly heard: unknown[] } {
  const clock = manualClock()
  const ports = new Set<(message: unknown) => void>()
  const heard: unknown[] = []
  const open: OpenTabPort = (_, hear) => {
    ports.add(hear)
    return {
      post(message) {
        const copy: unknown = structuredClone(message)
        heard.push(copy)
        for (const other of ports) if (other !== hear) queueMicrotask(() => ports.has(other) && other(copy))
      },
      close: () => void ports.delete(hear),
    }
  }
  const tab = (self: string): Tab => {
    const connection: Partial<Connection> = {
      call: ((name: string, _input: unknown, { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs?: number } = {}) => {
        made.called.push({ name, signal, timeoutMs })
        return new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new SecureChatError('request/aborted')))
          made.answer().then(resolve as (value: unknown) => void, reject)
        })
      }) as Connection['call'],
    }
    const made: Tab = {
      status: 'idle',
      steals: 0,
      called: [],
      answer: async () => ({ account: null }),
      turn(status) {
        made.status = status
        made.relay.look()
      },
      relay: createRelay({
        open,
        name: 'a store',
        self,
        clock,
        logger: silentLogger,
        connection: connection as Connection,
        lead: () => ({ ...({} as Lead), status: made.status, steal: () => void made.steals++ }),
        state: () => ({ status: 'online', synced: true }),
        isRunning: () => true,
        onLeader: () => {},
        onYield: () => {},
        onEvent: () => {},
        onTyping: () => {},
        onDeparting: () => {},
      }),
    }
    return made
  }
  return {
    clock,
    tab,
    heard,
    post: (message) => {
      for (const hear of [...ports]) hear(message)
    },
  }
}
const never = (): Promise<never> => new Promise(() => {})
const look = (tab: Tab, options = {}) => tab.relay.call('server.capabilities', {}, options)

describe('calls through the tab that leads', () => {
  it('attack 25: are made by the leader they were given to, and by no other tab that believes that it leads', async () => {
    const { tab } = channel()
    const [first, second, third] = [tab('first'), tab('second'), tab('third')]
    first.turn('held')
    third.turn('waiting')
    await turns()
    second.turn('held')
    await turns()
    expect(await look(third, { timeoutMs: 5_000 })).toEqual({ account: null })
    expect(first.called).toEqual([])
    expect(second.called).toMatchObject([{ name: 'server.capabilities', timeoutMs: 5_000 }])
  })

  it('end with the leader they were given to, whoever leads next, as with a connection that breaks', async () => {
    const { tab } = channel()
    const [first, second, third] = [tab('first'), tab('second'), tab('third')]
    first.answer = never
    first.turn('held')
    second.turn('waiting')
    third.turn('waiting')
    await turns()
    const call = look(third)
    await turns()
    // The first one has died without a word.
    second.turn('held')
    await expect(call).rejects.toMatchObject({ code: 'network/closed', retry: 'later' })
    expect(await look(third)).toEqual({ account: null })
  })

  it('end when the leader loses the lead: not with the abort that it makes of it', async () => {
    const { tab } = channel()
    const [first, second] = [tab('first'), tab('second')]
    first.answer = never
    first.turn('held')
    second.turn('waiting')
    await turns()
    const call = look(second)
    await turns()
    first.turn('idle')
    await expect(call).rejects.toMatchObject({ code: 'network/closed' })
    expect(first.called[0]!.signal!.aborted).toBe(true)
  })

  it('are aborted by their caller, and answer nobody then', async () => {
    const { tab, heard } = channel()
    const [first, second] = [tab('first'), tab('second')]
    first.answer = never
    first.turn('held')
    second.turn('waiting')
    await turns()
    const controller = new AbortController()
    const call = look(second, { signal: controller.signal })
    await turns()
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'request/aborted' })
    await turns()
    expect(first.called[0]!.signal!.aborted).toBe(true)
    expect(heard.filter((message) => (message as { type: string }).type === 'answer')).toEqual([])
  })

  it('fail typed: what cannot travel, what the leader’s version does not know, and names of every object', async () => {
    const { tab } = channel()
    const [first, second] = [tab('first'), tab('second')]
    first.turn('held')
    second.turn('waiting')
    await turns()
    await expect(second.relay.call('server.capabilities', { a: () => {} } as never)).rejects.toMatchObject({ code: 'client/invalid-argument' })
    for (const name of ['calls.levitate', 'toString', '__proto__'])
      await expect(second.relay.call(name as never, {} as never)).rejects.toMatchObject({ code: 'protocol/unknown-operation' })
    first.answer = async () => ({ account: () => {} })
    await expect(look(second)).rejects.toMatchObject({ code: 'client/invalid-argument' })
    expect(first.called.length).toBe(1)
  })
})

describe('tabs of different versions', () => {
  it('a leader of another version that answers lives: its lead is not taken from it', async () => {
    const { clock, tab, post } = channel()
    const second = tab('second')
    second.turn('waiting')
    for (let n = 0; n < 20; n++) {
      await clock.advance(2_000)
      post({ v: 2, type: 'leader', something: 'new' })
    }
    expect([second.steals, second.relay.leader]).toEqual([0, undefined])
    await clock.advance(10_000)
    expect(second.steals).toBeGreaterThan(0)
  })

  it('a leader answers questions of every version, and acts on nothing else of them', async () => {
    const { tab, post, heard } = channel()
    const first = tab('first')
    first.turn('held')
    heard.length = 0
    for (const message of [{ v: 2, type: 'call', to: 'first.1', id: 'x', name: 'server.capabilities', input: {} }, { type: 'answer' }, null, 'ping', 7])
      post(message)
    expect([heard, first.called]).toEqual([[], []])
    post({ v: 2, type: 'ping' })
    expect(heard).toMatchObject([{ v: 1, type: 'leader', by: 'first.1' }])
  })
})

describe('the fence', () => {
  it('attack 25: whoever does not lead any more commits nothing, not even a row that nobody else has touched', async () => {
    const disk = new MemoryDisk()
    const deps = { clock: manualClock(), random }
    let broken = 0
    const [former, next] = Array.from({ length: 2 }, () => {
      const storage = memoryStorage({ disk })
      const db = createDatabase(storage, deps)
      const fence = createFence(storage, db)
      return { fence, db: db.guarded({ ...fence, onBroken: () => broken++ }) }
    }) as [
      { fence: ReturnType<typeof createFence>; db: ReturnType<typeof createDatabase> },
      { fence: ReturnType<typeof createFence>; db: ReturnType<typeof createDatabase> },
    ]
    const put = (db: typeof former.db, key: string): Promise<void> => db.run(async (tx) => tx.put(key, Uint8Array.of(1)))
    await expect(put(former.db, 'before')).rejects.toMatchObject({ code: 'storage/locked' })
    await former.fence.claim()
    await put(former.db, 'own')
    await next.fence.claim()
    await expect(put(former.db, 'foreign')).rejects.toMatchObject({ code: 'storage/locked' })
    await put(next.db, 'new')
    expect([...disk.entries.keys()].sort()).toEqual(['leader', 'new', 'own'])
    expect(broken).toBe(1)
  })
})

/** A lock without a way to find out that one holds it oneself. */
function oneLock(): LockPort & { readonly waiting: number } {
  const queue: (() => void)[] = []
  let held: object | undefined
  return {
    get waiting() {
      return queue.length
    },
    acquire: (_, { signal, onWait, steal }) =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          const mine = {}
          held = mine
          resolve(() => {
            if (held !== mine) return
            held = undefined
            queue.shift()?.()
          })
        }
        if (!held || steal) return give()
        queue.push(give)
        signal.addEventListener('abort', () => {
          if (!queue.includes(give)) return
          queue.splice(queue.indexOf(give), 1)
          reject(new SecureChatError('request/aborted'))
        })
        onWait()
      }),
  }
}

describe('the lead', () => {
  it('that was lost to a newer leader in the store is given back: nobody waits for it, this very tab least of all', async () => {
    const lock = oneLock()
    let lost = 0
    const lead = createLead({ lock, name: 'lead', onChange: () => {}, onLost: () => lost++ })
    const { signal } = new AbortController()
    await lead.acquire(signal)
    lead.lose()
    expect([lead.status, lost]).toEqual(['idle', 1])
    await lead.acquire(signal)
    expect([lead.status, lock.waiting]).toEqual(['held', 0])
  })
})

describe('turns at writing', () => {
  /** Tabs that count up one row, each as often as it can; every commit takes a while between its reading and its writing. */
  async function crowd(tabs: number, each: number, crowded: boolean): Promise<{ readonly runs: number; readonly sum: number }> {
    const [disk, lock, clock] = [new MemoryDisk(), oneLock(), systemClock]
    let runs = 0
    const dbs = Array.from({ length: tabs }, () => {
      const queue = createWriteQueue({ lock, name: 'writes', clock, isCrowded: () => crowded })
      return createDatabase(memoryStorage({ disk }), { clock, random, queue })
    })
    await Promise.all(
      dbs.map(async (db, tab) => {
        for (let n = 0; n < each; n++)
          await db.run(async (tx) => {
            runs++
            const [low = 0, high = 0] = (await tx.get('n')) ?? []
            // The first one is much slower than all others: without turns it would always come too late.
            await turns(crowded && tab === 0 ? 20 : 1)
            tx.put('n', Uint8Array.of((low + 1) % 256, high + (low === 255 ? 1 : 0)))
          })
      }),
    )
    const [low, high] = (await memoryStorage({ disk }).get('n'))!.value
    return { runs, sum: low! + 256 * high! }
  }

  it('with others there no commit is tried twice', async () => {
    expect(await crowd(5, 60, true)).toEqual({ runs: 300, sum: 300 })
  })

  it('nobody who does not know of the others is kept from writing', async () => {
    const { runs, sum } = await crowd(5, 20, false)
    expect(sum).toBe(100)
    expect(runs).toBeGreaterThan(100)
  })

  it('the turn of a frozen tab is taken from it, and a lock that fails stops nobody', async () => {
    const [lock, clock] = [oneLock(), manualClock()]
    const { signal } = new AbortController()
    await lock.acquire('writes', { signal, onWait: () => {} })
    const queue = createWriteQueue({ lock, name: 'writes', clock, isCrowded: () => true })
    const db = createDatabase(memoryStorage(), { clock, random, queue })
    const run = db.run(async (tx) => tx.put('a', Uint8Array.of(1)))
    await clock.advance(6_000)
    await run
    const failing: LockPort = { acquire: () => Promise.reject(new SecureChatError('storage/locked')) }
    const other = createDatabase(memoryStorage(), { clock, random, queue: createWriteQueue({ lock: failing, name: 'writes', clock, isCrowded: () => true }) })
    await other.run(async (tx) => tx.put('a', Uint8Array.of(1)))
  })
})
