import { Secret } from '@securechat/crypto'
import { type BackupState, decodeBackupState, encodeBackupState, sealBackupManifest, sealSegment, startBackup } from '@securechat/crypto/backup'
import { isSecureChatError } from '@securechat/protocol'
import { gather, HISTORY_STAGES, listChats, packed, START } from '../backups/collect.js'
import { archiveTransfer, decodeArchivedMessage } from '../backups/records.js'
import { type Context, cryptoDeps } from '../context.js'
import { decodeConversation } from '../state/conversations.js'
import { type HistoryRow, historyName, readHistory, writeHistory } from '../state/history.js'
import { keyOf, PREFIX, prefixOf } from '../state/keys.js'
import { changeHistory, emitHistory } from './present.js'

/** Parts that are sealed and not yet on the server, at most: what a slow line keeps in the store. */
const AHEAD = 4

/**
 * The primary device's side of docs/protocol/13-linking.md, "History": seals the next parts and puts them on the server, until the last one is there. Sealed bytes are in the store before they
 * are sent, and repeated as they are. Throws what the network throws.
 */
export async function sendHistory(context: Context, row: HistoryRow): Promise<void> {
  const name = historyName(row)
  const { db } = context
  for (;;) {
    const current = await readHistory(db, name)
    if (current?.status !== 'running') return
    const waiting = await db.list(prefixOf.historyOut(name), { limit: AHEAD })
    if (waiting.length < AHEAD && !current.sealed) await sealNext(context, current)
    else if (waiting.length === 0) return changeHistory(context, name, { status: 'done' })
    else if (!(await put(context, { row: current, entry: waiting[0]! }))) return
  }
}

/** False: the place has ended. */
async function put(context: Context, { row, entry }: { row: HistoryRow; entry: { readonly key: string; readonly value: Uint8Array } }): Promise<boolean> {
  const { db, network } = context
  const name = historyName(row)
  try {
    await network.call('history.put', { transferId: row.id, number: Number(entry.key.slice(prefixOf.historyOut(name).length)), segment: entry.value })
  } catch (error) {
    if (!isSecureChatError(error, 'request/not-found')) throw error
    await db.run(async (tx) => {
      for (const { key } of await tx.list(prefixOf.historyOut(name))) tx.delete(key)
    })
    await changeHistory(context, name, { status: 'expired' })
    return false
  }
  await db.run(async (tx) => tx.delete(entry.key))
  await emitHistory(context)
  return true
}

async function sealNext(context: Context, row: HistoryRow): Promise<void> {
  const { id, key, from } = row
  const { accountId } = await context.identity.self()
  const deps = cryptoDeps(context)
  const backupKey = new Secret(key)
  if (!row.state || !row.chats || !row.place) {
    const chats = await listChats(context)
    const total = await countMessages(context)
    const first = sealSegment(deps, { backupKey, state: startBackup({ random: () => id }, accountId), kind: 'settings', records: [archiveTransfer(total)] })
    return commit(context, { ...row, chats, place: { ...START }, total, state: encodeBackupState(first.state) }, [first.bytes])
  }
  let state: BackupState = decodeBackupState(row.state)
  const { kind, records, next } = await gather(context, { stages: HISTORY_STAGES, chats: row.chats, selection: { since: 0, from } }, row.place)
  const parts: Uint8Array[] = []
  for (const one of packed(records)) {
    const segment = sealSegment(deps, { backupKey, state, kind, records: one })
    state = segment.state
    parts.push(segment.bytes)
  }
  const done = row.done + (kind === 'messages' ? records.filter(({ value }) => value && decodeArchivedMessage(value)).length : 0)
  if (next) return commit(context, { ...row, place: { ...next }, state: encodeBackupState(state), done }, parts)
  const { bytes } = sealBackupManifest(deps, { state, backupKey })
  return commit(context, { ...row, state: encodeBackupState(state), done, sealed: true }, [...parts, bytes])
}

/** The parts follow those that the row's state listed before. */
async function commit({ db }: Context, row: HistoryRow, parts: readonly Uint8Array[]): Promise<void> {
  const name = historyName(row)
  await db.run(async (tx) => {
    const before = await readHistory(tx, name)
    if (before?.status !== 'running') return
    const sent = before.state ? decodeBackupState(before.state).entries.length : 0
    writeHistory(tx, row)
    for (const [i, bytes] of parts.entries()) tx.put(keyOf.historyOut(name, sent + i + 1), bytes)
  })
}

/** For the bar: orders that were given, which is a little more than what is sent. */
async function countMessages({ db }: Context): Promise<number> {
  const records = (await db.list(PREFIX.conversation)).map(({ value }) => decodeConversation(value))
  return records.reduce((sum, { nextOrder }) => sum + nextOrder - 1, 0)
}
