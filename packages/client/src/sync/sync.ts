import { asSecureChatError, type DeviceId, encodeValue } from '@securechat/protocol'
import type { Content } from '@securechat/protocol/content'
import { type Context, directConversationId, type Self } from '../context.js'
import { enqueue } from '../send/compose.js'
import type { Transaction } from '../state/database.js'
import { KEYS, PREFIX } from '../state/keys.js'
import { deleteEverything, isWanting, listDue, nextEverything, readStamp, type Stamp, writeEverything, writeStamp } from '../state/sync.js'
import { fraction } from '../waiting.js'
import { hasOthers } from './due.js'
import type { SyncKind } from './kind.js'
import { SYNC_KINDS, syncKind } from './registry.js'

export interface Sync {
  start(): void
  stop(): Promise<void>
}

type Item = Extract<Content, { type: 'device-sync' }>['items'][number]

/** Changes within this time go together; half as much again at random, so that their moments are not told. */
const LEAST_MS = 1_000
const ITEMS = 256
/** Far below an envelope's limit, so that the largest single value (a profile with its picture) fits behind it. */
const BYTES = 48 * 1024

/**
 * Tells the account's other devices what was changed here. What is to be told is in the store, written by the commit that changed it; this only collects, so a
 * process that dies in between collects at the next start.
 */
export function createSync(context: Context): Sync {
  const { storage, db, clock, random, logger, identity } = context
  let running = false
  let cancel: (() => void) | undefined
  let unwatch: (() => void)[] = []
  let working: Promise<void> = Promise.resolve()

  const schedule = (): void => {
    if (!running || cancel) return
    cancel = clock.after(LEAST_MS + Math.floor((LEAST_MS / 2) * fraction(random)), () => {
      cancel = undefined
      working = collect().catch((error: unknown) => {
        logger.warn('client.sync-later', { code: asSecureChatError(error, 'storage/unavailable').code })
        schedule()
      })
    })
  }
  const collect = async (): Promise<void> => {
    if (!(await identity.accountId())) return
    const self = await identity.self()
    for (const step of [askForEverything, tellChanges, tellEverything]) while (running && (await db.run((tx) => step(context, tx, self))));
  }

  return {
    start() {
      if (running) return
      running = true
      unwatch = [PREFIX.syncDue, PREFIX.syncAll, KEYS.syncWant].map((prefix) => storage.watch(prefix, schedule))
      schedule()
    },
    async stop() {
      running = false
      cancel?.()
      cancel = undefined
      for (const end of unwatch) end()
      await working
    },
  }
}

const tell = (context: Context, tx: Transaction, { accountId }: Self, message: { items: Item[]; want?: true; device?: DeviceId }): Promise<string> => {
  const { items, want, device } = message
  return enqueue(context, tx, {
    peer: accountId,
    conversation: directConversationId(context.provider, accountId, accountId),
    content: { type: 'device-sync', items, ...(want && { want }) },
    ...(device !== undefined && { device: { accountId, deviceId: device } }),
  })
}

async function askForEverything(context: Context, tx: Transaction, self: Self): Promise<boolean> {
  if (!(await isWanting(tx))) return false
  tx.delete(KEYS.syncWant)
  await tell(context, tx, self, { items: [], want: true })
  return false
}

/** One commit: these changes are queued and not due any more. True: there may be more. */
async function tellChanges(context: Context, tx: Transaction, self: Self): Promise<boolean> {
  const due = await listDue(tx, ITEMS)
  if (due.length === 0) return false
  const others = await hasOthers(context, tx)
  const items: Item[] = []
  let [bytes, taken] = [0, 0]
  for (const { row, kind: name, key } of due) {
    const kind = syncKind(name)
    const value = others && kind ? await kind.read(context, tx, key) : undefined
    if (kind && value !== undefined) {
      bytes += encodeValue(value).length
      if (items.length > 0 && bytes > BYTES) break
      items.push({ kind: name, key, value, ...(await freshStamp(context, tx, { kind, key, self })) })
    }
    tx.delete(row)
    taken++
  }
  if (items.length > 0) await tell(context, tx, self, { items })
  return taken < due.length || due.length === ITEMS
}

/** Later than whatever was known of it, also where this clock is behind. */
async function freshStamp(context: Context, tx: Transaction, { kind, key, self }: { kind: SyncKind; key: string; self: Self }): Promise<Stamp> {
  const known = kind.register ? await readStamp(tx, kind.name, key) : undefined
  const stamp = { at: Math.max(context.clock.now(), (known?.at ?? 0) + 1), by: self.deviceId }
  if (kind.register) writeStamp(tx, { kind: kind.name, key }, stamp)
  return stamp
}

/** One page of everything, for the device that asked; under the stamps that the values have. */
async function tellEverything(context: Context, tx: Transaction, self: Self): Promise<boolean> {
  const left = await nextEverything(tx)
  if (!left) return false
  const { device, after } = left
  const at = SYNC_KINDS.findIndex(({ name }) => name === left.kind)
  const kind = SYNC_KINDS[at]
  if (!kind) {
    deleteEverything(tx, device)
    return true
  }
  const page = (await kind.keys?.(tx, { after, limit: ITEMS / 8 })) ?? { keys: [] }
  let [items, bytes]: [Item[], number] = [[], 0]
  for (const key of page.keys) {
    const value = await kind.read(context, tx, key)
    if (value === undefined) continue
    bytes += encodeValue(value).length
    if (items.length > 0 && bytes > BYTES) {
      await tell(context, tx, self, { items, device })
      ;[items, bytes] = [[], 0]
    }
    items.push({ kind: kind.name, key, value, ...((await readStamp(tx, kind.name, key)) ?? (await freshStamp(context, tx, { kind, key, self }))) })
  }
  if (items.length > 0) await tell(context, tx, self, { items, device })
  const next = page.after === undefined ? SYNC_KINDS[at + 1]?.name : kind.name
  if (next === undefined) deleteEverything(tx, device)
  else writeEverything(tx, { device, kind: next, after: page.after ?? '' })
  return true
}
