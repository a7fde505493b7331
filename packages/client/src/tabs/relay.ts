import {
  type AccountId,
  asSecureChatError,
  type Clock,
  type Logger,
  OPERATIONS,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  SecureChatError,
} from '@securechat/protocol'
import type { Connection } from '@securechat/transport'
import type { NetworkCallOptions } from '../network-options.js'
import type { ConnectionState } from '../types.js'
import type { Lead } from './lead.js'
import { fromTab, kindOf, type SharedState, sharedError, shareError, type TabMessage, toTab } from './messages.js'
import type { OpenTabPort, TabPort } from './port.js'

/** A hidden tab's timers run once a second at best, but it answers messages at once: so the one who waits asks. */
const PING_MS = 2_000
/** Questions without an answer after which the leader counts as frozen. */
const MOST_UNANSWERED = 3
/** The pause between the questions of a tab that the browser has throttled as far as it does, and some. */
const COMPANY_MS = 70_000

export interface Relay {
  /** What the leader last said of its connection; undefined where none has answered. */
  readonly leader: ConnectionState | undefined
  /** Other tabs have the store open, as far as one hears. */
  readonly inCompany: boolean
  /** Resolves when a leader has answered; never where there is none. */
  followed(): Promise<void>
  call<Name extends OperationName>(name: Name, input: OperationInput<Name>, options?: NetworkCallOptions): Promise<OperationOutput<Name>>
  please(what: 'reauthenticate' | 'retry'): void
  /** The lead has changed hands or the own state has changed. */
  look(): void
  event(name: string, values: readonly unknown[]): void
  typing(peer: AccountId, active: boolean): void
  departing(under: boolean): void
}

export interface RelayDeps {
  readonly open: OpenTabPort
  readonly name: string
  /** Of this tab, and of no other one. */
  readonly self: string
  readonly clock: Clock
  readonly logger: Logger
  readonly lead: () => Lead
  readonly connection: Connection
  /** This instance's own, while it leads. */
  readonly state: () => ConnectionState
  readonly isRunning: () => boolean
  readonly onLeader: () => void
  /** A started tab wants to lead, and this one was opened for a call only. */
  readonly onYield: () => void
  readonly onEvent: (name: string, values: readonly unknown[]) => void
  readonly onTyping: (peer: AccountId, active: boolean) => void
  readonly onDeparting: (under: boolean) => void
}

interface Waiting {
  readonly resolve: (output: unknown) => void
  readonly reject: (error: SecureChatError) => void
}

const stateOf = ({ error, ...state }: SharedState): ConnectionState =>
  Object.freeze({ ...state, ...(error && { error: sharedError(error) }) }) as ConnectionState
const sharedOf = ({ error, ...state }: ConnectionState): SharedState => ({ ...state, ...(error && { error: shareError(error) }) })

type Asked = Pick<NetworkCallOptions, 'registrationToken' | 'timeoutMs'>
const only = ({ registrationToken, timeoutMs }: { [Name in keyof Asked]: Asked[Name] | undefined }): Asked => ({
  ...(registrationToken !== undefined && { registrationToken }),
  ...(timeoutMs !== undefined && { timeoutMs }),
})

