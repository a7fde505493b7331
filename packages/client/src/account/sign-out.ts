import { asSecureChatError } from '@securechat/protocol'
import type { ClientStorage, StorageKeeping } from '@securechat/storage'
import type { Context } from '../context.js'
import { readAccount, writeAccount } from '../state/account.js'
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

/** Erases everything. The keys go with the first commit; a process that dies after it continues at the next start. */
export async function wipe(storage: ClientStorage, keeping: StorageKeeping | undefined): Promise<void> {
  const first = [KEYS.accountKeys, KEYS.deviceKeys, KEYS.account, KEYS.tokens, KEYS.registration, KEYS.backup, KEYS.restore]
  await storage.commit([{ put: KEYS.wipe, value: Uint8Array.of(1) }, ...first.map((key) => ({ delete: key }))])
  await continueWipe(storage, keeping)
}

export async function continueWipe(storage: ClientStorage, keeping: StorageKeeping | undefined): Promise<void> {
  if (!(await storage.get(KEYS.wipe))) return
  // What is erased on purpose is not lost.
  keeping?.mark(false)
  for (let after: string | undefined; ; ) {
    const entries = await storage.list('', { limit: ROWS_AT_ONCE, ...(after !== undefined && { after }) })
    const last = entries.at(-1)
    if (!last) break
    const writes = entries.filter(({ key }) => !key.startsWith('!') && key !== KEYS.wipe).map(({ key }) => ({ delete: key }))
    await storage.commit(writes)
    after = last.key
  }
  await storage.commit([{ delete: KEYS.wipe }])
}
