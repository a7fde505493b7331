import { asSecureChatError, type DeviceId } from '@securechat/protocol'
import type { Content } from '@securechat/protocol/content'
import * as z from 'zod/mini'
import type { Context } from '../context.js'
import { readAccountKeys } from '../state/account.js'
import type { Transaction } from '../state/database.js'
import { isDue, readStamp, type Stamp, writeEverything, writeStamp } from '../state/sync.js'
import { SYNC_KINDS, syncKind } from './registry.js'

type DeviceSync = Extract<Content, { type: 'device-sync' }>

/** A clock that is further ahead than this is taken to be wrong: no value may be later than every one that anybody could set after it. */
const AHEAD_MS = 86_400_000

const isLater = (a: Stamp, b: Stamp): boolean => a.at > b.at || (a.at === b.at && a.by > b.by)

/** Takes what another device of this account says, in the commit of its message. The caller has made sure that it is one. */
export async function applyDeviceSync(context: Context, tx: Transaction, { content, device }: { content: DeviceSync; device: DeviceId }): Promise<void> {
  for (const item of content.items) {
    try {
      await tx.part(() => applyItem(context, tx, item))
    } catch (cause) {
      const error = asSecureChatError(cause, 'protocol/malformed')
      if (error.code.startsWith('storage/')) throw error
      context.logger.warn('client.sync-item-dropped', { code: error.code, kind: item.kind })
    }
  }
  // One device answers, and there is always one that holds the account key.
  const first = SYNC_KINDS[0]
  if (content.want && first && (await readAccountKeys(tx))) writeEverything(tx, { device, kind: first.name, after: '' })
}

async function applyItem(context: Context, tx: Transaction, item: DeviceSync['items'][number]): Promise<void> {
  const kind = syncKind(item.kind)
  // Of a newer version: that device tells it again when this one asks, after its own update.
  if (!kind) return context.logger.info('client.sync-kind-unknown', { kind: item.kind })
  const parsed = z.safeParse(kind.schema, item.value)
  if (!parsed.success) return context.logger.warn('client.sync-item-dropped', { code: 'protocol/malformed', kind: item.kind })
  if (kind.register) {
    const [stamp, known] = [{ at: Math.min(item.at, context.clock.now() + AHEAD_MS), by: item.by }, await readStamp(tx, kind.name, item.key)]
    if (known && !isLater(stamp, known)) return
    writeStamp(tx, { kind: kind.name, key: item.key }, stamp)
    // Changed here too and not told yet: that will be the later one.
    if (await isDue(tx, kind.name, item.key)) return
  }
  await kind.write(context, tx, { key: item.key, value: parsed.data })
}
