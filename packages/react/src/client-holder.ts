import type { Client } from '@securechat/client'
import { follow, Observable } from './observable.js'
import { asError } from './query.js'
import { SharedQueries } from './shared-queries.js'

export interface Opened {
  readonly client: Client
  readonly queries: SharedQueries
}

/** What a fallback is shown: the client is being made, or could not be. `retry` tries again. */
export type OpeningState = { readonly status: 'opening' } | { readonly status: 'failed'; readonly error: Error; readonly retry: () => void }
export type HolderState = OpeningState | ({ readonly status: 'open' } & Opened)

/** What failed: making the client, its `start` or its `close`. */
export type ClientPhase = 'opening' | 'starting' | 'closing'

export type ClientSource = Client | (() => Promise<Client>)

const OPENING: HolderState = Object.freeze({ status: 'opening' })
const opened = (client: Client): HolderState => ({ status: 'open', client, queries: new SharedQueries() })

/**
 * Makes, starts and closes the client of one provider.
 *
 * - A client made by a function is closed with the provider; one that was passed in stays open, it is its owner's.
 * - Either is started as soon as, and as often as, it is signed in.
 * - StrictMode's unmount and mount in one breath is none: closing waits for the end of the task's synchronous part.
 * - Never two clients at once: the next is made when the last one has closed, since both would want the same store.
 */
export class ClientHolder {
  readonly source: ClientSource
  readonly #state: Observable<HolderState>
  readonly #onError: (error: Error, during: ClientPhase) => void
  #wanted = false
  #attempt: { over: boolean } | undefined
  #stopFollowing: (() => void) | undefined
  #closing: Promise<void> = Promise.resolve()

  constructor(source: ClientSource, onError: (error: Error, during: ClientPhase) => void) {
    this.source = source
    this.#onError = onError
    this.#state = new Observable(typeof source === 'function' ? OPENING : opened(source))
  }

  readonly get = (): HolderState => this.#state.get()
  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener)

  mount(): void {
    this.#wanted = true
    if (!this.#attempt) void this.#open()
  }

  unmount(): void {
    this.#wanted = false
    queueMicrotask(() => {
      if (!this.#wanted) this.#end()
    })
  }

  async #open(): Promise<void> {
    const attempt = { over: false }
    this.#attempt = attempt
    const { source } = this
    if (typeof source !== 'function') return this.#startWhenSignedIn(source)
    this.#state.set(OPENING)
    let client: Client
    try {
      await this.#closing
      if (attempt.over) return
      client = await source()
    } catch (thrown) {
      if (attempt.over) return
      const error = asError(thrown)
      const retry = (): void => {
        if (this.#attempt === attempt && this.#wanted) void this.#open()
      }
      this.#state.set({ status: 'failed', error, retry })
      return this.#onError(error, 'opening')
    }
    if (attempt.over) return this.#close(client)
    this.#state.set(opened(client))
    this.#startWhenSignedIn(client)
  }

  #startWhenSignedIn(client: Client): void {
    let started = false
    this.#stopFollowing = follow(client.account.live(), ({ status }) => {
      if (status !== 'signed-in') started = false
      else if (!started) {
        started = true
        client.start().catch((error: unknown) => {
          started = false
          this.#onError(asError(error), 'starting')
        })
      }
    })
  }

  #end(): void {
    if (this.#attempt) this.#attempt.over = true
    this.#attempt = undefined
    this.#stopFollowing?.()
    this.#stopFollowing = undefined
    const state = this.#state.get()
    if (typeof this.source === 'function' && state.status === 'open') {
      this.#state.set(OPENING)
      this.#close(state.client)
    }
  }

  #close(client: Client): void {
    const closing = client.close().catch((error: unknown) => this.#onError(asError(error), 'closing'))
    this.#closing = Promise.all([this.#closing, closing]).then(() => undefined)
  }
}
