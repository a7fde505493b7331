import { openProfile } from '@securechat/crypto'
import { type AccountId, asSecureChatError, isSecureChatError, LIMITS, SecureChatError } from '@securechat/protocol'
import { type Context, directConversationId } from '../context.js'
import { enqueue } from '../send/compose.js'
import { requireAccount } from '../state/account.js'
import { listContacts, readContact, writeContact } from '../state/contacts.js'
import { readConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { decodeProfile, readOwnProfile, writeOwnProfile } from '../state/profile.js'
import { shareSoon } from '../sync/due.js'
import { OWN_PROFILE, ownProfile } from '../sync/kinds/profile.js'
import { sealOwn } from './profile-key.js'

const AVATAR_BYTES = 48 * 1024

export interface Profiles {
  /** Stores the profile here; uploads it now if the server can be reached, else with the next connection. */
  set(profile: { name: string; avatar?: Uint8Array | Blob }, signal?: AbortSignal): Promise<void>
  /** To be called when a connection stands, and when the profile was changed: uploads what is not uploaded, fetches what is due. */
  catchUp(): void
  /** A contact's profile should be fetched. */
  due(accountId: AccountId): void
  stop(): Promise<void>
}

async function avatarBytes(avatar: Uint8Array | Blob | undefined): Promise<Uint8Array | undefined> {
  if (!avatar) return undefined
  const bytes = avatar instanceof Uint8Array ? avatar : new Uint8Array(await avatar.arrayBuffer())
  if (bytes.length > AVATAR_BYTES) throw new SecureChatError('protocol/too-large', { detail: 'avatar' })
  return bytes
}

export function createProfiles(context: Context): Profiles {
  const { db, provider, random, network, logger } = context
  const waiting = new Set<AccountId>()
  let working: Promise<void> | undefined
  let again = false

  /** The stored bytes, until the server has them. A higher version there (an earlier device of this account) is overtaken. */
  const upload = async (): Promise<void> => {
    const own = await readOwnProfile(db)
    if (!own?.sealed) return
    const { accountId } = await requireAccount(db)
    try {
      await network.connection.call('account.setProfile', { version: own.version, profile: own.sealed })
    } catch (error) {
      if (!isSecureChatError(error, 'request/conflict')) throw error
      const { profile: there } = await network.connection.call('account.profile', { accountId })
      await db.run(async (tx) => {
        const current = await readOwnProfile(tx)
        if (!current) return
        writeOwnProfile(tx, sealOwn(context, accountId, { ...current, version: Math.max(current.version, there?.version ?? 0) + 1 }))
        await shareSoon(context, tx, { kind: ownProfile.name, keys: [OWN_PROFILE] })
      })
      return upload()
    }
    await db.run(async (tx) => {
      const current = await readOwnProfile(tx)
      // Done by another upload of the same bytes.
      if (current?.version !== own.version || !current.sealed) return
      const { sealed: _, ...uploaded } = current
      writeOwnProfile(tx, uploaded)
      await announce(context, tx, { accountId, version: own.version })
    })
  }

  const fetchOne = async (accountId: AccountId): Promise<void> => {
    const contact = await readContact(db, accountId)
    if (!contact?.profileDue || !contact.profileKey) return
    const { profileKey } = contact
    const { profile: there } = await network.connection.call('account.profile', { accountId })
    let profile: { name: string; avatar?: Uint8Array; version: number } | undefined
    if (there) {
      try {
        const { name, avatar } = decodeProfile(openProfile({ provider, random }, { profileKey, accountId, version: there.version, sealed: there.profile }))
        profile = { name: name.slice(0, LIMITS.labelCharacters), version: there.version, ...(avatar && avatar.length <= AVATAR_BYTES && { avatar }) }
      } catch (error) {
        logger.warn('client.profile-unreadable', { code: asSecureChatError(error, 'crypto/authentication-failed').code })
      }
    }
    await db.run(async (tx) => {
      const current = await readContact(tx, accountId)
      if (!current) return
      // An older version than the known one is not taken: the server may have kept it back.
      const newer = profile && profile.version >= (current.profile?.version ?? 0)
      writeContact(tx, { ...current, profileDue: false, ...(newer && profile && { profile }) })
    })
  }

  const work = async (): Promise<void> => {
    await upload()
    for (const { accountId, profileDue } of await listContacts(db)) if (profileDue) waiting.add(accountId)
    for (const accountId of waiting) {
      waiting.delete(accountId)
      await fetchOne(accountId)
    }
  }
  const begin = (): void => {
    again = working !== undefined
    if (again || !network.online) return
    working = work()
      .catch((error: unknown) => logger.debug('client.profiles-later', { code: asSecureChatError(error, 'server/internal').code }))
      .finally(() => {
        working = undefined
        if ((again || waiting.size > 0) && network.online) begin()
      })
  }

  return {
    async set({ name, avatar }, signal) {
      if (typeof name !== 'string' || name.trim().length === 0 || name.length > LIMITS.labelCharacters)
        throw new SecureChatError('client/invalid-argument', { detail: 'profile name' })
      const picture = await avatarBytes(avatar)
      await db.run(async (tx) => {
        const { accountId } = await requireAccount(tx)
        const before = await readOwnProfile(tx)
        const next = { key: before?.key ?? random(32), version: (before?.version ?? 0) + 1, name: name.trim(), ...(picture && { avatar: picture }) }
        writeOwnProfile(tx, sealOwn(context, accountId, next))
        await shareSoon(context, tx, { kind: ownProfile.name, keys: [OWN_PROFILE] })
      })
      try {
        await network.open(signal)
        await upload()
      } catch (error) {
        const { code, retry } = asSecureChatError(error, 'server/internal')
        // It is stored, and goes with the next connection.
        if (retry === 'never') throw error
        logger.debug('client.profile-later', { code })
      }
    },
    catchUp: begin,
    due(accountId) {
      waiting.add(accountId)
      begin()
    },
    async stop() {
      await working
    },
  }
}

/** Tells those who may read it and have been written to. The key is in the message. */
async function announce(context: Context, tx: Transaction, { accountId, version }: { accountId: AccountId; version: number }): Promise<void> {
  for (const { accountId: peer, relation } of await listContacts(tx)) {
    if (relation !== 'accepted') continue
    const id = directConversationId(context.provider, accountId, peer)
    const conversation = await readConversation(tx, id)
    if (!conversation || conversation.nextOrder === 1) continue
    await enqueue(context, tx, { peer, conversation: id, content: { type: 'profile', version } })
  }
}
