import { type CryptoProvider, decodeManifest } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import {
  type AccountId,
  type Clock,
  type DeviceId,
  type MailboxRow,
  type MessageId,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  SecureChatError,
  type SendFrame,
  silentLogger,
  toBase64Url,
} from '@securechat/protocol'
import { type ClientStorage, MemoryDisk, memoryStorage } from '@securechat/storage'
import type { Connection, ConnectionSnapshot } from '@securechat/transport'
import { createRegistrar, prepareRegistration } from '../src/account/registration.js'
import { type Context, createIdentity } from '../src/context.js'
import { createEvents } from '../src/events.js'
import { openStore } from '../src/open-store.js'
import { createDatabase } from '../src/state/database.js'

let provider: Promise<CryptoProvider> | undefined
export const sodium = (): Promise<CryptoProvider> => {
  provider ??= sodiumProvider()
  return provider
}

/** Deterministic: a counter through BLAKE2b. */
export function seededRandom(crypto: CryptoProvider, seed: number) {
  let count = 0
  return (length: number): Uint8Array => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 64)
      out.set(crypto.blake2b(64, new TextEncoder().encode(`${seed}/${count++}`)).subarray(0, Math.min(64, length - at)), at)
    return out
  }
}

export interface ManualClock extends Clock {
  advance(milliseconds: number): Promise<void>
}

/** Lets everything run that waits for nothing but promises. */
export const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start
  const timers = new Set<{ due: number; callback: () => void }>()
  return {
    now: () => now,
    after(milliseconds, callback) {
      const timer = { due: now + milliseconds, callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(milliseconds) {
      const end = now + milliseconds
      await turns(5)
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        timers.delete(next)
        now = Math.max(now, next.due)
        next.callback()
        await turns(5)
      }
      now = end
      await turns(5)
    },
  }
}

type Answers = { [Name in OperationName]?: (input: OperationInput<Name>) => OperationOutput<Name> | Promise<OperationOutput<Name>> }

export interface Script {
  readonly connection: Connection
  /** What the server says to each operation; without an entry it cannot be reached. */
  readonly answers: Answers
  /** Every send, in order, as it was asked for. */
  readonly sends: SendFrame[]
  /** Throws what the server refuses with. */
  onSend: (frame: SendFrame) => void | Promise<void>
  readonly acknowledged: number[]
  setOnline(online: boolean): void
}

/** A connection that does what the test says. */
export function scriptedConnection(self: () => { accountId: AccountId; deviceId: DeviceId } | undefined): Script {
  const listeners = new Set<() => void>()
  let online = true
  const script: Script = {
    answers: {},
    sends: [],
    onSend: () => {},
    acknowledged: [],
    setOnline(next) {
      online = next
      for (const listener of [...listeners]) listener()
    },
    connection: {
      start() {},
      stop: async () => {},
      state(): ConnectionSnapshot {
        const account = self()
        return online ? { status: 'online', serverTimeOffset: 0, ...(account && { account }) } : { status: 'offline', serverTimeOffset: 0 }
      },
      subscribe(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      async call(name, input) {
        const answer = script.answers[name]
        if (!answer || !online) throw new SecureChatError('network/unreachable')
        return (await (answer as (input: unknown) => unknown)(input)) as OperationOutput<typeof name>
      },
      async send(frame) {
        if (!online) throw new SecureChatError('network/closed')
        script.sends.push(frame)
        await script.onSend(frame)
        return { time: 0 }
      },
      acknowledge: (upTo) => void script.acknowledged.push(upTo),
      retryNow() {},
      reauthenticate() {},
    },
  }
  return script
}

export interface Person {
  readonly context: Context
  readonly script: Script
  readonly clock: ManualClock
  readonly disk: MemoryDisk
  readonly phone: string
  /** What the server has of this account. */
  readonly server: { manifests: Uint8Array[]; preKeys: { signed: Uint8Array; lastResort: Uint8Array; oneTime: Uint8Array[] } }
}

export interface PersonOptions {
  readonly seed: number
  readonly clock: ManualClock
  readonly disk?: MemoryDisk
  readonly wrap?: (storage: ClientStorage) => ClientStorage
  readonly server?: Person['server']
}

const idOf = (seed: number): AccountId => toBase64Url(new Uint8Array(16).fill(seed)) as AccountId

const registered = new Map<number, { disk: MemoryDisk; server: Person['server'] }>()

/** A context on a store; without a store a registered account, made once for each seed. */
export async function person(options: PersonOptions): Promise<Person> {
  if (options.disk) return openPerson(options)
  let known = registered.get(options.seed)
  if (!known) {
    const { disk, server } = await openPerson({ ...options, wrap: (storage) => storage })
    known = { disk: disk.clone(), server: structuredClone(server) }
    registered.set(options.seed, known)
  }
  return openPerson({ ...options, disk: known.disk.clone(), server: structuredClone(known.server) })
}

async function openPerson({ seed, clock, disk = new MemoryDisk(), wrap = (storage) => storage, server }: PersonOptions): Promise<Person> {
  const crypto = await sodium()
  const random = seededRandom(crypto, seed * 1_000_000 + disk.clone().counter)
  const { storage } = await openStore({ storage: wrap(memoryStorage({ disk })), provider: crypto, random, clock })
  const db = createDatabase(storage, { clock, random })
  const identity = createIdentity(db)
  let signedIn: { accountId: AccountId; deviceId: DeviceId } | undefined = server && { accountId: idOf(seed), deviceId: 1 as DeviceId }
  const script = scriptedConnection(() => signedIn)
  const network: Context['network'] = {
    connection: script.connection,
    open: async () => {},
    call: (name, input, options) => script.connection.call(name, input, options),
    get online() {
      return script.connection.state().status === 'online'
    },
    refused: false,
    untilOnline: (signal) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!signal.aborted && !network.online) return
          end()
          resolve()
        }
        const end = script.connection.subscribe(look)
        signal.addEventListener('abort', look)
        look()
      }),
    close: async () => {},
    yield: async () => {},
    allow() {},
  }
  const context: Context = { storage, db, provider: crypto, clock, random, logger: silentLogger, events: createEvents(silentLogger), network, identity }
  const known = server ?? { manifests: [], preKeys: { signed: new Uint8Array(), lastResort: new Uint8Array(), oneTime: [] } }
  const made: Person = { context, script, clock, disk, phone: `+1415555${1000 + seed}`, server: known }
  script.answers['account.register'] = ({ manifest, deviceId, preKeys }) => {
    known.manifests = [manifest]
    known.preKeys = { signed: preKeys.signed!, lastResort: preKeys.lastResort!, oneTime: [...(preKeys.oneTime ?? [])] }
    signedIn = { accountId: idOf(seed), deviceId: deviceId as DeviceId }
    const tokens = { accessToken: 'a'.repeat(20), accessExpiresAt: clock.now() + 600_000, refreshToken: 'r'.repeat(20) }
    return { accountId: idOf(seed), deviceId: deviceId as DeviceId, tokens }
  }
  if (!server) {
    await prepareRegistration(context, { phone: made.phone, confirmed: confirmed(seed), replaceKeys: false })
    await createRegistrar(context).complete()
  }
  return made
}

