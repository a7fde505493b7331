import { Secret } from '@securechat/crypto'
import {
  type BackupEntry,
  type BackupState,
  decodeBackupState,
  encodeBackupState,
  openBackupManifest,
  type SealedSegment,
  sealBackupManifest,
  sealSegment,
  startBackup,
} from '@securechat/crypto/backup'
import { asSecureChatError, equalPublicBytes, isSecureChatError, SecureChatError, toBase64Url } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { publishPending, signNext } from '../devices/renewal.js'
import { readAccountKeys, readPendingManifest } from '../state/account.js'
import { type BackupRow, type BackupRunRow, forgetRun, readBackup, readBackupRun, readRestore, writeBackup, writeBackupRun } from '../state/backup.js'
import { KEYS, keyOf, PREFIX } from '../state/keys.js'
import { readPins } from '../state/pins.js'
import { throwIfAborted } from '../waiting.js'
import { BACKUP_STAGES, type Gathered, gather, listChats, type Place, packed, START } from './collect.js'
import { emitBackup } from './present.js'

/** More segments than this, or twice the bytes of the last whole backup and some room: everything is made anew. */
const MOST_ENTRIES = 512
const ROOM_BYTES = 4 * 1024 * 1024
const PAGE = 500

export interface RunDeps {
  readonly context: Context
  readonly manifests: Manifests
}

/**
 * Makes a backup of what is new, or goes on with one that was interrupted. Every sealed byte is in the store before it is sent, together with the state that follows from it,
 * so whatever is repeated is repeated byte for byte. Throws what the network and the server throw; `backup/full`; `devices/not-primary`.
 */
export async function runBackup({ context, manifests }: RunDeps, signal?: AbortSignal): Promise<void> {
  const { db } = context
  if ((await readRestore(db))?.status === 'running') return
  if (!(await readBackup(db))) return
  try {
    await requirePrimary(context)
    await nameRecoveryKey({ context, manifests })
    for (let tries = 0; ; tries++) {
      await begin(context)
      if (await finish(context, signal)) break
      // Somebody else published: once more, after it.
      if (tries > 0) throw new SecureChatError('request/conflict', { detail: 'backup manifest' })
    }
    await tidy(context)
  } catch (error) {
    await noteFailure(context, error)
    throw error
  }
}

/** False: another backup took this one's place, and a new one has to be begun. */
async function finish(context: Context, signal: AbortSignal | undefined): Promise<boolean> {
  for (;;) {
    const outcome = await step(context, signal)
    if (outcome !== 'more') return outcome === 'done'
  }
}

async function requirePrimary({ db }: Context): Promise<void> {
  if (!(await readAccountKeys(db))) throw new SecureChatError('devices/not-primary')
}

/** A failure is shown until a run succeeds. */
async function noteFailure(context: Context, error: unknown): Promise<void> {
  const { code, detail } = asSecureChatError(error, 'server/internal')
  if (code === 'request/aborted' || code === 'client/closed' || code.startsWith('storage/')) return
  await context.db.run(async (tx) => {
    const row = await readBackup(tx)
    if (row && row.error?.code !== code) writeBackup(tx, { ...row, error: { code, ...(detail !== undefined && { detail }) } })
  })
  await emitBackup(context)
}

