import { createContext, type ReactNode, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { ClientHolder, type ClientPhase, type ClientSource, type Opened, type OpeningState } from './client-holder.js'

const SecureChatContext = createContext<Opened | undefined>(undefined)

export interface SecureChatProviderProps {
  /**
   * A function that makes the client: called once per mount (also under StrictMode), never on a server; the client is closed with the provider.
   * To make another one, give the provider another `key`. Or a client that you made yourself: you close it.
   * Either way it is started when it is signed in.
   */
  readonly client: ClientSource
  readonly children: ReactNode
  /**
   * Shown instead of the children until there is a client. A function is told why and can `retry`; without one, a failure is thrown
   * to the nearest error boundary.
   */
  readonly fallback?: ReactNode | ((state: OpeningState) => ReactNode)
  /** Failures of the client's life; that of opening is shown by `fallback` as well. */
  readonly onError?: (error: Error, during: ClientPhase) => void
}

const SERVER_STATE: OpeningState = Object.freeze({ status: 'opening' })

/** Gives the client to the hooks below it. */
export function SecureChatProvider({ client, children, fallback, onError }: SecureChatProviderProps): ReactNode {
  const latestOnError = useRef(onError)
  useEffect(() => {
    latestOnError.current = onError
  }, [onError])

  const create = (): ClientHolder => new ClientHolder(client, (error, during) => latestOnError.current?.(error, during))
  const [held, setHeld] = useState(create)
  let holder = held
  // A function is often written inline and new with every render: only another client object is another client.
  if (holder.source !== client && !(typeof holder.source === 'function' && typeof client === 'function')) {
    holder = create()
    setHeld(holder)
  }

  useEffect(() => {
    holder.mount()
    return () => holder.unmount()
  }, [holder])

  const state = useSyncExternalStore(holder.subscribe, holder.get, () => (typeof holder.source === 'function' ? SERVER_STATE : holder.get()))
  if (state.status === 'open') return <SecureChatContext.Provider value={state}>{children}</SecureChatContext.Provider>
  if (typeof fallback === 'function') return fallback(state)
  if (state.status === 'failed') throw state.error
  return fallback
}

export function useOpened(): Opened {
  const opened = useContext(SecureChatContext)
  if (!opened) throw new Error('SecureChat hooks work inside <SecureChatProvider> only.')
  return opened
}
