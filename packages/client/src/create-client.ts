import { type CryptoProvider, pooledRandom } from '@securechat/crypto'
import {
  asSecureChatError,
  type Clock,
  LIMITS,
  type Logger,
  type Random,
  SecureChatError,
  silentLogger,
  systemClock,
  systemRandom,
  toBase64Url,
} from '@securechat/protocol'
import type { ClientStorage, StoreLock } from '@securechat/storage'
import { createConnection, type Transport } from '@securechat/transport'
import { createAccount } from './account/account.js'
import { createProfiles } from './account/profile.js'
import { createRegistrar } from './account/registration.js'
import { keepSession } from './account/session-keeper.js'
import { continueWipe, type Departure, watchDeparture } from './account/sign-out.js'
import { signIn } from './account/tokens.js'
import { createBackups } from './backups/backups.js'
import { createConnectionView } from './connection-state.js'
import { consumeMessages } from './consume.js'
import { createContacts } from './contacts/contacts.js'
import { type Context, createIdentity } from './context.js'
import { createConversations } from './conversations/conversations.js'
import { presentMessage } from './conversations/present.js'
import { createReceipts } from './conversations/receipts.js'
import { createTyping } from './conversations/typing.js'
import { createViews } from './conversations/views.js'
import { createOwnDevices } from './devices/devices.js'
import { createManifests } from './devices/manifests.js'
import { tellRefusal } from './devices/own-list.js'
import { platformOf, storagePersists } from './devices/platform.js'
import { createSafety } from './devices/safety.js'
import { createEvents } from './events.js'
import { createAsker } from './healing/asker.js'
import { createHistory } from './history/history.js'
import { createLease, leasedNetwork } from './lease/lease.js'
import { createLifecycle } from './lifecycle.js'
import { createMaintenance } from './maintenance.js'
import { createNetwork } from './network.js'
import { openStore } from './open-store.js'
import type { Effects } from './receive/apply.js'
import { createReceiver } from './receive/pipeline.js'
import { createSender } from './send/pipeline.js'
import { readConversation } from './state/conversations.js'
import { createDatabase } from './state/database.js'
import { readCursor } from './state/inbox.js'
import { KEYS } from './state/keys.js'
import { type MessageRecord, readMessage } from './state/messages.js'
import { createStorageRisks } from './storage-risk/storage-risk.js'
import { createStoreLocks } from './store-key/locks.js'
import { createSync } from './sync/sync.js'
import { createFence } from './tabs/fence.js'
import { createLead } from './tabs/lead.js'
import { type LockPort, webLocks } from './tabs/lock.js'
import { broadcastTabs, type OpenTabPort } from './tabs/port.js'
import { createRelay } from './tabs/relay.js'
import { heardEvent, isMessageEvent, type SharedMessage, tellEvent } from './tabs/shared-events.js'
import { storeId } from './tabs/store-id.js'
import { createWriteQueue } from './tabs/write-queue.js'
import type { Client, Conversation, Message } from './types.js'
import { backoffMs, sleep } from './waiting.js'

export interface ClientOptions {
  /** Stays the caller's: `close()` does not close it. */
  readonly storage: ClientStorage
  readonly transport: Transport
  /**
   * What opens the store (`@securechat/client/locks`, `deviceLock` of storage-indexeddb); put on a store that has no lock yet. Without one the key that seals every row is
   * generated and lies in the same storage.
   */
  readonly unlock?: StoreLock
  /** Default: libsodium, loaded now. */
  readonly crypto?: CryptoProvider
  readonly clock?: Clock
  readonly random?: Random
  /** Default: silent. */
  readonly logger?: Logger
  /** What the account's other devices call this one until somebody renames it; at most 128 characters. The server never sees it. */
  readonly deviceName?: string
  /** What it runs on, for the same list; default: `browser`, `node` or what else this looks like. */
  readonly platform?: string
  /** Days after which the primary device takes a device that was not connected off the list. Default: 45. */
  readonly idleDeviceDays?: number
  /** Chooses the one tab that connects; the others work through it. Default: Web Locks, where there are any. */
  readonly lock?: LockPort
  /** Messages between the tabs of one store. Default: BroadcastChannel, where there is one and `lock` is not given. */
  readonly tabs?: OpenTabPort
}

