import type { AccountState, Client, ClientEvents, ConnectionState, ConversationSnapshot } from '@securechat/client'
import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import { lookupLive } from './lookup-query.js'
import type { ActiveQuery } from './observable.js'
import { useOpened } from './provider.js'
import type { Live, Lookup } from './query.js'
import { useActiveQuery, useLiveQuery } from './use-query.js'

/** The client of the nearest provider. */
export function useClient(): Client {
  return useOpened().client
}

/** The own account: whether signed in, number, profile. */
export function useAccount(): Live<AccountState> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('account', () => client.account.live()))
}

const SERVER_CONNECTION: ConnectionState = Object.freeze({ status: 'stopped', synced: false })

/** Until the live query has loaded, the state of the moment of the first question: one reference, as React asks for. */
function connectionQuery(client: Client): ActiveQuery<ConnectionState> {
  const live = client.connection.live()
  let first: ConnectionState | undefined
  const get = (): ConnectionState => {
    const current = live.get()
    if (current) return current
    first ??= client.connection.state()
    return first
  }
  return { get, subscribe: (onChange) => live.subscribe(onChange) }
}

/** The connection's state; it is always known. */
export function useConnection(): ConnectionState & { readonly retryNow: () => void } {
  const { client, queries } = useOpened()
  const query = queries.get('connection', () => connectionQuery(client))
  const state = useSyncExternalStore(query.subscribe, query.get, () => SERVER_CONNECTION)
  const retryNow = useCallback(() => client.connection.retryNow(), [client])
  return { ...state, retryNow }
}

/** Newest first; the archived ones only with `archived: true`, without it those that are not. */
export function useConversations(options: { readonly archived?: boolean } = {}): Live<readonly ConversationSnapshot[]> {
  const { client, queries } = useOpened()
  const archived = options.archived ?? false
  return useLiveQuery(queries.get(`conversations ${archived}`, () => client.conversations.live({ archived })))
}

/** One conversation; `missing` when this client has none of that id. */
export function useConversation(id: ConversationSnapshot['id']): Lookup<ConversationSnapshot> {
  const { client, queries } = useOpened()
  return useActiveQuery(queries.get(`conversation ${id}`, () => lookupLive(async () => (await client.conversations.get(id))?.live())))
}

/** Calls the newest `listener` for an event while mounted. Events are for sounds and announcements; what to show comes from the queries. */
export function useClientEvent<Name extends keyof ClientEvents>(name: Name, listener: ClientEvents[Name]): void {
  const client = useClient()
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  }, [listener])
  useEffect(() => {
    const call = (event: Parameters<ClientEvents[Name]>[0]): void => (latest.current as (event: Parameters<ClientEvents[Name]>[0]) => void)(event)
    return client.on(name, call as ClientEvents[Name])
  }, [client, name])
}
