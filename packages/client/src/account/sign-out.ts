import { asSecureChatError, isSecureChatError, SecureChatError } from '@securechat/protocol'
import type { ClientStorage, Expectation } from '@securechat/storage'
import type { Context } from '../context.js'
import { readAccount, writeAccount } from '../state/account.js'
import type { Transaction } from '../state/database.js'
import { KEYS } from '../state/keys.js'

/** Whether the person is leaving right now: then the end of the session is no news. */
export interface Departure {
  under: boolean
  /** In another tab. */
  elsewhere: boolean
  /** Tells the other tabs. */
  readonly tell: (under: boolean) => void
}

/** The server has ended this device's session. History and keys stay; who signs in again goes on with them. */
export async function markRevoked(context: Context): Promise<void> {
  await context.db.run(async (tx) => {
    const account = await readAccount(tx)
    if (account?.status !== 'signed-in') return
    writeAccount(tx, { ...account, status: 'revoked' })
    tx.delete(KEYS.tokens)
    tx.afterCommit(() => context.events.emit('signed-out', { reason: 'revoked' }))
  })
}

/**
 * Notices that another tab has left: the account is gone from the store. Gives the end of the watch. Who leaves in this very client is told
 * at the end of it, once.
 */
export function watchDeparture(context: Context, departure: Departure): () => void {
  const { storage, db, identity, events, logger } = context
  let known = false
  const look = async (): Promise<void> => {
    const present = (await readAccount(db)) !== undefined
    const gone = known && !present
    known = present
    if (gone) departure.elsewhere = false
    if (!gone || departure.under) return
    identity.forget()
    events.emit('signed-out', { reason: 'logout' })
  }
  let looking: Promise<void> = Promise.resolve()
  const lookNext = (): void => {
    looking = looking
      .then(look)
      .catch((error: unknown) => logger.warn('client.account-unreadable', { code: asSecureChatError(error, 'storage/unavailable').code }))
  }
  lookNext()
  return storage.watch(KEYS.account, () => {
    // Another tab may have signed in anew.
    identity.forget()
    lookNext()
  })
}

const ROWS_AT_ONCE = 500
/** The store's random name stays: tabs that are open know one another by it, and those that are opened next must too. */
const KEPT: readonly string[] = [KEYS.wipe, KEYS.storeId]

/**
 * Erases everything. The keys go with the first commit, and with them the leader's number: another tab that leads commits nothing any more. A process that dies after it
 * continues at the next start.
 */
export async function wipe(store: Pick<Context, 'storage' | 'keeping'>): Promise<void> {
  const first = [KEYS.accountKeys, KEYS.deviceKeys, KEYS.account, KEYS.tokens, KEYS.registration, KEYS.backup, KEYS.restore, KEYS.leader]
  await store.storage.commit([{ put: KEYS.wipe, value: Uint8Array.of(1) }, ...first.map((key) => ({ delete: key }))])
  await continueWipe(store)
}

export async function continueWipe({ storage, keeping }: Pick<Context, 'storage' | 'keeping'>): Promise<void> {
  const mark = await storage.get(KEYS.wipe)
  if (!mark) return
  // What is erased on purpose is not lost.
  keeping?.mark(false)
  const expect = [{ key: KEYS.wipe, version: mark.version }]
  try {
    // Other tabs may have stored something behind what was read: until a whole look finds nothing.
    while (await eraseRows(storage, expect));
    await storage.commit([{ delete: KEYS.wipe }], { expect })
  } catch (error) {
    // Another tab has finished it: what is there now belongs to whoever has signed in since.
    if (!isSecureChatError(error, 'storage/conflict')) throw error
  }
}

/** Whether there was anything. */
async function eraseRows(storage: ClientStorage, expect: readonly Expectation[]): Promise<boolean> {
  let found = false
  for (let after: string | undefined; ; ) {
    const entries = await storage.list('', { limit: ROWS_AT_ONCE, ...(after !== undefined && { after }) })
    const last = entries.at(-1)
    if (!last) return found
    const writes = entries.filter(({ key }) => !key.startsWith('!') && !KEPT.includes(key)).map(({ key }) => ({ delete: key }))
    if (writes.length > 0) await storage.commit(writes, { expect })
    found ||= writes.length > 0
    after = last.key
  }
}

/** For the commit that makes a new account: a wipe that another tab has begun and not ended would erase it at the next start. */
export async function requireUnwiped(tx: Transaction): Promise<void> {
  if (await tx.get(KEYS.wipe)) throw new SecureChatError('storage/locked', { detail: 'it is being erased' })
}
