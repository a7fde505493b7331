import { type AccountId, equalPublicBytes, isIdText, isPhoneNumber } from '@securechat/protocol'
import * as z from 'zod/mini'
import { type ContactRecord, decodeContact, newContact, readContact, writeContact } from '../../state/contacts.js'
import { keyOf, PREFIX } from '../../state/keys.js'
import { readPins } from '../../state/pins.js'
import { bytes } from '../../state/record.js'
import { defineKind } from '../kind.js'

const relation = z.enum(['none', 'accepted', 'request', 'blocked'])
const schema = z.union([
  z.object({ relation, before: z.optional(z.enum(['none', 'accepted', 'request'])) }),
  z.object({ phone: z.string() }),
  /** The account key whose digits were compared; null: not verified any more. */
  z.object({ verified: z.nullable(bytes) }),
])
type Value = z.output<typeof schema>
export type ContactField = 'relation' | 'phone' | 'verified'

export const contactKey = (account: AccountId, field: ContactField): string => `${account}/${field}`

function fields({ accountId, relation: kind, phone, verified }: ContactRecord): string[] {
  return [
    ...(kind === 'none' ? [] : [contactKey(accountId, 'relation')]),
    ...(phone === undefined ? [] : [contactKey(accountId, 'phone')]),
    ...(verified ? [contactKey(accountId, 'verified')] : []),
  ]
}

/** Whom the user has accepted, blocked, verified, and the numbers that were looked up. */
export const contactState = defineKind<Value>({
  name: 'contact',
  schema,
  register: true,
  async read({ provider }, reader, key) {
    const [accountId = '', field] = key.split('/')
    const contact = await readContact(reader, accountId as AccountId)
    if (!contact) return undefined
    if (field === 'relation') return { relation: contact.relation, ...(contact.relationBefore && { before: contact.relationBefore }) }
    if (field === 'phone') return contact.phone === undefined ? undefined : { phone: contact.phone }
    if (!contact.verified) return { verified: null }
    const pins = await readPins(reader, provider, contact.accountId)
    return pins && { verified: pins.pin.manifest.accountKey }
  },
  async write({ provider }, tx, { key, value }) {
    const [text = '', field] = key.split('/')
    if (!isIdText(text)) return
    const accountId = text as AccountId
    const contact = (await readContact(tx, accountId)) ?? newContact(accountId)
    if ('relation' in value && field === 'relation') {
      const { relationBefore: _, ...rest } = contact
      const fetchProfile = value.relation === 'accepted' && contact.profileKey && !contact.profile
      writeContact(tx, {
        ...rest,
        relation: value.relation,
        ...(value.before && { relationBefore: value.before }),
        ...(fetchProfile && { profileDue: true }),
      })
    } else if ('phone' in value && field === 'phone') {
      if (isPhoneNumber(value.phone)) writeContact(tx, { ...contact, phone: value.phone })
    } else if ('verified' in value && field === 'verified') {
      const { verifiedKey: _, ...rest } = contact
      const pins = await readPins(tx, provider, accountId)
      // A key that is not known here yet is compared when it is; a mark never moves to another key.
      if (!pins) return writeContact(tx, { ...rest, verified: false, ...(value.verified && { verifiedKey: value.verified }) })
      writeContact(tx, { ...rest, verified: value.verified !== null && !pins.candidate && equalPublicBytes(pins.pin.manifest.accountKey, value.verified) })
    }
  },
  async keys(reader, { after, limit }) {
    const entries = await reader.list(PREFIX.contact, { limit, ...(after && { after: keyOf.contact(after as AccountId) }) })
    const records = entries.map(({ value }) => decodeContact(value))
    return { keys: records.flatMap(fields), after: entries.length < limit ? undefined : records.at(-1)?.accountId }
  },
})
