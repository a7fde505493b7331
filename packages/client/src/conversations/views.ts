import type { AccountId, ConversationId } from '@securechat/protocol'
import { presentContact } from '../contacts/present.js'
import type { Context } from '../context.js'
import { createLiveQuery, sameList } from '../live/live-query.js'
import { decodeContact, newContact, readContact } from '../state/contacts.js'
import { type ConversationRecord, decodeConversation, requireConversation } from '../state/conversations.js'
import { keyOf, PREFIX, prefixOf, secondPart } from '../state/keys.js'
import { decodeMessage, listMessages } from '../state/messages.js'
import type { Contact, ConversationSnapshot, LiveQuery, Message } from '../types.js'
import { presentConversation, presentMessage } from './present.js'
import type { Typing } from './typing.js'

/** What the screens read. Loaded from the store; in memory is only what a subscribed view shows. */
export interface Views {
  snapshot(id: ConversationId): Promise<ConversationSnapshot>
  list(options: { archived?: boolean | undefined }): Promise<readonly ConversationSnapshot[]>
  messages(id: ConversationId, page: { limit: number; before?: number | undefined }): Promise<readonly Message[]>
  live(id: ConversationId): LiveQuery<ConversationSnapshot>
  liveList(options: { archived?: boolean | undefined }): LiveQuery<readonly ConversationSnapshot[]>
  liveMessages(id: ConversationId, limit: number): LiveQuery<readonly Message[]>
}

const byNewest = (a: ConversationSnapshot, b: ConversationSnapshot): number => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1)

export function createViews(context: Context, typing: Typing): Views {
  const { db, storage, logger, identity } = context

  const lastMessage = async (id: ConversationId, self: AccountId): Promise<Message | undefined> => {
    const [last] = await listMessages(db, id, { limit: 1 })
    return last && presentMessage(last, self)
  }
  const snapshotOf = async (record: ConversationRecord, self: AccountId, contact?: Contact): Promise<ConversationSnapshot> => {
    const peer = contact ?? presentContact((await readContact(db, record.peer)) ?? newContact(record.peer))
    return presentConversation(record, { peer, last: await lastMessage(record.id, self), typing: typing.is(record.peer) })
  }
  const requireSelf = async (): Promise<AccountId> => (await identity.accountId()) ?? ('' as AccountId)
  const snapshot = async (id: ConversationId): Promise<ConversationSnapshot> => snapshotOf(await requireConversation(db, id), await requireSelf())

  const messages: Views['messages'] = async (id, page) => {
    const self = await requireSelf()
    return Object.freeze((await listMessages(db, id, page)).reverse().map((record) => presentMessage(record, self)))
  }

  const liveMessages = (id: ConversationId, limit: number): LiveQuery<readonly Message[]> => {
    const prefix = prefixOf.messages(id)
    let known = new Map<string, { version: number; message: Message }>()
    let value: readonly Message[] | undefined
    return createLiveQuery({
      logger,
      watch: (onChange) => storage.watch(prefix, onChange),
      async load() {
        const self = await requireSelf()
        const entries = (await storage.list(prefix, { limit, reverse: true })).reverse()
        const next: typeof known = new Map()
        for (const { key, value: bytes, version } of entries) {
          const before = known.get(key)
          next.set(key, before?.version === version ? before : { version, message: presentMessage(decodeMessage(bytes), self) })
        }
        known = next
        value = sameList(
          value,
          [...next.values()].map(({ message }) => message),
        )
        return value
      },
    })
  }

  const watchAll = (onChange: (keys: readonly string[]) => void, prefixes: readonly string[]): (() => void) => {
    const ends = prefixes.map((prefix) => storage.watch(prefix, onChange))
    // Typing is not in the store; its changes are told like a touched contact.
    ends.push(typing.subscribe((peer) => onChange([keyOf.contact(peer)])))
    return () => {
      for (const end of ends) end()
    }
  }

  const live = (id: ConversationId): LiveQuery<ConversationSnapshot> => {
    const list = createListLoader({ storage, snapshotOf, requireSelf })
    return createLiveQuery({
      logger,
      watch: (onChange) => watchAll(onChange, [keyOf.conversation(id), prefixOf.messages(id), PREFIX.contact]),
      async load(keys) {
        const { byId } = await list.load(keys, [id])
        return byId.get(id) ?? snapshot(id)
      },
    })
  }

  const liveList: Views['liveList'] = ({ archived }) => {
    const list = createListLoader({ storage, snapshotOf, requireSelf })
    let value: readonly ConversationSnapshot[] | undefined
    return createLiveQuery({
      logger,
      watch: (onChange) => watchAll(onChange, [PREFIX.conversation, PREFIX.message, PREFIX.contact]),
      async load(keys) {
        const { byId } = await list.load(keys)
        value = sameList(value, [...byId.values()].filter((row) => archived === undefined || row.archived === archived).sort(byNewest))
        return value
      },
    })
  }

  return {
    snapshot,
    messages,
    live,
    liveList,
    liveMessages,
    async list({ archived }) {
      const { byId } = await createListLoader({ storage, snapshotOf, requireSelf }).load(undefined)
      return Object.freeze([...byId.values()].filter((row) => archived === undefined || row.archived === archived).sort(byNewest))
    },
  }
}

