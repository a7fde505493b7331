import { type Client, createClient } from '@securechat/client'
import type { CryptoProvider, KeyPair } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import type { Logger } from '@securechat/protocol'
import { createServer, memoryStore, type Server, type ServerStore } from '@securechat/server'
import { MemoryDisk, memoryStorage, type StorageKeeping } from '@securechat/storage'
import type { Transport } from '@securechat/transport'
import { type Faults, faultyTransport } from '@securechat/transport/faults'
import { loopbackTransport } from '@securechat/transport/loopback'
import { type CrashPoints, createCrashPoints } from './crash-points.js'
import { createFakeClock, type FakeClock, turn } from './fake-clock.js'
import { createMaliciousPeer, type MaliciousPeer } from './malicious/peer.js'
import { createMaliciousServer, type MaliciousServer } from './malicious/server.js'
import { seededRandom } from './seeded-random.js'
import type { TestTab } from './test-browser.js'

export interface TestNetworkOptions {
  /** Chooses the faults and every random byte; a run with the same seed and the same calls is the same run. */
  readonly seed?: number
  /** Default: `memoryStore()`. */
  readonly store?: ServerStore
  /** Of the clients; default: libsodium. For a provider that counts, or that lacks a property on purpose. */
  readonly crypto?: CryptoProvider
  /** Of the clients; default: silent. */
  readonly logger?: Logger
  /** Put around the transport of each client, nearest to the server. For a server that misbehaves there is `net.malicious`. */
  readonly wrap?: (transport: Transport, name: string) => Transport
}

export interface TestClient extends Client {
  readonly name: string
  readonly phone: string
  /** What outlives the client; `disk.clone()` is a copy of this moment, as a backup of the whole machine would be. */
  readonly disk: MemoryDisk
  /** Closes this client and opens another on the same store, as a restarted app does. */
  restart(): Promise<TestClient>
  /** Ends it as kill -9 does: nothing of it is stored, sent or told any more. `net.client(name, { disk, phone })` continues. */
  kill(): void
}

export interface TestClientOptions {
  /** Continues what an earlier client left there. */
  readonly disk?: MemoryDisk
  /** Default: the next free one. */
  readonly phone?: string
  /** Registers although the number has keys: a new phone without the old one. */
  readonly replaceKeys?: boolean
  /** Joins this client's account as a further device, by linking; its primary device does the other half. */
  readonly linkedTo?: TestClient
  /** What the account's devices call it; default: its name. */
  readonly deviceName?: string
  /** Days after which the primary device takes idle ones off the list. */
  readonly idleDeviceDays?: number
  /** Of the account's registration lock. */
  readonly pin?: string
  /** With `linkedTo`: what its primary device offers. Default: no history. */
  readonly history?: boolean | { readonly since: number }
  /** Opens the client and neither registers nor starts it. */
  readonly signedOut?: boolean
  /** Named by a new account's first manifest; of an account that names it, the keys are recovered. */
  readonly recoveryKey?: KeyPair
  /** Default: true. */
  readonly start?: boolean
  /** The tab that it runs in (`createTestBrowser`). */
  readonly tab?: TestTab
  /** What its platform says of the store; default: nothing, as outside browsers. */
  readonly keeping?: StorageKeeping
  /** The process that it runs in, and where that dies. */
  readonly crash?: CrashPoints
}

/** The server as an attacker, and attackers with accounts. */
export interface Malicious extends MaliciousServer {
  /** Registers an account whose keys and protocol are in the test's hands. */
  peer(name: string): Promise<MaliciousPeer>
}

export interface TestNetwork {
  readonly clock: FakeClock
  readonly server: Server
  /** The server's store: what whoever runs it can see and do. */
  readonly store: ServerStore
  /** Faults of every connection: loss, duplication, reordering, delay, corruption, cuts, refusal. */
  readonly faults: Faults
  /** Stands between all clients and the server; honest until a handler is set. */
  readonly malicious: Malicious
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

interface Opening extends Pick<TestClientOptions, 'deviceName' | 'idleDeviceDays' | 'tab' | 'keeping'> {
  readonly phone: string
  readonly disk: MemoryDisk
  readonly crash: CrashPoints
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
  const crypto = options.crypto ?? (await sodiumProvider())
  const store = options.store ?? memoryStore()
  const server = createServer({
    store,
    clock,
    random,
    otp: { send: async ({ phone, code }) => void codes.push({ phone, code }) },
  })
  const faulty = faultyTransport(
    loopbackTransport((socket) => server.connect(socket)),
    { clock, random: number },
  )
  const malicious = createMaliciousServer()
  const clients = new Map<TestClient, CrashPoints>()
  const peers = new Set<MaliciousPeer>()
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

