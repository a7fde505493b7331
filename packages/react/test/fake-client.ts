import type {
  AccountState,
  Client,
  ClientEvents,
  ConnectionState,
  Contact,
  Conversation,
  ConversationSnapshot,
  LiveQuery,
  Message,
  SafetyNumber,
  StorageState,
} from '@securechat/client'

/** A live query that a test changes by hand. */
export class FakeLive<T> implements LiveQuery<T> {
  #value: T | undefined
  readonly listeners = new Set<() => void>()
  constructor(value?: T) {
    this.#value = value
  }
  get(): T | undefined {
    return this.#value
  }
  set(value: T): void {
    this.#value = value
    this.signal()
  }
  signal(): void {
    for (const listener of [...this.listeners]) listener()
  }
  subscribe(onChange: () => void): () => void {
    this.listeners.add(onChange)
    return () => this.listeners.delete(onChange)
  }
}

export const accountId = (name: string): Contact['accountId'] => name as Contact['accountId']
export const conversationId = (name: string): Conversation['id'] => name as Conversation['id']
export const messageId = (name: string): Message['id'] => name as Message['id']

export const contact = (name: string, changes: Partial<Contact> = {}): Contact => ({
  accountId: accountId(name),
  displayName: name,
  relation: 'accepted',
  identityChanged: false,
  verified: false,
  ...changes,
})

export const snapshot = (name: string, changes: Partial<ConversationSnapshot> = {}): ConversationSnapshot => ({
  id: conversationId(name),
  peer: contact(name),
  unread: 0,
  updatedAt: 0,
  draft: '',
  muted: false,
  pinned: false,
  archived: false,
  typing: false,
  ...changes,
})

export const message = (order: number, changes: Partial<Message> = {}): Message => ({
  id: messageId(`m${order}`),
  conversationId: conversationId('bob'),
  sender: accountId('bob'),
  mine: false,
  kind: 'text',
  text: `text ${order}`,
  sentAt: order,
  order,
  edited: false,
  reactions: [],
  ...changes,
})

const refuse = (): never => {
  throw new Error('not part of this test')
}

/** The conversation's whole history is `stored`; `window` is what liveMessages shows. */
export function fakeConversation(name: string, changes: Partial<Conversation> = {}) {
  const live = new FakeLive<ConversationSnapshot>()
  const window = new FakeLive<readonly Message[]>()
  const watchers = new Set<(message: Message) => void>()
  const state = { stored: [] as Message[], asked: [] as { limit?: number; before?: number }[], limits: [] as (number | undefined)[] }
  const conversation: Conversation = {
    id: conversationId(name),
    peerId: accountId(name),
    send: refuse,
    react: refuse,
    edit: refuse,
    delete: refuse,
    retry: refuse,
    markRead: refuse,
    setTyping: refuse,
    update: refuse,
    accept: refuse,
    block: refuse,
    unblock: refuse,
    async messages(options = {}) {
      state.asked.push(options)
      return state.stored.filter(({ order }) => order < (options.before ?? Number.POSITIVE_INFINITY)).slice(-(options.limit ?? 50))
    },
    liveMessages({ limit } = {}) {
      state.limits.push(limit)
      return window
    },
    snapshot: refuse,
    live: () => live,
    async *watch({ signal } = {}) {
      const queue: Message[] = []
      let wake = (): void => undefined
      const tell = (changed: Message): void => {
        queue.push(changed)
        wake()
      }
      watchers.add(tell)
      try {
        while (!signal?.aborted) {
          const next = queue.shift()
          if (next) yield next
          else
            await new Promise<void>((resolve) => {
              wake = resolve
              signal?.addEventListener('abort', () => resolve(), { once: true })
            })
        }
      } finally {
        watchers.delete(tell)
      }
    },
    ...changes,
  }
  return { conversation, live, window, watchers, state, changed: (changed: Message) => [...watchers].map((tell) => tell(changed)) }
}

export function fakeClient(conversations: Conversation[] = []) {
  const account = new FakeLive<AccountState>()
  const connection = new FakeLive<ConnectionState>()
  const storage = new FakeLive<StorageState>()
  const list = new FakeLive<readonly ConversationSnapshot[]>()
  const archivedList = new FakeLive<readonly ConversationSnapshot[]>()
  const contacts = new Map<string, Contact>()
  const safetyNumbers = new Map<string, SafetyNumber>()
  const listeners = new Map<string, Set<(event: never) => void>>()
  const calls = { start: 0, close: 0, retryNow: 0, verified: [] as [string, string | false][], accepted: [] as string[] }
  const count = (name: 'start' | 'close' | 'retryNow'): void => {
    calls[name] += 1
  }
  const client: Client = {
    account: {
      state: refuse,
      live: () => account,
      requestCode: refuse,
      setProfile: refuse,
      setRegistrationLock: refuse,
      registrationLock: refuse,
      logout: refuse,
      erase: refuse,
    },
    contacts: { find: refuse, list: refuse, get: async (id) => contacts.get(id) },
    conversations: {
      direct: refuse,
      get: async (id) => conversations.find((conversation) => conversation.id === id),
      list: refuse,
      live: (options) => (options?.archived ? archivedList : list),
    },
    devices: {
      list: refuse,
      live: refuse,
      requestLink: refuse,
      scanLink: refuse,
      revoke: refuse,
      rename: refuse,
      idle: refuse,
      alerts: { list: refuse, live: refuse, acknowledge: refuse },
      requestPromotion: refuse,
      history: { state: refuse, live: refuse },
      async safetyNumber(id) {
        const number = safetyNumbers.get(id)
        if (!number) throw new Error('no number')
        return number
      },
      async setVerified(id, compared) {
        calls.verified.push([id, compared])
        safetyNumbers.set(id, { ...safetyNumbers.get(id)!, verified: compared !== false })
      },
      acceptIdentity: async (id) => void calls.accepted.push(id),
    },
    backups: { createWords: refuse, enable: refuse, state: refuse, live: refuse, run: refuse, disable: refuse, restore: refuse },
    storage: { state: refuse, live: () => storage, keep: refuse },
    // A new object each time, as a careless implementation would give.
    privacy: { locks: { list: refuse, add: refuse, replace: refuse, remove: refuse } },
    connection: { state: () => ({ status: 'connecting', synced: false }), live: () => connection, retryNow: () => count('retryNow') },
    start: async () => count('start'),
    close: async () => count('close'),
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener as (event: never) => void))
      return () => set.delete(listener as (event: never) => void)
    },
    consume: refuse,
  }
  const emit = <Name extends keyof ClientEvents>(name: Name, event: Parameters<ClientEvents[Name]>[0]): void => {
    for (const listener of listeners.get(name) ?? []) listener(event as never)
  }
  return {
    client,
    account,
    connection,
    list,
    archivedList,
    contacts,
    safetyNumbers,
    storage,
    calls,
    emit,
    listenersOf: (name: string) => listeners.get(name)?.size ?? 0,
  }
}
