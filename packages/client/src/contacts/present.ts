import type { AccountId } from '@securechat/protocol'
import type { ContactRecord } from '../state/contacts.js'
import type { Contact, Profile } from '../types.js'

const SHORT_ID = 8

export function presentProfile(profile: { readonly name: string; readonly avatar?: Uint8Array | undefined } | undefined): Profile | undefined {
  if (!profile) return undefined
  return Object.freeze({ name: profile.name, ...(profile.avatar && { avatar: profile.avatar }) })
}

const displayName = (accountId: AccountId, { profile, phone }: Pick<ContactRecord, 'profile' | 'phone'>): string =>
  profile?.name ?? phone ?? accountId.slice(0, SHORT_ID)

export function presentContact(record: ContactRecord): Contact {
  const { accountId, phone, relation, identityChanged, verified } = record
  const profile = presentProfile(record.profile)
  return Object.freeze({
    accountId,
    ...(phone !== undefined && { phone }),
    ...(profile && { profile }),
    displayName: displayName(accountId, record),
    // Somebody who was only looked up may be written to like anybody else.
    relation: relation === 'none' ? 'accepted' : relation,
    identityChanged,
    verified,
  })
}
