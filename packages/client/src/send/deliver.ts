import type { SessionRecord } from '@securechat/crypto'
import { asSecureChatError, SecureChatError } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { holdSent, RETRY_TYPE } from '../healing/hold.js'
import { prepareRequest } from '../healing/request.js'
import { readConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { readRenewals, writeRenewals } from '../state/healing.js'
import { type MessageRecord, placeMessage, readMessage, writeMessage } from '../state/messages.js'
import { type OutboxRow, readOutbox, writeOutbox } from '../state/outbox.js'
import { readSession, writeSession } from '../state/sessions.js'
import { encryptFanout } from './encrypt-fanout.js'
import { type Bundles, deviceName, devicesWithoutSession, fetchBundles, isRenewalDue, recordOf } from './ensure-sessions.js'
import { type Audience, resolveAudience } from './resolve-devices.js'

export type Changed = (tx: Transaction, message: MessageRecord) => void

/**
 * Encrypts an outbox row, unless that was done before: ONE commit moves the ratchets and keeps the ciphertexts. Only then may it be sent,
 * and from then on nothing but these bytes is. Gives the row as stored; undefined when it is gone.
 */
export async function prepareRow(context: Context, manifests: Manifests, row: OutboxRow): Promise<OutboxRow | undefined> {
  if (row.record.recipients) return row
  if (row.record.type === RETRY_TYPE) return prepareRequest(context, row)
  const { db, provider, clock, network, logger } = context
  const self = await context.identity.self()
  const { peer, device } = row.record
  if (peer !== self.accountId) await manifests.ensure(peer)
  const before = only(await resolveAudience(db, provider, { self, peer }), device)
  const missing = before ? await devicesWithoutSession(db, before.remotes, { now: clock.now(), renewals: await readRenewals(db) }) : []
  const bundles: Bundles = missing.length > 0 ? await fetchBundles(network.connection.call, missing) : new Map()
  return db.run(async (tx) => {
    const record = await readOutbox(tx, row.key)
    if (!record || record.recipients) return record && { key: row.key, record }
    const audience = only(await resolveAudience(tx, provider, { self, peer }), device)
    if (!audience) throw new SecureChatError('devices/stale-manifest')
    if (device && audience.remotes.length === 0) {
      // The device that asked has left the list.
      tx.delete(row.key)
      return undefined
    }
    const renewals = await readRenewals(tx)
    const [records, renew] = [[] as (SessionRecord | null)[], [] as boolean[]]
    for (const remote of audience.remotes) {
      const session = recordOf(await readSession(tx, remote), remote)
      const due = isRenewalDue(renewals, remote, session)
      // It has become due since the bundles were fetched.
      if (due && !missing.some((other) => deviceName(other) === deviceName(remote)))
        throw new SecureChatError('storage/conflict', { detail: 'new session due' })
      records.push(session)
      renew.push(due)
    }
    const { recipients, sessions, skipped, stale } = encryptFanout(cryptoDeps(context), {
      ...audience,
      peer,
      common: record.common,
      records,
      bundles,
      renew,
      again: record.again,
    })
    for (const [index, recipient] of recipients.entries()) writeSession(tx, recipient, sessions[index]!)
    const left = renewals.filter((renewal) => !recipients.some((recipient) => deviceName(recipient) === deviceName(renewal)))
    if (left.length < renewals.length) writeRenewals(tx, left)
    const next: OutboxRow = { key: row.key, record: { ...record, recipients: recipients.map((recipient) => ({ ...recipient })) } }
    writeOutbox(tx, next)
    tx.afterCommit(() => {
      if (stale) logger.info('client.prekeys-expired')
      if (clock.now() > audience.expiresAt) manifests.expired(peer)
      for (const { accountId, error } of skipped) if (error.code === 'prekeys/invalid-bundle') manifests.alert(accountId, error)
    })
    return next
  })
}

/** Everybody, or the one device that asked for it. */
function only(audience: Audience | undefined, device: OutboxRow['record']['device']): Audience | undefined {
  return audience && device ? { ...audience, remotes: audience.remotes.filter((remote) => deviceName(remote) === deviceName(device)) } : audience
}

/** Resolves once the server has it on its disk. The same bytes under the same id, however often. */
export async function transmitRow({ network }: Context, { record }: OutboxRow, signal: AbortSignal): Promise<void> {
  const recipients = record.recipients ?? []
  // Nobody but this device: there is nothing to send.
  if (recipients.length === 0) return
  await network.connection.send({ sendId: record.sendId, recipients }, { signal })
}

/** The server has it: the row goes and the status rises in one commit. It may be repeated after a power cut, the server knows the id. */
export async function concludeRow(context: Context, row: OutboxRow, changed: Changed): Promise<void> {
  await context.db.run(
    async (tx) => {
      tx.delete(row.key)
      const sent = await holdSent(context, tx, row)
      await updateShown(tx, row, { status: 'sent', ...(sent !== undefined && { sent }) }, changed)
    },
    { durability: 'relaxed' },
  )
}

/** Given up: the row goes, the message shows why and can be queued again. */
export async function failRow(context: Context, row: OutboxRow, { error, changed }: { error: SecureChatError; changed: Changed }): Promise<void> {
  const { code, detail } = asSecureChatError(error, 'server/internal')
  await context.db.run(async (tx) => {
    tx.delete(row.key)
    await updateShown(tx, row, { status: 'failed', error: { code, ...(detail !== undefined && { detail }) } }, changed)
  })
}

/** The device list has changed and the server has refused the old ciphertexts: they were stored nowhere, so the row is encrypted anew. */
export async function resetRow({ db }: Context, row: OutboxRow): Promise<void> {
  await db.run(async (tx) => {
    const record = await readOutbox(tx, row.key)
    if (!record) return
    const { recipients: _, ...plain } = record
    writeOutbox(tx, { key: row.key, record: plain })
  })
}

async function updateShown(tx: Transaction, { record }: OutboxRow, change: Pick<MessageRecord, 'status' | 'error' | 'sent'>, changed: Changed): Promise<void> {
  if (!record.message) return
  const [stored, conversation] = [await readMessage(tx, record.conversation, record.message), await readConversation(tx, record.conversation)]
  if (!stored || !conversation) return
  const { outbox: _, ...message } = stored
  // A receipt may be faster than the server's answer.
  const ahead = change.status === 'sent' && (message.status === 'delivered' || message.status === 'read')
  const placed = placeMessage(tx, { ...message, ...change, ...(ahead && message.status && { status: message.status }) }, conversation)
  writeMessage(tx, placed.message)
  writeConversation(tx, placed.conversation)
  changed(tx, placed.message)
}
