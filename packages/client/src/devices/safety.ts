import { safetyNumber } from '@securechat/crypto'
import { type AccountId, isIdText, LABELS, SecureChatError, T, text, u8 } from '@securechat/protocol'
import type { Context } from '../context.js'
import { newContact, readContact, writeContact } from '../state/contacts.js'
import { readPins, writePins } from '../state/pins.js'
import { deleteSessions } from '../state/sessions.js'
import type { Client } from '../types.js'
import type { Manifests } from './manifests.js'

const QR_VERSION = 1

export interface SafetyDeps {
  readonly context: Context
  readonly manifests: Manifests
  /** The contact may be written to again. */
  readonly onAccepted: (accountId: AccountId) => void
}

export function createSafety({ context, manifests, onAccepted }: SafetyDeps): Client['devices'] {
  const { db, provider, identity, network } = context
  const requireId = (accountId: AccountId): void => {
    if (!isIdText(accountId)) throw new SecureChatError('client/invalid-argument', { detail: 'account id' })
  }
  return {
    async safetyNumber(accountId) {
      requireId(accountId)
      const self = await identity.self()
      const own = await readPins(db, provider, self.accountId)
      const known = await readPins(db, provider, accountId)
      if (!known) await network.open()
      // Of a changed identity the new key is what has to be compared.
      const { pin, candidate } = known ?? (await manifests.ensure(accountId))
      if (!own) throw new SecureChatError('auth/not-registered')
      const accountKey = (candidate ?? pin).manifest.accountKey
      const digits = safetyNumber(provider, { accountId: self.accountId, accountKey: own.pin.manifest.accountKey }, { accountId, accountKey })
      const groups = digits.match(/\d{5}/g) ?? []
      return Object.freeze({
        digits: groups.join(' '),
        qr: T(LABELS.safetyNumber, u8(QR_VERSION), text(digits)),
        verified: (await readContact(db, accountId))?.verified ?? false,
      })
    },
    async setVerified(accountId, verified) {
      requireId(accountId)
      await db.run(async (tx) => writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), verified }))
    },
    async acceptIdentity(accountId) {
      requireId(accountId)
      await db.run(async (tx) => {
        const pins = await readPins(tx, provider, accountId)
        if (!pins?.candidate) return
        // Sessions with the former identity; those that the new one has opened meanwhile stay.
        await deleteSessions(tx, accountId, pins.candidate.manifest.accountKey)
        writePins(tx, accountId, { pin: pins.candidate, past: pins.past })
        writeContact(tx, { ...((await readContact(tx, accountId)) ?? newContact(accountId)), identityChanged: false })
        tx.afterCommit(() => onAccepted(accountId))
      })
    },
  }
}
