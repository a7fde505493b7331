import { generateOneTimePreKeys, generatePreKeys } from '@securechat/crypto'
import { LIMITS, SecureChatError } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../context.js'
import type { Transaction } from '../state/database.js'
import { deletePreKey, listPreKeys, readPreKey, readPreKeys, writeGenerated, writePreKey, writePreKeys } from '../state/prekeys.js'

const DAY = 86_400_000
const ROTATE_AFTER = 7 * DAY
/** A first message may wait in the mailbox for as long as that after its prekey was replaced. */
const KEEP_REPLACED = (LIMITS.mailboxDays + 7) * DAY

/**
 * Keeps the server supplied: repeats an upload that was not confirmed, refills one-time keys, rotates the other two weekly and erases
 * private keys when no first message for them can come any more. Safe to run at any time, however often.
 */
export async function tendPreKeys(context: Context): Promise<void> {
  const { db, clock, network } = context
  await uploadPending(context)
  const { oneTime } = await network.connection.call('prekeys.count', {})
  const state = await readPreKeys(db)
  if (!state) throw new SecureChatError('storage/corrupt', { detail: 'prekeys' })
  if (clock.now() - state.rotatedAt >= ROTATE_AFTER) await db.run((tx) => rotate(context, tx))
  if (oneTime < LIMITS.oneTimePreKeysLow) await db.run((tx) => refill(context, tx, LIMITS.oneTimePreKeys - oneTime))
  await uploadPending(context)
  await db.run((tx) => eraseReplaced(tx, clock.now()), { durability: 'relaxed' })
}

async function uploadPending({ db, network }: Context): Promise<void> {
  const state = await readPreKeys(db)
  if (!state?.upload) return
  const { signed, lastResort, oneTime } = state.upload
  await network.connection.call('prekeys.publish', { ...(signed && { signed }), ...(lastResort && { lastResort }), ...(oneTime && { oneTime }) })
  await db.run(async (tx) => {
    const current = await readPreKeys(tx)
    // Another upload has been added meanwhile: it comes next, and repeating this one with it does no harm.
    if (!current || current.nextKeyId !== state.nextKeyId) return
    const { upload: _, ...rest } = current
    writePreKeys(tx, rest)
  })
}

async function rotate(context: Context, tx: Transaction): Promise<void> {
  const deps = cryptoDeps(context)
  const state = await readPreKeys(tx)
  if (!state || deps.now - state.rotatedAt < ROTATE_AFTER) return
  const made = generatePreKeys(deps, { ...(await context.identity.self()), firstKeyId: state.nextKeyId, count: 0 })
  writeGenerated(tx, [made.signed], { type: 'signed', created: deps.now })
  writeGenerated(tx, [made.lastResort], { type: 'last-resort', created: deps.now })
  for (const keyId of [state.signedKeyId, state.lastResortKeyId]) {
    const old = await readPreKey(tx, keyId)
    if (old) writePreKey(tx, keyId, { ...old, replacedAt: deps.now })
  }
  writePreKeys(tx, {
    ...state,
    nextKeyId: made.nextKeyId,
    signedKeyId: made.signed.keyId,
    lastResortKeyId: made.lastResort.keyId,
    rotatedAt: deps.now,
    upload: { ...state.upload, signed: made.signed.public, lastResort: made.lastResort.public },
  })
}

/** Above every id that a later state of this store can have used: the server takes rising ids only. */
const IDS_AHEAD = 65_536

/** For a store that was put back: all keys are new, and the present ones serve first messages that are under way. */
export async function replaceAllPreKeys(context: Context, tx: Transaction): Promise<void> {
  const deps = cryptoDeps(context)
  const state = await readPreKeys(tx)
  if (!state) throw new SecureChatError('storage/corrupt', { detail: 'prekeys' })
  for (const { keyId, record } of await listPreKeys(tx)) if (record.replacedAt === undefined) writePreKey(tx, keyId, { ...record, replacedAt: deps.now })
  const firstKeyId = state.nextKeyId + IDS_AHEAD
  const made = generatePreKeys(deps, { ...(await context.identity.self()), firstKeyId, count: LIMITS.oneTimePreKeys })
  writeGenerated(tx, [made.signed], { type: 'signed', created: deps.now })
  writeGenerated(tx, [made.lastResort], { type: 'last-resort', created: deps.now })
  writeGenerated(tx, made.oneTime, { type: 'one-time', created: deps.now })
  writePreKeys(tx, {
    ...state,
    nextKeyId: made.nextKeyId,
    signedKeyId: made.signed.keyId,
    lastResortKeyId: made.lastResort.keyId,
    rotatedAt: deps.now,
    upload: { signed: made.signed.public, lastResort: made.lastResort.public, oneTime: made.oneTime.map((key) => key.public) },
  })
}

async function refill(context: Context, tx: Transaction, count: number): Promise<void> {
  const deps = cryptoDeps(context)
  const state = await readPreKeys(tx)
  if (!state || state.upload?.oneTime) return
  const made = generateOneTimePreKeys(deps, { ...(await context.identity.self()), firstKeyId: state.nextKeyId, count })
  writeGenerated(tx, made.oneTime, { type: 'one-time', created: deps.now })
  writePreKeys(tx, { ...state, nextKeyId: made.nextKeyId, upload: { ...state.upload, oneTime: made.oneTime.map((key) => key.public) } })
}

async function eraseReplaced(tx: Transaction, now: number): Promise<void> {
  for (const { keyId, record } of await listPreKeys(tx)) {
    if (record.replacedAt !== undefined && now - record.replacedAt > KEEP_REPLACED) deletePreKey(tx, keyId)
  }
}
