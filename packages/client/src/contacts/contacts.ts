import { type AccountId, isIdText, isPhoneNumber, SecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { requireAccount } from '../state/account.js'
import { type ContactRecord, listContacts, newContact, readContact, writeContact } from '../state/contacts.js'
import { shareSoon } from '../sync/due.js'
import { contactKey, contactState } from '../sync/kinds/contact.js'
import type { CallOptions, Contact } from '../types.js'
import { presentContact } from './present.js'

export interface Contacts {
  find(input: { phone: string }, options?: CallOptions): Promise<Contact | null>
  get(accountId: AccountId): Promise<Contact | undefined>
  list(): Promise<readonly Contact[]>
  /** The account of a number: known here, else looked up. Null: not registered. */
  resolve(peer: { phone: string } | { accountId: AccountId }, options?: CallOptions): Promise<AccountId | null>
}

export function createContacts(context: Context): Contacts {
  const { db, network } = context

  const lookup = async (phone: string, options: CallOptions): Promise<ContactRecord | null> => {
    if (!isPhoneNumber(phone)) throw new SecureChatError('client/invalid-argument', { detail: 'phone number: E.164' })
    const { accountId } = await network.call('account.lookup', { phone }, options)
    if (!accountId) return null
    return db.run(async (tx) => {
      if (accountId === (await requireAccount(tx)).accountId) throw new SecureChatError('client/invalid-argument', { detail: 'own number' })
      const before = await readContact(tx, accountId)
      if (before?.phone === phone) return before
      const next = { ...(before ?? newContact(accountId)), phone }
      writeContact(tx, next)
      await shareSoon(context, tx, { kind: contactState.name, keys: [contactKey(accountId, 'phone')] })
      return next
    })
  }

  return {
    async find({ phone }, options = {}) {
      const found = await lookup(phone, options)
      return found && presentContact(found)
    },
    async get(accountId) {
      const record = isIdText(accountId) ? await readContact(db, accountId) : undefined
      return record && presentContact(record)
    },
    async list() {
      const known = (await listContacts(db)).filter(({ relation }) => relation !== 'none').map(presentContact)
      return known.sort((a, b) => (a.displayName < b.displayName ? -1 : 1))
    },
    async resolve(peer, options = {}) {
      if ('phone' in peer) {
        const known = (await listContacts(db)).find(({ phone }) => phone === peer.phone)
        return known?.accountId ?? (await lookup(peer.phone, options))?.accountId ?? null
      }
      if (!isIdText(peer.accountId)) throw new SecureChatError('client/invalid-argument', { detail: 'account id' })
      if (peer.accountId === (await requireAccount(db)).accountId) throw new SecureChatError('client/invalid-argument', { detail: 'own account' })
      return peer.accountId
    },
  }
}
