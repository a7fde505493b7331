import {
  type AccountState,
  type BackupState,
  type Client,
  type ConnectionState,
  type Contact,
  type Conversation,
  type Login,
  type Message,
  SecureChatError,
  type StorageRisk,
} from '@securechat/client'
import { demoBackups } from './backups.js'
import { asMessageId, contact, type DemoChat, OWN_ID } from './data.js'
import { type DemoLinking, demoDevices } from './devices.js'
import { DemoState } from './live.js'
import { demoStorage } from './storage.js'

export interface DemoOptions {
  readonly account: AccountState
  readonly connection: ConnectionState
  readonly chats: DemoChat[]
  /** What the other side of linking does. */
  readonly linking?: DemoLinking
  readonly backup?: BackupState
  readonly risks?: readonly StorageRisk[]
}

const never = new Promise<never>(() => undefined)

/** A client without a server or a store, for looking at screens: each state at once, also those that are hard to come by. */
export function demoClient(options: DemoOptions): Client {
  const state = new DemoState()
  let { account } = options
  const { chats, connection, linking = {}, backup, risks } = options
  const listeners = new Map<string, Set<(event: never) => void>>()
  const verified = new Map<string, boolean>()
  const digits = '20481 77301 95224 60817 33590 18462 70095 41836 59207 86613 02948 37751'
  const find = (id: string): DemoChat | undefined => chats.find(({ snapshot }) => snapshot.id === id)
  const snapshotOf = ({ snapshot, messages }: DemoChat) => ({ ...snapshot, ...(messages.length > 0 && { lastMessage: messages.at(-1)! }) })
  const setPeer = (id: string, changes: Partial<Contact>): void => {
    for (const { snapshot } of chats)
      if (snapshot.peer.accountId === id || snapshot.id === id) Object.assign(snapshot, { peer: { ...snapshot.peer, ...changes } })
    state.changed()
  }

  const handle = (chat: DemoChat): Conversation => {
    const { id, peer } = chat.snapshot
    const set = (changes: Partial<DemoChat['snapshot']>): void => {
      Object.assign(chat.snapshot, changes)
      state.changed()
    }
    const change = (target: string, changes: Partial<Message>): void => {
      chat.messages = chat.messages.map((message) => (message.id === target ? { ...message, ...changes } : message))
      state.changed()
    }
    return {
      id,
      peerId: peer.accountId,
      async send(input) {
        const { text, replyTo } = typeof input === 'string' ? { text: input, replyTo: undefined } : input
        const message: Message = {
          id: asMessageId(`sent-${chat.messages.length}`),
          conversationId: id,
          sender: OWN_ID,
          mine: true,
          kind: 'text',
          text,
          sentAt: Date.now(),
          order: (chat.messages.at(-1)?.order ?? 0) + 1,
          status: 'queued',
          edited: false,
          reactions: [],
          ...(replyTo && { replyTo }),
        }
        chat.messages = [...chat.messages, message]
        set({ updatedAt: message.sentAt })
        for (const [after, status] of [
          [300, 'sent'],
          [900, 'delivered'],
          [1_600, 'read'],
        ] as const)
          setTimeout(() => change(message.id, { status }), after)
        return message
      },
      react: async (target, emoji) => {
        const others = chat.messages.find((message) => message.id === target)?.reactions.filter(({ accountId }) => accountId !== OWN_ID) ?? []
        change(target, { reactions: emoji === null ? others : [...others, { accountId: OWN_ID, emoji }] })
      },
      edit: async (target, text) => change(target, { text, edited: true }),
      delete: async (target) => change(target, { kind: 'deleted', text: '' }),
      retry: async (target) => change(target, { status: 'sent' }),
      markRead: async () => set({ unread: 0 }),
      setTyping: async () => undefined,
      update: async (changes) => set(changes),
      accept: async () => setPeer(id, { relation: 'accepted' }),
      block: async () => setPeer(id, { relation: 'blocked' }),
      unblock: async () => setPeer(id, { relation: 'accepted' }),
      async messages({ limit = 50, before = Number.POSITIVE_INFINITY } = {}) {
        await new Promise((resolve) => setTimeout(resolve, 250))
        return chat.messages.filter(({ order }) => order < before).slice(-limit)
      },
      liveMessages: ({ limit = 50 } = {}) => state.live(() => (chat.stuck ? undefined : chat.messages.slice(-limit))),
      snapshot: async () => snapshotOf(chat),
      live: () => state.live(() => snapshotOf(chat)),
      async *watch({ signal } = {}) {
        await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      },
    }
  }

  const refusals: Readonly<Record<string, SecureChatError['code']>> = {
    '000000': 'auth/code-wrong',
    '111111': 'auth/code-expired',
    '222222': 'auth/too-many-tries',
  }
  const login = (phone: string): Login => ({
    phone,
    codeDigits: 6,
    expiresAt: Date.now() + 600_000,
    resendAt: Date.now() + 30_000,
    async confirm({ code, replaceKeys, pin }) {
      if (code === '999999') return never
      const refusal = refusals[code]
      if (refusal) throw new SecureChatError(refusal)
      if (code === '555555' && pin !== '2468') {
        if (pin === undefined) throw new SecureChatError('auth/pin-required')
        if (pin === '0000') throw new SecureChatError('auth/too-many-tries', { retryAfterSeconds: 68_000 })
        throw new SecureChatError('auth/pin-wrong', { triesLeft: 6 })
      }
      if (code === '333333' && !replaceKeys) throw new SecureChatError('auth/account-exists')
      account = { status: 'signed-in', accountId: OWN_ID, phone }
      state.changed()
      return account
    },
  })

  let lockedSince: number | undefined
  return {
    account: {
      state: async () => account,
      live: () => state.live(() => account),
      async requestCode({ phone }) {
        if (phone.endsWith('9999')) throw new SecureChatError('network/unreachable')
        return login(phone)
      },
      async setProfile({ name, avatar }) {
        account = { ...account, profile: { name, ...(avatar instanceof Uint8Array && { avatar }) } }
        state.changed()
      },
      async setRegistrationLock(pin) {
        lockedSince = pin === null ? undefined : Date.now()
      },
      registrationLock: async () => (lockedSince === undefined ? undefined : { since: lockedSince }),
      async logout() {
        account = { status: 'signed-out' }
        state.changed()
      },
      async erase() {
        throw new SecureChatError('network/unreachable')
      },
    },
    contacts: {
      find: async () => null,
      get: async (id) => chats.find(({ snapshot }) => snapshot.peer.accountId === id)?.snapshot.peer,
      list: async () => chats.map(({ snapshot }) => snapshot.peer),
    },
    conversations: {
      async direct(peer) {
        if (!('phone' in peer) || peer.phone.endsWith('0199')) throw new SecureChatError('client/not-found')
        const known = chats.find(({ snapshot }) => snapshot.peer.phone === peer.phone)
        if (known) return handle(known)
        const added: DemoChat = {
          snapshot: {
            id: `new-${chats.length}` as Conversation['id'],
            peer: contact(peer.phone, peer.phone, { phone: peer.phone }),
            unread: 0,
            updatedAt: Date.now(),
            draft: '',
            muted: false,
            pinned: false,
            archived: false,
            typing: false,
          },
          messages: [],
        }
        chats.unshift(added)
        state.changed()
        return handle(added)
      },
      async get(id) {
        const chat = find(id)
        return chat && handle(chat)
      },
      list: async () => chats.map(snapshotOf),
      live: ({ archived = false } = {}) =>
        state.live(() =>
          chats
            .map(snapshotOf)
            .filter((chat) => chat.archived === archived)
            .sort((a, b) => b.updatedAt - a.updatedAt),
        ),
    },
    backups: demoBackups(state, backup),
    storage: demoStorage(state, risks),
    devices: {
      ...demoDevices(state, linking),
      async safetyNumber(id) {
        if (id === 'ada') throw new SecureChatError('network/unreachable')
        const peer = chats.find(({ snapshot }) => snapshot.peer.accountId === id)?.snapshot.peer
        return { digits, qr: new Uint8Array(), verified: verified.get(id) ?? peer?.verified ?? false }
      },
      async setVerified(id, compared) {
        verified.set(id, compared !== false)
        setPeer(id, { verified: compared !== false })
      },
      acceptIdentity: async (id) => setPeer(id, { identityChanged: false }),
    },
    privacy: { locks: { list: async () => [], add: () => never, replace: () => never, remove: () => never } },
    connection: { state: () => connection, live: () => state.live(() => connection), retryNow: () => undefined },
    start: async () => undefined,
    close: async () => undefined,
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener as (event: never) => void))
      return () => set.delete(listener as (event: never) => void)
    },
    consume: () => async () => undefined,
  }
}