/** The account's list names the words' recovery key, or comes to do so: without it the words could open the backup and nobody could sign in to fetch it. */
export async function nameRecoveryKey({ context, manifests }: RunDeps, recoveryKey?: Uint8Array): Promise<void> {
  const { db, provider } = context
  const { accountId } = await context.identity.self()
  const wanted = recoveryKey ?? (await readBackup(db))?.recoveryKey
  if (!wanted) return
  const signed = await db.run(async (tx) => {
    const [keys, pins] = [await readAccountKeys(tx), await readPins(tx, provider, accountId)]
    if (!keys || !pins) throw new SecureChatError('devices/not-primary')
    const { manifest: current } = pins.pin
    if (equalPublicBytes(current.recoveryKey, wanted)) return false
    if (current.recoveryKey.length > 0) throw new SecureChatError('client/invalid-argument', { detail: 'the account has other recovery words' })
    if (!(await readPendingManifest(tx))) signNext(context, tx, { keys, current, devices: current.devices, recoveryKey: wanted })
    return true
  })
  if (!signed) return
  await publishPending(context, manifests)
  // The first may have shared a fetch that had begun before.
  const pins = await manifests.refresh(accountId)
  // Another list of this device was on its way: the next attempt signs after it.
  if (!equalPublicBytes(pins.pin.manifest.recoveryKey, wanted)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
}

/** Plans a run, unless one is under way. */
async function begin(context: Context): Promise<void> {
  const { db, storage } = context
  if (!(await readBackupRun(db))) {
    const chats = await listChats(context)
    await db.run(async (tx) => {
      const row = await readBackup(tx)
      if (!row || (await readBackupRun(tx))) return
      const { entries } = decodeBackupState(row.state)
      const whole = row.since === 0 || entries.length > MOST_ENTRIES || row.bytes > 2 * row.wholeBytes + ROOM_BYTES
      const total = chats.reduce((sum, { top }) => sum + top + 1, 0)
      writeBackupRun(tx, { whole, kept: entries.length, target: 0, chats, ...START, done: 0, total })
    })
  }
  const planned = await storage.get(KEYS.backupRun)
  await db.run(async (tx) => {
    const run = await readBackupRun(tx)
    // The commit of the plan itself: whatever was written before it is in this backup.
    if (run?.target === 0 && planned) writeBackupRun(tx, { ...run, target: planned.version })
  })
  await emitBackup(context)
}

type Outcome = 'more' | 'done' | 'replaced'

/** One step: send what is sealed, seal what comes next, publish. */
async function step(context: Context, signal: AbortSignal | undefined): Promise<Outcome> {
  throwIfAborted(signal)
  const { db } = context
  await upload(context, signal)
  const [row, run] = [await readBackup(db), await readBackupRun(db)]
  if (!row || !run) return 'done'
  if (run.manifest) return publish(context, { row, run, manifest: run.manifest })
  const archive = { stages: BACKUP_STAGES, chats: run.chats, selection: { since: run.whole ? 0 : row.since } }
  const gathered = await gather(context, archive, run)
  const deps = cryptoDeps(context)
  const backupKey = new Secret(row.key)
  const before = decodeBackupState(row.state)
  if (gathered.records.length > 0 || gathered.next) {
    const sealed: SealedSegment[] = []
    let state = before
    for (const records of packed(gathered.records)) {
      const segment = sealSegment(deps, { backupKey, state, kind: gathered.kind, records })
      state = segment.state
      sealed.push(segment)
    }
    await commitStep(context, run, { ...gathered, before: row.state, state, sealed })
  } else {
    const entries = publishedEntries(before.entries, run)
    // Nothing is new, and the server has all of it.
    if (!run.whole && entries.length === run.kept) return complete(context, { run, version: row.version, entries })
    const sealed = sealBackupManifest(deps, { state: { ...before, entries }, backupKey })
    await db.run(async (tx) => {
      const [current, under] = [await readBackup(tx), await readBackupRun(tx)]
      if (!current || !under || !equalPublicBytes(current.state, row.state)) return
      writeBackup(tx, { ...current, state: encodeBackupState(sealed.state) })
      writeBackupRun(tx, { ...under, manifest: sealed.bytes, kept: entries.length })
    })
  }
  return 'more'
}

/** What a run has sealed first is the newest, and is restored first: so it stands last. A whole run lists nothing of before. */
const publishedEntries = (entries: readonly BackupEntry[], { whole, kept }: BackupRunRow): BackupEntry[] => [
  ...(whole ? [] : entries.slice(0, kept)),
  ...entries.slice(kept).reverse(),
]

/** Past the last place. */
const END: Place = { ...START, stage: BACKUP_STAGES.length }

async function commitStep(
  { db }: Context,
  run: BackupRunRow,
  {
    before,
    state,
    next = END,
    windows,
    sealed,
  }: Pick<Gathered, 'next' | 'windows'> & { readonly before: Uint8Array; readonly state: BackupState; readonly sealed: readonly SealedSegment[] },
): Promise<void> {
  await db.run(async (tx) => {
    const current = await readBackup(tx)
    // Turned off meanwhile, or another tab was faster: what was sealed here is nothing then.
    if (!current || !(await readBackupRun(tx)) || !equalPublicBytes(current.state, before)) return
    writeBackup(tx, { ...current, state: encodeBackupState(state) })
    writeBackupRun(tx, { ...run, ...next, done: run.done + windows })
    for (const { entry, bytes } of sealed) tx.put(keyOf.backupOut(entry.number), bytes)
  })
}

async function upload(context: Context, signal: AbortSignal | undefined): Promise<void> {
  const { db, network } = context
  for (;;) {
    const [entry] = await db.list(PREFIX.backupOut, { limit: 1 })
    const row = entry && (await readBackup(db))
    if (!entry || !row) return
    const { backupId } = decodeBackupState(row.state)
    const number = Number(entry.key.slice(PREFIX.backupOut.length))
    await network.call('backups.putSegment', { backupId, number, segment: entry.value }, { ...(signal && { signal }) })
    await db.run(async (tx) => tx.delete(entry.key))
    await emitBackup(context)
  }
}

async function publish(context: Context, { row, run, manifest }: { row: BackupRow; run: BackupRunRow; manifest: Uint8Array }): Promise<Outcome> {
  try {
    const { version } = await context.network.call('backups.putManifest', { expected: row.version, manifest })
    return complete(context, { run, version, entries: decodeBackupState(row.state).entries })
  } catch (error) {
    if (!isSecureChatError(error, 'request/conflict')) throw error
    await startAnew(context, row)
    return 'replaced'
  }
}

/** Another device, or an earlier state of this one, has published meanwhile: this device goes on after it under a new id, and makes everything anew. */
async function startAnew(context: Context, row: BackupRow): Promise<void> {
  const { db, provider, random, network } = context
  const { accountId } = decodeBackupState(row.state)
  const { manifest: there } = await network.call('backups.manifest', {})
  let state = startBackup({ random }, accountId)
  try {
    if (there) state = startBackup({ random }, accountId, openBackupManifest(provider, { bytes: there.bytes, backupKey: new Secret(row.key), accountId }))
  } catch (error) {
    // Under other words, or no backup at all: nothing to go on from.
    context.logger.warn('client.backup-replaced', { code: asSecureChatError(error, 'backup/damaged').code })
  }
  await db.run(async (tx) => {
    await forgetRun(tx)
    const current = await readBackup(tx)
    if (current) writeBackup(tx, { ...current, state: encodeBackupState(state), version: there?.version ?? 0, since: 0, untidy: true })
  })
}

async function complete(context: Context, { run, version, entries }: { run: BackupRunRow; version: number; entries: readonly BackupEntry[] }): Promise<'done'> {
  const bytes = entries.reduce((sum, { length }) => sum + length, 0)
  await context.db.run(async (tx) => {
    const row = await readBackup(tx)
    tx.delete(KEYS.backupRun)
    if (!row) return
    const { error: _, ...rest } = row
    const whole = run.whole ? { wholeBytes: bytes, untidy: true } : {}
    writeBackup(tx, { ...rest, version, since: run.target, lastAt: context.clock.now(), bytes, ...whole })
  })
  await emitBackup(context)
  return 'done'
}

/** Deletes what lies on the server and the published manifest does not list. */
async function tidy(context: Context): Promise<void> {
  const { db, network } = context
  const row = await readBackup(db)
  if (!row?.untidy) return
  const name = ({ backupId, number }: { backupId: Uint8Array; number: number }): string => `${toBase64Url(backupId)}/${number}`
  const listed = new Set(decodeBackupState(row.state).entries.map(name))
  for (let after: { backupId: Uint8Array; number: number } | undefined; ; ) {
    const { segments, more } = await network.call('backups.segments', { limit: PAGE, ...(after && { after }) })
    const gone = segments.filter((segment) => !listed.has(name(segment))).map(({ backupId, number }) => ({ backupId, number }))
    if (gone.length > 0) await network.call('backups.deleteSegments', { segments: gone })
    const last = segments.at(-1)
    if (!more || !last) break
    after = { backupId: last.backupId, number: last.number }
  }
  await db.run(async (tx) => {
    const current = await readBackup(tx)
    if (current) writeBackup(tx, { ...current, untidy: false })
  })
}