/** How long another tab's leaving can take. */
const DEPARTURE_MS = 60_000

/**
 * Opens the store and gives a client on it. Connects to nothing before `start()` or a call that needs the server. Throws
 * `storage/unlock-needed`, `storage/wrong-key`, `storage/corrupt`, `storage/unavailable`, `protocol/unsupported-version` (stored by a newer version), `client/invalid-argument`.
 */
export async function createClient(options: ClientOptions): Promise<Client> {
  const {
    transport,
    clock = systemClock,
    logger = silentLogger,
    deviceName,
    platform = platformOf(globalThis),
    idleDeviceDays = LIMITS.idleDeviceDays,
  } = options
  for (const [detail, label] of Object.entries({ deviceName, platform }))
    if (label !== undefined && label.length > LIMITS.labelCharacters) throw new SecureChatError('client/invalid-argument', { detail })
  if (!(idleDeviceDays >= 1)) throw new SecureChatError('client/invalid-argument', { detail: 'idleDeviceDays' })
  const random = pooledRandom(options.random ?? systemRandom)
  const provider = options.crypto ?? (await defaultProvider())
  const { storage, key } = await openStore({ storage: options.storage, provider, random, clock, unlock: options.unlock })
  const { keeping } = options.storage
  await continueWipe({ storage, keeping })
  const name = `securechat/${toBase64Url(await storeId(storage, random))}`
  const lock = options.lock ?? webLocks()
  // A lock of the application's own may know one name only.
  const queue = lock && !options.lock ? createWriteQueue({ lock, name: `${name}/writes`, clock, isCrowded: () => relay?.inCompany ?? false }) : undefined
  const db = createDatabase(storage, { clock, random, queue })
  const events = createEvents(logger, (event, values) => tellEvent(relay, event, values))

  const connection = createConnection({
    transport,
    clock,
    random,
    logger,
    login: (login) => signIn(context, login),
    cursor: () => readCursor(db),
    onDeliver: (rows) => receiver.deliver(rows),
    onEvent: (event) => {
      if (event.type === 'prekeys-low') maintenance.wake()
      // A hint, and only worth anything for the own account: other lists are fetched when they are needed.
      if (event.type === 'manifest-changed') refreshOwn(event.accountId)
      if (event.type === 'sign-in-refused') noteRefusal()
    },
  })
  const lead = createLead({
    lock,
    name,
    onChange() {
      view.look()
      relay?.look()
    },
    onLost: () => void followAgain(),
  })
  // A lock of the application's own goes with a channel of its own.
  const openTabs = lock && (options.tabs ?? (options.lock ? undefined : broadcastTabs()))
  const relay =
    openTabs &&
    createRelay({
      open: openTabs,
      name,
      self: toBase64Url(random(8)),
      clock,
      logger,
      lead: () => lead,
      connection,
      state: () => view.state(),
      isRunning: () => lifecycle.running,
      onLeader: () => view.look(),
      onYield: () => void network.yield(),
      onEvent: (event, values) => hear(event, values),
      onTyping: (peer, active) => typing.set(peer, active),
      onDeparting(under) {
        departure.elsewhere = under
        stopWaiting()
        // It may die before it has left, and never say so.
        if (under)
          stopWaiting = clock.after(DEPARTURE_MS, () => {
            departure.elsewhere = false
            lookAtSession()
          })
      },
    })
  const network = createNetwork({ connection, lead, relay, clock })
  const identity = createIdentity(db)
  const context: Context = { storage, keeping, db, provider, clock, random, logger, events, network, identity }
  const fence = createFence(storage, db)
  /** For what only the leader does. */
  const guarded: Context = lock ? { ...context, db: db.guarded({ ...fence, onBroken: () => lead.lose() }) } : context
  const lease = createLease(guarded, () => maintenance.wake())
  const leading: Context = { ...guarded, network: leasedNetwork(network, lease, context) }

  const ends = new Set<() => void>()
  const onClose = (end: () => void): (() => void) => {
    ends.add(end)
    return () => void ends.delete(end)
  }
  const typing = createTyping(clock)
  const views = createViews(context, typing)
  const contacts = createContacts(context)
  const conversations = createConversations({ context, views, onClose }, contacts)
  const manifests = createManifests(context, { idleDays: idleDeviceDays })
  const profiles = createProfiles(context)
  const receipts = createReceipts(leading)
  const maintenance = createMaintenance(leading, manifests, { introduction: { name: deviceName, platform }, idleDays: idleDeviceDays })
  const asker = createAsker(leading)
  const sync = createSync(leading)
  // Whoever calls may follow; only the leader's part runs in the background.
  const backups = createBackups(context, manifests)
  const history = createHistory(context)
  const registrar = createRegistrar(context)
  const storageRisks = createStorageRisks(context)
  const departure: Departure = { under: false, elsewhere: false, tell: (under) => relay?.departing(under) }
  let stopWaiting = (): void => {}
  const lookAtSession = keepSession(context, { registrar, departure })

  const presentEvent = async (record: MessageRecord): Promise<{ conversation: Conversation; message: Message } | undefined> => {
    const [conversation, self] = await Promise.all([readConversation(db, record.conversation), identity.self()])
    return conversation && { conversation: conversations.handle(conversation.id, conversation.peer), message: presentMessage(record, self.accountId) }
  }
  /** One after the other, in the order of the commits. */
  let telling: Promise<void> = Promise.resolve()
  const tell = (event: 'message' | 'message-status', record: MessageRecord): void => {
    telling = telling
      .then(() => presentEvent(record))
      .then((value) => value && events.emit(event, value))
      .catch((error: unknown) => logger.warn('client.event-lost', { event, code: asSecureChatError(error, 'storage/unavailable').code }))
  }
  const effects: Effects = {
    received: (message) => tell('message', message),
    statusChanged: (message) => tell('message-status', message),
    typing(peer, active) {
      typing.set(peer, active)
      relay?.typing(peer, active)
    },
    profileDue: (peer) => profiles.due(peer),
  }
  /** What another tab has told its app. */
  const hear = (event: string, values: readonly unknown[]): void => {
    if (!isMessageEvent(event)) return events.hear(event, heardEvent(values))
    const { conversation, message } = (values[0] ?? {}) as Partial<SharedMessage>
    if (!conversation || !message) return
    telling = telling
      .then(() => readMessage(db, conversation, message))
      .then((record) => record && presentEvent(record))
      .then((value) => value && events.hear(event, [value]))
      .catch((error: unknown) => logger.warn('client.event-lost', { event, code: asSecureChatError(error, 'storage/unavailable').code }))
  }
  const receiver = createReceiver(leading, { manifests, effects, ready: () => lease.settled() })
  const sender = createSender(leading, { manifests, changed: (tx, message) => tx.afterCommit(() => effects.statusChanged(message)) })
  const view = createConnectionView({
    connection,
    lead,
    leader: () => relay?.leader,
    receiver: () => receiver,
    db,
    clock,
    logger,
    onChange(state) {
      events.emit('connection', state)
      relay?.look()
    },
  })
  receiver.onIdle(() => view.look())

  const refreshOwn = (changed: string): void => {
    identity
      .accountId()
      .then((own) => (own === changed ? manifests.refresh(own) : undefined))
      .catch((error: unknown) => logger.debug('client.refresh-failed', { code: asSecureChatError(error, 'server/internal').code }))
  }
  const noteRefusal = (): void => {
    tellRefusal(context).catch((error: unknown) => logger.warn('client.alert-lost', { code: asSecureChatError(error, 'storage/unavailable').code }))
  }
  let wasOnline = false
  connection.subscribe(() => {
    view.look()
    if (network.online && !wasOnline) {
      receiver.wake()
      if (lifecycle.running) {
        maintenance.wake()
        backups.background.wake()
        history.background.wake()
        profiles.catchUp()
      }
    }
    wasOnline = network.online
  })

  let unwatchAccount = (): void => {}
  let unwatchProfile = (): void => {}
  /** Beginning to lead and ending it, one after the other. */
  let turns: Promise<void> = Promise.resolve()
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const turn = turns.then(step)
    // A step that fails tells its caller, and stops nobody after it.
    turns = turn.catch(() => {})
    return turn
  }
  const leadStore = (): Promise<void> =>
    inTurn(async () => {
      if (lead.status !== 'held' || !lifecycle.running) return
      if (lock) await fence.claim()
      // Another tab may have signed in anew.
      identity.forget()
      // Rows that came before anybody wanted them were not kept: they come again on a new socket.
      const early = network.online
      receiver.start()
      sender.start()
      receipts.start()
      maintenance.start()
      unwatchProfile = storage.watch(KEYS.profile, () => profiles.catchUp())
      asker.start()
      sync.start()
      backups.background.start()
      history.background.start()
      storageRisks.start()
      connection.start()
      if (early) connection.reauthenticate()
    })
  /** `disconnect` comes before the end is awaited: whoever waits for an answer gets one then. */
  const stopLeading = (disconnect: () => Promise<void>): Promise<void> =>
    inTurn(async () => {
      unwatchProfile()
      storageRisks.stop()
      receipts.stop()
      const workers = [sender, receiver, maintenance, asker, sync, backups.background, history.background]
      const ended = Promise.all(workers.map((worker) => worker.stop()))
      await disconnect()
      await ended
      await profiles.stop()
      fence.forget()
      lease.forget()
    })
  /** The lock was stolen: this tab was frozen, or could not answer for long. */
  const followAgain = async (): Promise<void> => {
    logger.warn('client.lead-lost')
    await stopLeading(() => connection.stop())
    if (lifecycle.running) void follow()
  }
  let wish = new AbortController()
  const follow = (failures = 0): Promise<void> => {
    const { signal } = wish
    const led = lead.acquire(signal).then(leadStore)
    led.catch(async (error: unknown) => {
      if (signal.aborted) return
      logger.error('client.lead-failed', { code: asSecureChatError(error, 'storage/unavailable').code })
      // Who cannot lead must not keep the others from it, and tries again when they had their turn.
      await stopLeading(() => connection.stop())
      lead.release()
      await sleep(clock, backoffMs(failures + 1, { random }), signal)
      if (lifecycle.running && !signal.aborted) void follow(failures + 1)
    })
    return led
  }
  const lifecycle = createLifecycle({
    async open(signal) {
      network.allow()
      // Before it waits: the tab that leads may leave meanwhile.
      unwatchAccount = watchDeparture(context, departure)
      wish = new AbortController()
      signal.addEventListener('abort', () => wish.abort(), { signal: wish.signal })
      const led = follow()
      await Promise.race([led, ...(relay ? [relay.followed()] : [])])
    },
    async close() {
      unwatchAccount()
      stopWaiting()
      wish.abort()
      typing.stop()
      await stopLeading(() => network.close())
    },
  })
  const close = async (): Promise<void> => {
    for (const end of [...ends]) end()
    await lifecycle.close()
  }

  const account = createAccount({ context, profiles, registrar, departure, stop: close })
  return {
    account,
    contacts: { find: contacts.find, get: contacts.get, list: contacts.list },
    conversations: conversations.api,
    devices: {
      ...createSafety({ context, manifests, onAccepted: (accountId) => sender.wake(accountId) }),
      ...createOwnDevices({ context, manifests, registrar, accountState: account.state, persistence: () => storagePersists(globalThis) }),
      history: history.api,
    },
    backups: backups.api,
    storage: storageRisks.api,
    privacy: { locks: createStoreLocks({ storage: options.storage, provider, random, clock }, key) },
    connection: { state: () => view.state(), live: () => view.live, retryNow: () => network.connection.retryNow() },
    start: () => lifecycle.start(),
    close,
    on: (event, listener) => events.on(event, listener),
    consume: (name, handler) => consumeMessages({ context, conversations, onClose }, name, handler),
  }
}

/** Loaded here and not at import, so that an app that brings another provider does not carry libsodium. */
async function defaultProvider(): Promise<CryptoProvider> {
  const { sodiumProvider } = await import('@securechat/crypto/sodium')
  return sodiumProvider()
}