  const living = (): TestClient[] => [...clients].flatMap(([client, { dead }]) => (dead ? [] : [client]))

  /** Between two tries, which lie up to a minute apart: quiet, but not at rest. */
  const reconnecting = (): boolean => living().some((client) => ['connecting', 'offline'].includes(client.connection.state().status))

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

  const nextPhone = (): string => `+1415555${1000 + people++}`
  const codeOf = (phone: string): string => codes.filter((sent) => sent.phone === phone).at(-1)?.code ?? ''
  const wayOf = (name: string): Transport => malicious.between(name, options.wrap ? options.wrap(faulty.transport, name) : faulty.transport)

  const open = async (name: string, opening: Opening): Promise<TestClient> => {
    const { phone, disk, crash, deviceName = name, idleDeviceDays, tab, keeping } = opening
    const transport = counted(crash.wrapTransport(wayOf(name)))
    const client = await createClient({
      storage: { ...crash.wrapStorage(memoryStorage({ disk })), ...(keeping && { keeping }) },
      transport,
      clock,
      random,
      crypto,
      deviceName,
      ...(idleDeviceDays !== undefined && { idleDeviceDays }),
      ...(options.logger && { logger: options.logger }),
      ...(tab && { lock: tab.lock, tabs: tab.tabs }),
    })
    const test: TestClient = Object.assign(Object.create(client) as Client, {
      name,
      phone,
      disk,
      kill: () => {
        crash.kill()
      },
      restart: async () => {
        clients.delete(test)
        await drive(client.close())
        const next = await open(name, { ...opening, crash: unharmed() })
        await next.start()
        return next
      },
    })
    clients.set(test, crash)
    disks.add(disk)
    return test
  }

  return {
    clock,
    server,
    store,
    faults: faulty.faults,
    malicious: Object.assign(malicious.server, {
      async peer(name: string) {
        const network = { transport: counted(faulty.transport), clock, random, provider: crypto, codeOf }
        const peer = await drive(createMaliciousPeer(network, { name, phone: nextPhone() }))
        peers.add(peer)
        return peer
      },
    }),
    codes,
    advance,
    drive,
    settle,
    async client(
      name,
      {
        disk = new MemoryDisk(),
        phone = nextPhone(),
        replaceKeys = false,
        recoveryKey,
        start = true,
        crash = unharmed(),
        linkedTo,
        history,
        signedOut = false,
        pin,
        ...rest
      } = {},
    ) {
      const client = await open(name, { phone: linkedTo?.phone ?? phone, disk, crash, ...rest })
      if (signedOut) return client
      if (linkedTo && (await client.account.state()).status === 'signed-out') await drive(link(client, linkedTo, history === undefined ? {} : { history }))
      if ((await client.account.state()).status === 'signed-out') {
        const login = await drive(client.account.requestCode({ phone }))
        await drive(login.confirm({ code: codeOf(phone), replaceKeys, ...(recoveryKey && { recoveryKey }), ...(pin !== undefined && { pin }) }))
        await drive(client.account.setProfile({ name }))
      }
      if (start) await client.start()
      return client
    },
    async close() {
      const ended = Promise.all([...living().map((client) => client.close()), ...[...peers].map(({ connection }) => connection.stop())])
      await drive(ended.then(() => server.close()))
    },
  }
}

/** What two people in one room do. */
async function link(newcomer: Client, primary: Client, options: { readonly history?: boolean | { readonly since: number } }): Promise<void> {
  const request = await newcomer.devices.requestLink()
  const scan = await primary.devices.scanLink(request.code)
  const invitation = await request.answered()
  await Promise.all([scan.approve(invitation.digits, options), invitation.confirm()])
}

/** Rows of the client's outbox: the prefix of its key layout. */
const OUTBOX_PREFIX = 'outbox/'

/** A process that only `kill` ends; its steps are not counted. */
const unharmed = (): CrashPoints => createCrashPoints({ from: () => false })
