import { type Clock, type OperationInput, type OperationName, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { Connection } from '@securechat/transport'
import type { NetworkCallOptions } from './network-options.js'
import type { Lead } from './tabs/lead.js'
import type { Relay } from './tabs/relay.js'
import { sleep } from './waiting.js'

/** The way to the server: the connection of the instance that leads the store, and for the others through it. */
export interface Network {
  /** `call`, `reauthenticate` and `retryNow` go through the leader where another instance is it; everything else is the leader's alone. */
  readonly connection: Connection
  /** Leads and connects, or finds who does, also before `start()`. Throws `storage/locked` where another tab leads and does not answer, `client/closed`, `request/aborted`. */
  open(signal?: AbortSignal): Promise<void>
  /** As `Connection.call`, opening first. */
  call<Name extends OperationName>(name: Name, input: OperationInput<Name>, options?: NetworkCallOptions): Promise<OperationOutput<Name>>
  /** A signed-in socket is there, here or where the leader is. */
  readonly online: boolean
  /** The session was refused for good, here or where the leader is: nothing connects before `reauthenticate`. */
  readonly refused: boolean
  /** Resolves once `online`, or when `signal` aborts. Only for the leader. */
  untilOnline(signal: AbortSignal): Promise<void>
  /** Ends the connection and the lead, for whoever wants them more; a later call opens again. */
  yield(): Promise<void>
  /** From now on calls are refused, until `allow`. */
  close(): Promise<void>
  allow(): void
}

export interface NetworkDeps {
  readonly connection: Connection
  readonly lead: Lead
  readonly relay: Relay | undefined
  readonly clock: Clock
}

/** How long a call made before `start()` waits for another tab to end or to answer. */
const LEAD_PATIENCE_MS = 2_000

export function createNetwork({ connection, lead, relay, clock }: NetworkDeps): Network {
  const isOnline = (): boolean => connection.state().status === 'online' && connection.state().account !== undefined
  const isFollowing = (): boolean => lead.status === 'waiting' && relay?.leader !== undefined

  let closed = false
  /** The wish to lead, from the first call until the end: whoever follows meanwhile takes over when the leader goes. */
  let wish: AbortController | undefined

  const waitForLead = async (signal: AbortSignal | undefined): Promise<void> => {
    wish ??= new AbortController()
    const led = lead.acquire(wish.signal)
    led.catch(() => {})
    const settled = new AbortController()
    const patience = sleep(clock, LEAD_PATIENCE_MS, settled.signal)
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { signal: settled.signal }))
    try {
      await Promise.race([led, ...(relay ? [relay.followed()] : []), patience, aborted])
    } finally {
      settled.abort()
    }
    if (signal?.aborted) throw new SecureChatError('request/aborted')
    if (lead.status === 'held' || isFollowing() || closed) return
    wish?.abort()
    wish = undefined
    throw new SecureChatError('storage/locked', { detail: 'another tab is connected' })
  }
  const open = async (signal?: AbortSignal): Promise<void> => {
    if (closed) throw new SecureChatError('client/closed')
    if (lead.status !== 'held') await waitForLead(signal)
    // Closed while it waited: nothing may be opened behind the owner's back.
    if (closed) throw new SecureChatError('client/closed')
    if (lead.status === 'held') connection.start()
  }
  const routed: Connection = {
    start: () => connection.start(),
    stop: () => connection.stop(),
    state: () => connection.state(),
    subscribe: (listener) => connection.subscribe(listener),
    send: (frame, options) => connection.send(frame, options),
    acknowledge: (upTo) => connection.acknowledge(upTo),
    call: (name, input, options) => (relay && isFollowing() ? relay.call(name, input, options) : connection.call(name, input, options)),
    reauthenticate: () => (relay && isFollowing() ? relay.please('reauthenticate') : connection.reauthenticate()),
    retryNow: () => (relay && isFollowing() ? relay.please('retry') : connection.retryNow()),
  }
  const end = async (): Promise<void> => {
    wish?.abort()
    wish = undefined
    await connection.stop()
    lead.release()
  }

  return {
    connection: routed,
    open,
    async call(name, input, options = {}) {
      await open(options.signal)
      return routed.call(name, input, options)
    },
    get online() {
      return isFollowing() ? relay?.leader?.status === 'online' : isOnline()
    },
    get refused() {
      // A leader without a session shows the same status, and no error.
      if (isFollowing()) return relay?.leader?.status === 'signed-out' && relay.leader.error !== undefined
      return connection.state().status === 'signed-out'
    },
    untilOnline(signal) {
      return new Promise((resolve) => {
        if (isOnline() || signal.aborted) return resolve()
        const end = (): void => {
          unsubscribe()
          signal.removeEventListener('abort', end)
          resolve()
        }
        const unsubscribe = connection.subscribe(() => {
          if (isOnline()) end()
        })
        signal.addEventListener('abort', end)
      })
    },
    allow() {
      closed = false
    },
    yield: end,
    async close() {
      closed = true
      await end()
    },
  }
}
