import type { ManifestPin } from '@securechat/crypto'
import { type AccountId, asSecureChatError, type DeviceId, equalPublicBytes, LIMITS, SecureChatError } from '@securechat/protocol'
import { renewProfileKey } from '../account/profile-key.js'
import type { Context } from '../context.js'
import { readContact, writeContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'
import { keyOf } from '../state/keys.js'
import { type Pins, readPins, writePins } from '../state/pins.js'
import { settleAccountKey } from './account-key.js'
import { showChangedIdentity, showRecoveredIdentity, withConsent } from './identity-change.js'
import { judgeChain } from './judge-chain.js'
import { type OwnChange, tellOwnChange } from './own-list.js'
import { signer } from './signer.js'

export interface Manifests {
  /**
   * Fetches the manifests of an account, judges them against what is pinned and keeps the result. Calls for one account at a time share
   * one fetch. Throws network errors (try later), `request/not-found` (no such account), and `devices/…` after a `security-alert`.
   */
  refresh(accountId: AccountId): Promise<Pins>
  /** What is pinned, fetched if there is nothing yet. */
  ensure(accountId: AccountId): Promise<Pins>
  /** The list has run out: asks for a newer one, in the background and not at every message. */
  expired(accountId: AccountId): void
  alert(accountId: AccountId, error: SecureChatError, evidence?: readonly Uint8Array[]): void
}

/** Pages of one answer: far above what an account collects, and an end to a server that never says "no more". */
const MAX_PAGES = 64
/** Milliseconds between two questions for a list that has run out. */
const ASK_AGAIN_MS = 3_600_000
const DAY = 86_400_000

export interface ManifestOptions {
  /** Days after which a device that was taken off the list is said to have expired. */
  readonly idleDays?: number
}

export function createManifests(context: Context, { idleDays = LIMITS.idleDeviceDays }: ManifestOptions = {}): Manifests {
  const { db, provider, clock, logger, events, network } = context
  const running = new Map<AccountId, Promise<Pins>>()
  const [asked, told] = [new Map<AccountId, number>(), new Set<AccountId>()]

  /** Known devices go on; that nobody has renewed the list for so long is told, once a start. */
  const tellStale = (accountId: AccountId, notAfter: number): void => {
    if (told.has(accountId) || clock.now() <= notAfter + LIMITS.manifestWarningDays * DAY) return
    told.add(accountId)
    events.emit('devices-stale', { accountId })
  }

  const fetchChain = async (accountId: AccountId, after: number): Promise<Uint8Array[]> => {
    const chain: Uint8Array[] = []
    for (let page = 0, from = after; page < MAX_PAGES; page++) {
      const { manifests, more } = await network.connection.call('devices.manifest', { accountId, ...(from > 0 && { after: from }) })
      chain.push(...manifests)
      if (!more || manifests.length === 0) return chain
      from += manifests.length
    }
    throw new SecureChatError('devices/invalid-manifest', { detail: 'endless chain' })
  }

  const keep = async (tx: Transaction, accountId: AccountId, chain: readonly Uint8Array[]): Promise<Pins> => {
    const before = await readPins(tx, provider, accountId)
    const judged = judgeChain(provider, { pinned: before?.pin ?? null, chain, now: clock.now() })
    const own = (await context.identity.accountId()) === accountId
    if (own && (judged.candidate || judged.successions.length > 0)) throw new SecureChatError('devices/identity-changed', { detail: 'own account' })
    const { pin, candidate, newDeviceIds, removedDeviceIds, stale, successions } = before ? await withConsent(tx, judged, before) : judged
    if (!before) await settleVerified(tx, pin.manifest)
    if (stale) logger.info('client.manifest-expired')
    if (stale) tx.afterCommit(() => tellStale(accountId, (candidate ?? pin).manifest.notAfter))
    const past =
      own && before && before.pin.manifest.version !== pin.manifest.version
        ? [...before.past, { version: before.pin.manifest.version, hash: before.pin.manifest.hash }]
        : (before?.past ?? [])
    for (const deviceId of removedDeviceIds) tx.delete(keyOf.session(accountId, deviceId))
    writePins(tx, accountId, { pin, candidate, past })
    if (own && before && before.pin.manifest.version !== pin.manifest.version)
      await followOwn(context, tx, { before: before.pin, chain, self: (await context.identity.self()).deviceId, idleDays, removed: removedDeviceIds })
    if (own && before && newDeviceIds.length + removedDeviceIds.length > 0)
      tx.afterCommit(() => events.emit('devices-changed', { added: newDeviceIds, removed: removedDeviceIds }))
    if (successions.length > 0) await showRecoveredIdentity(context, tx, { pin, endedFork: successions.some(({ endedFork }) => endedFork) })
    if (candidate && !(before?.candidate && sameKey(before.candidate, candidate))) await showChangedIdentity(context, tx, accountId)
    return { pin, ...(candidate && { candidate }), past }
  }

  const refresh = async (accountId: AccountId): Promise<Pins> => {
    const pinned = await readPins(db, provider, accountId)
    // From the version before: the answer has to begin with the pinned manifest.
    const chain = await fetchChain(accountId, pinned ? pinned.pin.manifest.version - 1 : 0)
    try {
      return await db.run((tx) => keep(tx, accountId, chain))
    } catch (error) {
      const typed = asSecureChatError(error, 'devices/invalid-manifest')
      const evidence = typed.code === 'devices/manifest-fork' && pinned ? [pinned.pin.manifest.bytes, ...chain] : undefined
      if (!typed.code.startsWith('storage/')) alert(accountId, typed, evidence)
      throw typed
    }
  }
  const alert: Manifests['alert'] = (accountId, error, evidence) => {
    logger.warn('client.security-alert', { code: error.code })
    events.emit('security-alert', { accountId, error, ...(evidence && { evidence: evidence.map((bytes) => bytes.slice()) }) })
  }

  const share = (accountId: AccountId): Promise<Pins> => {
    const under = running.get(accountId)
    if (under) return under
    const started = refresh(accountId).finally(() => running.delete(accountId))
    running.set(accountId, started)
    return started
  }
  return {
    alert,
    expired(accountId) {
      const now = clock.now()
      if (now - (asked.get(accountId) ?? 0) < ASK_AGAIN_MS) return
      asked.set(accountId, now)
      share(accountId).catch((error: unknown) => logger.debug('client.refresh-failed', { code: asSecureChatError(error, 'server/internal').code }))
    },
    refresh: share,
    ensure: async (accountId) => (await readPins(db, provider, accountId)) ?? share(accountId),
  }
}

/** Verified on another device before this one knew the key. */
async function settleVerified(tx: Transaction, { accountId, accountKey }: ManifestPin['manifest']): Promise<void> {
  const contact = await readContact(tx, accountId)
  if (!contact?.verifiedKey) return
  const { verifiedKey, ...rest } = contact
  writeContact(tx, { ...rest, verified: equalPublicBytes(verifiedKey, accountKey) })
}

async function followOwn(context: Context, tx: Transaction, { removed, ...change }: OwnChange & { readonly removed: readonly DeviceId[] }): Promise<void> {
  await tellOwnChange(context, tx, change)
  await settleAccountKey(context, tx, change)
  // By the one device that signs, and no sooner: now the removed ones are not told of the new key.
  if (removed.length > 0 && (await signer(context, tx))) await renewProfileKey(context, tx)
}

const sameKey = (a: ManifestPin, b: ManifestPin): boolean => equalPublicBytes(a.manifest.accountKey, b.manifest.accountKey)
