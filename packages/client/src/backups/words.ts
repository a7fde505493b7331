import type { Secret } from '@securechat/crypto'
import { encodeBackupState, type OpenedBackup, openBackupManifest, startBackup } from '@securechat/crypto/backup'
import { deriveRecoveryKeys, generateRecoveryEntropy, parseRecoveryWords, type RecoveryKeys, recoveryWords } from '@securechat/crypto/recovery'
import { asSecureChatError, SecureChatError } from '@securechat/protocol'
import type { Context } from '../context.js'
import { forgetRun, readBackup, readRestore, writeBackup, writeRestore } from '../state/backup.js'
import { KEYS } from '../state/keys.js'
import type { CallOptions } from '../types.js'
import { backupState, emitBackup } from './present.js'
import { nameRecoveryKey, type RunDeps } from './run.js'
import type { BackupState, ConfirmedWords, NewBackupWords } from './types.js'

const WORDS = 24
/** Words that are asked for: who has not written them down guesses none of them. */
const ASKED = 3

type Words = string | readonly string[]

/** Throws `client/invalid-argument`: not 24 words, an unknown one, a wrong checksum. */
export function keysOf({ provider }: Pick<Context, 'provider'>, words: Words): RecoveryKeys {
  return deriveRecoveryKeys(provider, parseRecoveryWords(typeof words === 'string' ? words : words.join(' ')))
}

export function newWords({ random }: Pick<Context, 'random'>): NewBackupWords {
  const positions = new Set<number>()
  // 240 is the greatest multiple of 24 in a byte: no position is likelier than another.
  while (positions.size < ASKED) for (const byte of random(1)) if (byte < 240) positions.add((byte % WORDS) + 1)
  const words = Object.freeze(recoveryWords(generateRecoveryEntropy(random)))
  return Object.freeze({ words, challenge: Object.freeze([...positions].sort((a, b) => a - b)) })
}

/** Throws `client/invalid-argument` unless three positions or more name the words that stand there. */
export function requireConfirmed(words: Words, confirmed: ConfirmedWords): void {
  const list = (typeof words === 'string' ? words.trim().split(/\s+/u) : words).map((word) => word.trim().toLowerCase())
  const typed = Object.entries(confirmed)
  const right = typed.every(([position, word]) => typeof word === 'string' && list[Number(position) - 1] === word.trim().toLowerCase())
  if (typed.length < ASKED || !right) throw new SecureChatError('client/invalid-argument', { detail: 'confirmed words' })
}

/** Nothing is stored before the server has the list that names the words' key. */
export async function enableBackups(deps: RunDeps, input: { words: Words; confirmed: ConfirmedWords }, { signal }: CallOptions = {}): Promise<BackupState> {
  const { context, manifests } = deps
  const { db, network, random } = context
  const { backupKey, signing } = keysOf(context, input.words)
  requireConfirmed(input.words, input.confirmed)
  const { accountId } = await context.identity.self()
  await network.open(signal)
  await manifests.refresh(accountId)
  await nameRecoveryKey(deps, signing.publicKey)
  const there = await serverBackup(context, { backupKey, signal })
  await db.run(async (tx) => {
    if (await readBackup(tx)) return
    // Where the account has a backup under these words, this one continues it; what it lists stays until the new one is complete.
    const state = encodeBackupState(startBackup({ random }, accountId, there?.opened))
    const row = { state, version: there?.version ?? 0, since: 0, bytes: 0, wholeBytes: 0, untidy: there !== undefined }
    writeBackup(tx, { ...row, key: backupKey.expose(), recoveryKey: signing.publicKey })
  })
  await emitBackup(context)
  return backupState(context)
}

interface ServerBackup {
  readonly version: number
  readonly bytes: Uint8Array
  /** undefined: under other words. */
  readonly opened: OpenedBackup | undefined
}

async function serverBackup(
  context: Context,
  { backupKey, signal }: { backupKey: Secret; signal: AbortSignal | undefined },
): Promise<ServerBackup | undefined> {
  const { accountId } = await context.identity.self()
  const { manifest } = await context.network.call('backups.manifest', {}, { ...(signal && { signal }) })
  if (!manifest) return undefined
  try {
    return { ...manifest, opened: openBackupManifest(context.provider, { bytes: manifest.bytes, backupKey, accountId }) }
  } catch (cause) {
    if (asSecureChatError(cause, 'server/internal').code !== 'crypto/authentication-failed') throw cause
    return { ...manifest, opened: undefined }
  }
}

/** The archive goes first, then what knows of it: a process that dies in between still knows the key. */
export async function disableBackups(context: Context, { signal }: CallOptions = {}): Promise<void> {
  await context.network.call('backups.erase', {}, { ...(signal && { signal }) })
  await context.db.run(async (tx) => {
    tx.delete(KEYS.backup)
    await forgetRun(tx)
  })
  await emitBackup(context)
}

/** Commits what the restore needs; the rest is done in the background. Again, with the same backup: goes on. */
export async function beginRestore(context: Context, { words }: { words: Words }, { signal }: CallOptions = {}): Promise<BackupState> {
  const { backupKey, signing } = keysOf(context, words)
  const there = await serverBackup(context, { backupKey, signal })
  if (!there) throw new SecureChatError('client/not-found', { detail: 'backup' })
  const { version, bytes: manifest, opened } = there
  if (!opened) throw new SecureChatError('crypto/authentication-failed', { detail: 'backup container' })
  const total = opened.entries.reduce((sum, { length }) => sum + length, 0)
  await context.db.run(async (tx) => {
    if ((await readRestore(tx))?.status === 'running') return
    writeRestore(tx, {
      key: backupKey.expose(),
      recoveryKey: signing.publicKey,
      manifest,
      version,
      createdAt: opened.created,
      status: 'running',
      next: 0,
      done: 0,
      total,
    })
  })
  await emitBackup(context)
  return backupState(context)
}
