import { type AccountIdentity, safetyNumber } from '@securechat/crypto'
import { type AccountId, isIdText, LABELS, SecureChatError, T, text, u8 } from '@securechat/protocol'
import type { Context } from '../context.js'
import { newContact, readContact, writeContact } from '../state/contacts.js'
import type { Reader } from '../state/database.js'
import { type Pins, readPins, writePins } from '../state/pins.js'
import { deleteSessions } from '../state/sessions.js'
import { shareSoon } from '../sync/due.js'
import { contactKey, contactState } from '../sync/kinds/contact.js'
import type { Client } from '../types.js'
import type { Manifests } from './manifests.js'

const QR_VERSION = 1

export interface SafetyDeps {
  readonly context: Context
  readonly manifests: Manifests
  /** The contact may be written to again. */
  readonly onAccepted: (accountId: AccountId) => void
}

export function createSafety({ context, manifests, onAccepted }: SafetyDeps): Pick<Client['devices'], 'safetyNumber' | 'setVerified' | 'acceptIdentity'> {
  const { db, provider, identity, network } = context
  const requireId = (accountId: AccountId): void => {
    if (!isIdText(accountId)) throw new SecureChatError('client/invalid-argument', { detail: 'account id' })
  }
  /** In groups of five. `own` is what this client believes of its own account. */
  const digitsOf = (own: Pins, { accountId, accountKey }: AccountIdentity): string => {
    const { accountId: self, accountKey: ownKey } = own.pin.manifest
    const digits = safetyNumber(provider, { accountId: self, accountKey: ownKey }, { accountId, accountKey })
    return (digits.match(/\d{5}/g) ?? []).join(' ')
  }
  /** Of a changed identity the new key is what has to be compared. */
  const comparedKey = ({ candidate, pin }: Pins): Uint8Array => (candidate ?? pin).manifest.accountKey

  /** Throws unless `digits` are those of the key that is believed, or waits to be, at this moment. */
  async function requireDigits(tx: Reader, accountId: AccountId, digits: string): Promise<void> {
    const self = await identity.self()
    const own = await readPins(tx, provider, self.accountId)
    const known = await readPins(tx, provider, accountId)
    if (!own || !known || digitsOf(own, { accountId, accountKey: comparedKey(known) }) !== digits)
      throw new SecureChatError('devices/identity-changed', { detail: 'safety number' })
  }

  return {
    async safetyNumber(accountId) {
      requireId(accountId)
      const self = await identity.self()
      const own = await readPins(db, provider, self.accountId)
      const known = await readPins(db, provider, accountId)
      if (!known) await network.open()
      const pins = known ?? (await manifests.ensure(accountId))
      if (!own) throw new SecureChatError('auth/not-registered')
      const digits = digitsOf(own, { accountId, accountKey: comparedKey(pins) })
      return Object.freeze({
        digits,
        qr: T(LABELS.safetyCode, u8(QR_VERSION), text(digits.replaceAll(' ', ''))),
        verified: (await readContact(db, accountId))?.verified ?? false,
      })
    },
    async setVerified(accountId, compared) {
      requireId(accountId)
      await db.run(async (tx) => {
        if (compared !== false) await requireDigits(tx, accountId, compared)
        writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), verified: compared !== false })
        await shareSoon(context, tx, { kind: contactState.name, keys: [contactKey(accountId, 'verified')] })
      })
    },
    async acceptIdentity(accountId, shown) {
      requireId(accountId)
      await db.run(async (tx) => {
        const pins = await readPins(tx, provider, accountId)
        if (!pins?.candidate) return
        if (shown !== undefined) await requireDigits(tx, accountId, shown)
        // Sessions with the former identity; those that the new one has opened meanwhile stay.
        await deleteSessions(tx, accountId, pins.candidate.manifest.accountKey)
        writePins(tx, accountId, { pin: pins.candidate, past: pins.past })
        writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), identityChanged: false })
        tx.afterCommit(() => onAccepted(accountId))
      })
    },
  }
}
