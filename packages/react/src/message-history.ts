import type { Conversation, Message } from '@securechat/client'
import { follow, Observable } from './observable.js'
import { asError } from './query.js'

export interface MessageHistoryState {
  readonly status: 'loading' | 'ready' | 'missing' | 'error'
  /** Oldest first; the same reference until a message changes. */
  readonly messages: readonly Message[]
  /** There are (or may be) older messages than the first of `messages`. */
  readonly hasMore: boolean
  readonly loadingOlder: boolean
  readonly error: Error | undefined
}

const LOADING: MessageHistoryState = Object.freeze({ status: 'loading', messages: Object.freeze([]), hasMore: false, loadingOlder: false, error: undefined })

/**
 * The messages of one conversation, growing backwards: the live query's window of the newest ones, joined to older ones that were
 * paged in or that the window has moved past. The older ones are kept up to date by `watch`.
 */
export class MessageHistory {
  readonly #find: () => Promise<Conversation | undefined>
  readonly #limit: number
  readonly #state: Observable<MessageHistoryState>
  #conversation: Conversation | undefined
  #window: readonly Message[] = []
  #older: readonly Message[] = []
  #watching: AbortController | undefined
  /** Changes with every activation: answers to an earlier one are dropped. */
  #epoch = 0
  #loading: Promise<void> | undefined

  constructor(find: () => Promise<Conversation | undefined>, limit: number) {
    this.#find = find
    this.#limit = limit
    this.#state = new Observable(LOADING, () => this.#activate())
  }

  readonly get = (): MessageHistoryState => this.#state.get()
  readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener)

  /** Loads the page before the oldest message. One at a time: a call meanwhile gets the same promise. Never rejects; see `error`. */
  readonly loadOlder = (): Promise<void> => {
    this.#loading ??= this.#loadPage().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  #activate(): () => void {
    this.#epoch += 1
    const epoch = this.#epoch
    let stop: (() => void) | undefined
    this.#find().then(
      (conversation) => {
        if (epoch !== this.#epoch) return
        if (!conversation) return this.#change({ status: 'missing' })
        this.#conversation = conversation
        stop = follow(conversation.liveMessages({ limit: this.#limit }), (window) => this.#applyWindow(window))
      },
      (error: unknown) => {
        if (epoch === this.#epoch) this.#change({ status: 'error', error: asError(error) })
      },
    )
    return () => {
      this.#epoch += 1
      stop?.()
      this.#watching?.abort()
      this.#watching = undefined
      // Nobody keeps the older ones up to date from now on.
      this.#older = []
      this.#conversation = undefined
    }
  }

  #applyWindow(window: readonly Message[]): void {
    if (window === this.#window && this.#state.get().status === 'ready') return
    const ids = new Set(window.map(({ id }) => id))
    const first = window[0]?.order ?? Number.NEGATIVE_INFINITY
    const complete = window.length < this.#limit
    // A window that shares no message with the last one may have skipped some: what lies before it must be paged in anew.
    const joined = !complete && this.#window.some(({ id }) => ids.has(id))
    const known = this.#older.concat(this.#window)
    this.#older = joined ? known.filter(({ id, order }) => order < first && !ids.has(id)) : []
    this.#window = window
    // Joined, the first message is the same as before, and so is what lies before it.
    const hasMore = !complete && (joined ? this.#state.get().hasMore : true)
    this.#publish({ status: 'ready', hasMore, error: undefined })
    this.#watchOlder()
  }

  async #loadPage(): Promise<void> {
    const epoch = this.#epoch
    const conversation = this.#conversation
    const { messages, hasMore } = this.#state.get()
    const oldest = messages[0]
    if (!conversation || !oldest || !hasMore) return
    this.#change({ loadingOlder: true })
    try {
      const page = await conversation.messages({ limit: this.#limit, before: oldest.order })
      if (epoch !== this.#epoch) return
      // The window may have been replaced meanwhile: the page then no longer ends where the messages begin.
      if (this.#state.get().messages[0]?.id !== oldest.id) return this.#change({ loadingOlder: false })
      this.#older = page.concat(this.#older)
      this.#publish({ loadingOlder: false, hasMore: page.length === this.#limit, error: undefined })
      this.#watchOlder()
    } catch (error) {
      if (epoch === this.#epoch) this.#change({ loadingOlder: false, error: asError(error) })
    }
  }

  /** The live query covers the window alone. */
  #watchOlder(): void {
    const conversation = this.#conversation
    if (this.#older.length === 0 || this.#watching || !conversation) return
    const watching = new AbortController()
    this.#watching = watching
    const watch = async (): Promise<void> => {
      for await (const message of conversation.watch({ signal: watching.signal })) {
        if (watching.signal.aborted) return
        if (!this.#older.some(({ id }) => id === message.id)) continue
        this.#older = this.#older.map((older) => (older.id === message.id ? message : older))
        this.#publish({})
      }
    }
    watch().catch((error: unknown) => {
      if (!watching.signal.aborted) this.#change({ error: asError(error) })
    })
  }

  #publish(changes: Partial<MessageHistoryState>): void {
    this.#change({ ...changes, messages: this.#older.concat(this.#window) })
  }

  #change(changes: Partial<MessageHistoryState>): void {
    this.#state.set({ ...this.#state.get(), ...changes })
  }
}