export const confirmed = (seed: number) => ({
  registrationToken: 't'.repeat(20),
  expiresAt: 0,
  account: { accountId: idOf(seed), exists: false, manifestVersion: 0, nextDeviceId: 1 as DeviceId },
})

/** The two know each other's lists and prekeys, through what a server would answer. */
export function introduce(people: readonly Person[]): void {
  for (const { script, context } of people) {
    const find = (accountId: AccountId): Person => people.find((other) => decodeManifest(context.provider, other.server.manifests[0]!).accountId === accountId)!
    script.answers['devices.manifest'] = ({ accountId, after = 0 }) => ({
      manifests: find(accountId).server.manifests.filter((bytes) => decodeManifest(context.provider, bytes).version > after),
      more: false,
    })
    script.answers['prekeys.fetch'] = ({ accountId }) => {
      const { signed, lastResort, oneTime } = find(accountId).server.preKeys
      const next = oneTime.shift()
      return { bundles: [{ deviceId: 1 as DeviceId, signed, lastResort, ...(next && { oneTime: next }) }] }
    }
  }
}

/** The mailbox row that a send makes for its first recipient. */
export async function rowOf(sender: Person, frame: SendFrame, sequence: number): Promise<MailboxRow> {
  const { accountId, deviceId } = await sender.context.identity.self()
  return { sequence, time: sender.clock.now(), sender: { accountId, deviceId }, envelope: frame.recipients[0]!.envelope.slice() }
}

export const messageId = (n: number): MessageId => toBase64Url(new Uint8Array(16).fill(n)) as MessageId

/** A store that dies with the commit of this number: before it takes effect, or right after it, before anybody hears of it. */
export function dyingStorage(
  inner: ClientStorage,
  { at, before }: { readonly at: number; readonly before: boolean },
): ClientStorage & { readonly dead: boolean; readonly commits: number } {
  let commits = 0
  let dead = false
  const alive = <T>(run: () => Promise<T>): Promise<T> => (dead ? new Promise<T>(() => {}) : run())
  return {
    get dead() {
      return dead
    },
    get commits() {
      return commits
    },
    get: (key) => alive(() => inner.get(key)),
    getMany: (keys) => alive(() => inner.getMany(keys)),
    list: (prefix, range) => alive(() => inner.list(prefix, range)),
    async commit(writes, options) {
      if (dead) return new Promise(() => {})
      commits++
      if (commits === at) {
        dead = true
        if (!before) await inner.commit(writes, options)
        return new Promise(() => {})
      }
      return inner.commit(writes, options)
    },
    watch: (prefix, listener) => inner.watch(prefix, (keys) => dead || listener(keys)),
    close: () => inner.close(),
  }
}
