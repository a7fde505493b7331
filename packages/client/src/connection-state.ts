import { asSecureChatError, type Clock, type Logger } from '@securechat/protocol'
import type { Connection } from '@securechat/transport'
import type { Receiver } from './receive/pipeline.js'
import type { Database } from './state/database.js'
import { readCursor } from './state/inbox.js'
import type { Lead } from './tabs/lead.js'
import type { ConnectionState, LiveQuery } from './types.js'

export interface ConnectionView {
  state(): ConnectionState
  readonly live: LiveQuery<ConnectionState>
  /** The lead, the connection or the receiver has changed. */
  look(): void
}

export interface ConnectionViewDeps {
  readonly connection: Connection
  readonly lead: Lead
  /** What the tab that leads says, where another one does and answers. */
  readonly leader: () => ConnectionState | undefined
  readonly receiver: () => Receiver
  readonly db: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly onChange: (state: ConnectionState) => void
}

const ASK_AGAIN_MS = 2_000

/** What a UI shows of the connection, the same object until something in it changes. */
export function createConnectionView({ connection, lead, leader, receiver, db, clock, logger, onChange }: ConnectionViewDeps): ConnectionView {
  let value: ConnectionState = Object.freeze({ status: 'stopped', synced: false })
  /** Counts signed-in phases; `synced` belongs to one of them. */
  let phase = 0
  let syncedPhase = -1
  let wasSignedIn = false
  let asking = false
  const listeners = new Set<() => void>()

  const isSignedIn = (): boolean => connection.state().status === 'online' && connection.state().account !== undefined
  const compute = (): ConnectionState => {
    const { status, retryAt, error, account } = connection.state()
    if (lead.status === 'waiting') return leader() ?? { status: 'waiting-for-tab', synced: false }
    // An anonymous socket serves logins only.
    const shown = status === 'online' && !account ? 'signed-out' : status
    return { status: shown, synced: syncedPhase === phase && status === 'online', ...(retryAt !== undefined && { retryAt }), ...(error && { error }) }
  }
  const publish = (): void => {
    const next = compute()
    if (next.status === value.status && next.synced === value.synced && next.retryAt === value.retryAt && next.error === value.error) return
    value = Object.freeze(next)
    onChange(value)
    for (const listener of [...listeners]) listener()
  }

  /** Everything that waited has been applied when the server has nothing behind our cursor and nothing is under way here. */
  const askWhetherSynced = async (): Promise<void> => {
    const asked = phase
    if (asking || syncedPhase === asked || !receiver().idle) return
    asking = true
    try {
      const { rows } = await connection.call('mailbox.fetch', { after: await readCursor(db), limit: 1 })
      if (rows.length === 0 && asked === phase) syncedPhase = asked
    } catch (error) {
      logger.debug('client.sync-unknown', { code: asSecureChatError(error, 'server/internal').code })
    } finally {
      asking = false
    }
    publish()
    // Rows on their way come with the receiver's word; lost wake-ups and failed questions do not.
    if (asked === phase && syncedPhase !== asked) clock.after(ASK_AGAIN_MS, () => isSignedIn() && void askWhetherSynced())
  }

  return {
    state: () => value,
    look() {
      const signedIn = isSignedIn()
      if (signedIn && !wasSignedIn) phase++
      wasSignedIn = signedIn
      publish()
      if (signedIn) void askWhetherSynced()
    },
    live: {
      get: () => value,
      subscribe(listener) {
        const entry = (): void => {
          try {
            listener()
          } catch (error) {
            logger.error('client.listener-failed', { event: 'connection', code: asSecureChatError(error, 'client/invalid-argument').code })
          }
        }
        listeners.add(entry)
        return () => void listeners.delete(entry)
      },
    },
  }
}
