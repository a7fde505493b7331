import { type Client, createClient } from '@securechat/client'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { createServer, memoryStore, type Server, type ServerStore } from '@securechat/server'
import { MemoryDisk, memoryStorage } from '@securechat/storage'
import type { Transport } from '@securechat/transport'
import { type Faults, faultyTransport } from '@securechat/transport/faults'
import { loopbackTransport } from '@securechat/transport/loopback'
import { createFakeClock, type FakeClock, turn } from './fake-clock.js'
import { seededRandom } from './seeded-random.js'

export interface TestNetworkOptions {
  /** Chooses the faults and every random byte; a run with the same seed and the same calls is the same run. */
  readonly seed?: number
  /** Default: `memoryStore()`. */
  readonly store?: ServerStore
  /** Put around the transport of each client, nearest to the server: a place for a malicious server. */
  readonly wrap?: (transport: Transport, name: string) => Transport
}

export interface TestClient extends Client {
  readonly name: string
  readonly phone: string
  /** What outlives the client; `disk.clone()` is a copy of this moment, as a backup of the whole machine would be. */
  readonly disk: MemoryDisk
  /** Closes this client and opens another on the same store, as a restarted app does. */
  restart(): Promise<TestClient>
}

export interface TestClientOptions {
  /** Continues what an earlier client left there. */
  readonly disk?: MemoryDisk
  /** Default: the next free one. */
  readonly phone?: string
  /** Registers although the number has keys: a new phone without the old one. */
  readonly replaceKeys?: boolean
  /** Default: true. */
  readonly start?: boolean
}

export interface TestNetwork {
  readonly clock: FakeClock
  readonly server: Server
  /** Faults of every connection: loss, duplication, reordering, delay, corruption, cuts, refusal. */
  readonly faults: Faults
  /** Registers an account with the next free number and starts its client. `disk` continues an existing one. */
  client(name: string, options?: TestClientOptions): Promise<TestClient>
  /** Moves the clock, giving the network the time it needs in reality at every step. */
  advance(milliseconds: number): Promise<void>
  /** Runs a promise to its end, moving the fake clock whenever everything waits. Rejects after `limitMs` of fake time. */
  drive<T>(promise: Promise<T>, limitMs?: number): Promise<T>
  /** Moves the clock until nothing is queued anywhere and nothing but heartbeats has happened for a while. */
  settle(limitMs?: number): Promise<void>
  /** Every code sent so far, newest last. */
  readonly codes: readonly { phone: string; code: string }[]
  close(): Promise<void>
}

const TURNS = 10
/** The clock never moves further than this at once. */
const STEP_MS = 250
const QUIET_MS = 5_000
const HOUR = 3_600_000

/** A server and clients in this process, without ports, on a fake clock. */
export async function createTestNetwork(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const seed = options.seed ?? 1
  const clock = createFakeClock()
  const { bytes: random, number } = seededRandom(seed)
  const codes: { phone: string; code: string }[] = []
  const crypto = await sodiumProvider()
  const server = createServer({
    store: options.store ?? memoryStore(),
    clock,
    random,
    otp: { send: async ({ phone, code }) => void codes.push({ phone, code }) },
  })
  const faulty = faultyTransport(
    loopbackTransport((socket) => server.connect(socket)),
    { clock, random: number },
  )
  const clients = new Set<TestClient>()
  const disks = new Set<MemoryDisk>()
  let activity = 0
  let people = 0

  const counted = (inner: Transport): Transport => ({
    kind: inner.kind,
    open: async (handlers, openOptions) => {
      const channel = await inner.open(
        {
          onMessage: (message) => {
            activity++
            handlers.onMessage(message)
          },
          onClose: (error) => {
            activity++
            handlers.onClose(error)
          },
        },
        openOptions,
      )
      return {
        send: (message) => {
          activity++
          channel.send(message)
        },
        get bufferedBytes() {
          return channel.bufferedBytes
        },
        close: () => channel.close(),
      }
    },
  })

  /**
   * Lets everything run that does not wait for time. Turns of the event loop do not cover the host's thread pool (Web Crypto
   * signs there), so it is also given a moment of real time, and the clock then moves in small steps: a call that takes long in
   * reality must not run into a simulated timeout.
   */
  const calm = async (): Promise<void> => {
    for (let seen = -1; seen !== activity; ) {
      seen = activity
      for (let i = 0; i < TURNS; i++) await turn()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
  const step = async (limit: number): Promise<void> => {
    await calm()
    const next = clock.next() ?? limit
    await clock.advance(Math.max(1, Math.min(next, clock.now() + STEP_MS, limit) - clock.now()))
  }
  const advance = async (milliseconds: number): Promise<void> => {
    const end = clock.now() + milliseconds
    while (clock.now() < end) await step(end)
    await calm()
  }

  const drive = async <T>(promise: Promise<T>, limitMs = HOUR): Promise<T> => {
    let ended = false
    const finish = (): void => {
      ended = true
    }
    promise.then(finish, finish)
    const end = clock.now() + limitMs
    for (await calm(); !ended; await calm()) {
      if (clock.now() >= end) throw new Error('the promise waits for something that time does not bring')
      await step(end)
    }
    return promise
  }

  const queued = async (): Promise<boolean> => {
    for (const disk of disks) {
      const storage = memoryStorage({ disk })
      const [row] = await storage.list(OUTBOX_PREFIX, { limit: 1 })
      await storage.close()
      if (row) return true
    }
    return false
  }

  /** Between two tries, which lie up to a minute apart: quiet, but not at rest. */
  const reconnecting = (): boolean => [...clients].some((client) => ['connecting', 'offline'].includes(client.connection.state().status))

  const settle = async (limitMs = HOUR): Promise<void> => {
    const end = clock.now() + limitMs
    let seen = -1
    let quietSince = clock.now()
    for (;;) {
      await calm()
      if (activity !== seen) {
        seen = activity
        quietSince = clock.now()
      }
      if (clock.now() - quietSince >= QUIET_MS && !reconnecting() && !(await queued())) return
      if (clock.now() >= end) throw new Error('the network does not come to rest')
      await step(end)
    }
  }

  const open = async (name: string, phone: string, disk: MemoryDisk): Promise<TestClient> => {
    const transport = counted(options.wrap ? options.wrap(faulty.transport, name) : faulty.transport)
    const client = await createClient({ storage: memoryStorage({ disk }), transport, clock, random, crypto })
    const test: TestClient = Object.assign(Object.create(client) as Client, {
      name,
      phone,
      disk,
      restart: async () => {
        clients.delete(test)
        await drive(client.close())
        const next = await open(name, phone, disk)
        await next.start()
        return next
      },
    })
    clients.add(test)
    disks.add(disk)
    return test
  }

  return {
    clock,
    server,
    faults: faulty.faults,
    codes,
    advance,
    drive,
    settle,
    async client(name, { disk = new MemoryDisk(), phone = `+1415555${1000 + people++}`, replaceKeys = false, start = true } = {}) {
      const client = await open(name, phone, disk)
      if ((await client.account.state()).status === 'signed-out') {
        const login = await drive(client.account.requestCode({ phone }))
        const code = codes.filter((sent) => sent.phone === phone).at(-1)?.code ?? ''
        await drive(login.confirm({ code, replaceKeys }))
        await drive(client.account.setProfile({ name }))
      }
      if (start) await client.start()
      return client
    },
    async close() {
      await drive(Promise.all([...clients].map((client) => client.close())).then(() => server.close()))
    },
  }
}

/** Rows of the client's outbox: the prefix of its key layout. */
const OUTBOX_PREFIX = 'outbox/'
