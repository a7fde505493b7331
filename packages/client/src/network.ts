import { type Clock, type OperationInput, type OperationName, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { CallOptions, Connection } from '@securechat/transport'
import type { Lead } from './tabs/lead.js'
import { sleep } from './waiting.js'

/** The way to the server: only for the instance that leads the store. */
export interface Network {
  readonly connection: Connection
  /** Leads and connects, also before `start()`. Throws `storage/locked` where another tab leads, `client/closed`, `request/aborted`. */
  open(signal?: AbortSignal): Promise<void>
  /** As `Connection.call`, opening first. */
  call<Name extends OperationName>(name: Name, input: OperationInput<Name>, options?: NetworkCallOptions): Promise<OperationOutput<Name>>
  /** A signed-in socket is there. */
  readonly online: boolean
  /** Resolves once `online`, or when `signal` aborts. */
  untilOnline(signal: AbortSignal): Promise<void>
  /** From now on calls are refused, until `allow`. */
  close(): Promise<void>
  allow(): void
}

export interface NetworkCallOptions extends CallOptions {
  /** For `account.register`. */
  readonly registrationToken?: string
}

/** How long a call made before `start()` waits for another tab to end. */
const LEAD_PATIENCE_MS = 2_000

export function createNetwork({ connection, lead, clock }: { connection: Connection; lead: Lead; clock: Clock }): Network {
  const isOnline = (): boolean => connection.state().status === 'online' && connection.state().account !== undefined

  let closed = false

  const open = async (signal?: AbortSignal): Promise<void> => {
    if (closed) throw new SecureChatError('client/closed')
    if (lead.status !== 'held') {
      const patience = new AbortController()
      const giveUp = (): void => patience.abort()
      signal?.addEventListener('abort', giveUp)
      const settled = new AbortController()
      void sleep(clock, LEAD_PATIENCE_MS, settled.signal).then(giveUp)
      try {
        if (signal?.aborted) giveUp()
        await lead.acquire(patience.signal)
      } catch (cause) {
        throw signal?.aborted ? new SecureChatError('request/aborted') : new SecureChatError('storage/locked', { detail: 'another tab is connected', cause })
      } finally {
        settled.abort()
        signal?.removeEventListener('abort', giveUp)
      }
    }
    // Closed while it waited: nothing may be opened behind the owner's back.
    if (closed) throw new SecureChatError('client/closed')
    connection.start()
  }

  return {
    connection,
    open,
    async call(name, input, options = {}) {
      await open(options.signal)
      return connection.call(name, input, options)
    },
    get online() {
      return isOnline()
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
    async close() {
      closed = true
      await connection.stop()
      lead.release()
    },
  }
}