interface ListLoaderDeps {
  readonly storage: Context['storage']
  readonly snapshotOf: (record: ConversationRecord, self: AccountId, contact: Contact) => Promise<ConversationSnapshot>
  readonly requireSelf: () => Promise<AccountId>
}

/** Snapshots of conversations, kept up to date by what was touched: a new message costs one conversation, not all of them. */
function createListLoader({ storage, snapshotOf, requireSelf }: ListLoaderDeps) {
  const byId = new Map<ConversationId, ConversationSnapshot>()
  const contacts = new Map<AccountId, Contact>()

  const contactsOf = async (peers: readonly AccountId[]): Promise<void> => {
    const missing = [...new Set(peers)].filter((peer) => !contacts.has(peer))
    const entries = await storage.getMany(missing.map(keyOf.contact))
    for (const [index, peer] of missing.entries()) {
      const entry = entries[index]
      contacts.set(peer, presentContact(entry ? decodeContact(entry.value) : newContact(peer)))
    }
  }
  const touchedIds = (keys: ReadonlySet<string>): ConversationId[] => {
    const ids = new Set<ConversationId>()
    const peers = new Set<AccountId>()
    for (const key of keys) {
      if (!key.startsWith(PREFIX.contact)) {
        ids.add(secondPart(key) as ConversationId)
        continue
      }
      const peer = secondPart(key) as AccountId
      contacts.delete(peer)
      peers.add(peer)
    }
    for (const { id, peer } of byId.values()) if (peers.has(peer.accountId)) ids.add(id)
    return [...ids]
  }
  return {
    /** `only`: these conversations and no others. */
    async load(keys: ReadonlySet<string> | undefined, only?: readonly ConversationId[]): Promise<{ byId: ReadonlyMap<ConversationId, ConversationSnapshot> }> {
      const self = await requireSelf()
      if (!keys) {
        byId.clear()
        contacts.clear()
      }
      const ids = keys ? touchedIds(keys).filter((id) => !only || only.includes(id)) : only
      const entries = ids ? await storage.getMany(ids.map(keyOf.conversation)) : await storage.list(PREFIX.conversation)
      const records = entries.flatMap((entry) => (entry ? [decodeConversation(entry.value)] : []))
      for (const id of ids ?? []) if (!records.some((record) => record.id === id)) byId.delete(id)
      await contactsOf(records.map(({ peer }) => peer))
      for (const record of records) byId.set(record.id, await snapshotOf(record, self, contacts.get(record.peer)!))
      return { byId }
    },
  }
}