/** Several tabs on one store: the one that leads serves the others, which ask whether it still lives. */
export function createRelay({ open, name, self, clock, logger, connection, ...deps }: RelayDeps): Relay {
  const calls = new Map<string, Waiting>()
  const serving = new Map<string, AbortController>()
  const followers: (() => void)[] = []
  let leader: ConnectionState | undefined
  /** Whose followers' calls go to whom: the leader that was heard last. */
  let followed: string | undefined
  /** How often this tab has led. */
  let term = 0
  let leads = false
  let heardAt = Number.NEGATIVE_INFINITY
  let unanswered = 0
  let stopPinging: (() => void) | undefined
  let count = 0
  let told = ''
  let port: TabPort | undefined

  /** Gives what stood in the way. */
  const post = (message: TabMessage): SecureChatError | undefined => {
    try {
      port?.post(toTab(message))
      return undefined
    } catch (cause) {
      const error = asSecureChatError(cause, 'client/invalid-argument')
      logger.warn('client.tab-message-lost', { type: message.type, code: error.code })
      return error
    }
  }
  const ownName = (): string => `${self}.${term}`
  const tellState = (): void => void post({ type: 'leader', by: ownName(), state: sharedOf(deps.state()), running: deps.isRunning() })

  const serve = async ({ id, name: operation, input, registrationToken, timeoutMs }: Extract<TabMessage, { type: 'call' }>): Promise<void> => {
    const controller = new AbortController()
    serving.set(id, controller)
    const options = { signal: controller.signal, ...only({ registrationToken, timeoutMs }) }
    const call = async (): Promise<unknown> => {
      if (!Object.hasOwn(OPERATIONS, operation)) throw new SecureChatError('protocol/unknown-operation')
      // The other tab is of the same origin; the input is checked by the operation's schema, and the server checks every call.
      return connection.call(operation as OperationName, input as never, options)
    }
    const answer = await call().then(
      (output) => ({ output }),
      (error: unknown) => ({ error: shareError(error) }),
    )
    // Not any more: nobody waits, or was told that this tab leads no longer.
    if (!serving.delete(id)) return
    const failed = post({ type: 'answer', id, ...answer })
    if (failed) post({ type: 'answer', id, error: shareError(failed) })
  }
  /** The server may or may not have done it, as with a connection that breaks. */
  const ended = (): SecureChatError => new SecureChatError('network/closed', { detail: 'the tab that was connected has ended' })
  const stopServing = (): void => {
    for (const [id, controller] of serving) {
      post({ type: 'answer', id, error: shareError(ended()) })
      controller.abort()
    }
    serving.clear()
  }
  const rejectCalls = (): void => {
    const waiting = [...calls.values()]
    calls.clear()
    for (const { reject } of waiting) reject(ended())
  }

  const asLeader = (message: TabMessage): void => {
    switch (message.type) {
      case 'ping':
        return tellState()
      case 'call':
        return message.to === ownName() ? void serve(message) : undefined
      case 'abort': {
        const controller = serving.get(message.id)
        serving.delete(message.id)
        return controller?.abort()
      }
      case 'please':
        if (message.what === 'reauthenticate') connection.reauthenticate()
        else if (message.what === 'retry') connection.retryNow()
        else if (!deps.isRunning()) deps.onYield()
        return
    }
  }
  const asFollower = (message: TabMessage): void => {
    if (message.type === 'leader') {
      unanswered = 0
      leader = stateOf(message.state)
      // Another one leads now: the former's answers do not come any more.
      if (followed !== message.by) rejectCalls()
      followed = message.by
      if (!message.running && deps.isRunning()) post({ type: 'please', what: 'yield' })
      for (const tell of followers.splice(0)) tell()
      deps.onLeader()
    } else if (message.type === 'answer') {
      const waiting = calls.get(message.id)
      calls.delete(message.id)
      if (message.error) waiting?.reject(sharedError(message.error))
      else waiting?.resolve(message.output)
    }
  }
  const listen = (data: unknown): void => {
    heardAt = clock.now()
    const message = fromTab(data)
    if (!message) {
      const { status } = deps.lead()
      if (status === 'held' && kindOf(data) === 'ping') tellState()
      if (status === 'waiting' && kindOf(data) === 'leader') unanswered = 0
      return
    }
    if (message.type === 'event') return deps.onEvent(message.name, message.values)
    if (message.type === 'departing') return deps.onDeparting(message.under)
    if (message.type === 'typing') return deps.onTyping(message.peer as AccountId, message.active)
    if (deps.lead().status === 'held') asLeader(message)
    else if (deps.lead().status === 'waiting') asFollower(message)
  }

  const ping = (): void => {
    if (unanswered >= MOST_UNANSWERED) {
      logger.warn('client.leader-frozen')
      unanswered = 0
      deps.lead().steal()
    }
    unanswered++
    post({ type: 'ping' })
    stopPinging = clock.after(PING_MS, ping)
  }
  const forgetLeader = (): void => {
    leader = undefined
    followed = undefined
    unanswered = 0
    stopPinging?.()
    stopPinging = undefined
    rejectCalls()
  }

  return {
    get leader() {
      return leader
    },
    get inCompany() {
      return deps.lead().status === 'waiting' || clock.now() - heardAt < COMPANY_MS
    },
    followed: () =>
      new Promise((resolve) => {
        if (leader) resolve()
        else followers.push(resolve)
      }),
    call(operation, input, { signal, registrationToken, timeoutMs } = {}) {
      const id = `${self}.${count++}`
      return new Promise((resolve, reject) => {
        const end = (): void => signal?.removeEventListener('abort', abort)
        const abort = (): void => {
          calls.delete(id)
          end()
          post({ type: 'abort', id })
          reject(new SecureChatError('request/aborted'))
        }
        if (signal?.aborted) return reject(new SecureChatError('request/aborted'))
        signal?.addEventListener('abort', abort)
        calls.set(id, {
          resolve: (output) => {
            end()
            resolve(output as never)
          },
          reject: (error) => {
            end()
            reject(error)
          },
        })
        const call = { id, name: operation, input, ...only({ registrationToken, timeoutMs }) }
        const failed = followed === undefined ? ended() : post({ type: 'call', to: followed, ...call })
        if (!failed) return
        calls.delete(id)
        end()
        reject(failed)
      })
    },
    please: (what) => void post({ type: 'please', what }),
    look() {
      const { status } = deps.lead()
      if (status !== 'idle') port ??= open(name, listen)
      if (status === 'waiting') {
        if (!stopPinging) ping()
      } else if (stopPinging || leader) forgetLeader()
      if (status === 'held' && !leads) term++
      leads = status === 'held'
      if (!leads) {
        stopServing()
        told = ''
      }
      if (status === 'idle') {
        port?.close()
        port = undefined
      }
      if (status !== 'held') return
      const now = JSON.stringify([deps.state(), deps.isRunning()])
      if (now === told) return
      told = now
      tellState()
    },
    event: (event, values) => void post({ type: 'event', name: event, values: [...values] }),
    typing: (peer, active) => void post({ type: 'typing', peer, active }),
    departing: (under) => void post({ type: 'departing', under }),
  }
}
