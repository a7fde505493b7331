import { compareManifestRef, isRetryRequest, peekEnvelope, type SessionRecord } from '@securechat/crypto'
import { type AccountId, asSecureChatError, ENVELOPE_KINDS, type MailboxRow, type ManifestRef, SecureChatError } from '@securechat/protocol'
import { type Context, cryptoDeps, directConversationId, type Self } from '../context.js'
import type { Manifests } from '../devices/manifests.js'
import { answerRetryRequest } from '../healing/answer.js'
import { settleWanted, wantAgain } from '../healing/want.js'
import type { Transaction } from '../state/database.js'
import { holdEnvelope, readCursor, writeCursor } from '../state/inbox.js'
import { KEYS, keyOf } from '../state/keys.js'
import { readSession } from '../state/sessions.js'
import { type Answerable, answerSession } from './acknowledge.js'
import { applyIncoming, type Effects } from './apply.js'
import { decryptRow, type Opened } from './decrypt.js'
import { classifyReceiveFailure, type ReceiveAction } from './failures.js'
import { addPlaceholder } from './placeholder.js'
import { validateIncoming } from './validate.js'

export interface BatchOutcome {
  /** How many rows, from the first, are settled for good: they may be acknowledged. */
  readonly settled: number
  /** The row behind them needs newer device lists. */
  readonly stale?: { readonly row: MailboxRow; readonly error: SecureChatError }
}

export interface BatchInput {
  readonly rows: readonly MailboxRow[]
  readonly self: Self
  readonly effects: Effects
  readonly manifests: Manifests
  /** Rows that are not worth another fetch: what they need is not to be had. */
  readonly settleAnyway: ReadonlySet<number>
  /** Devices whose stalled post-quantum ratchet was told. */
  readonly stalled: Set<string>
}

/**
 * As many rows as possible in ONE commit: session states, messages, used prekeys, dedupe, cursor. Nothing is acknowledged here. Throws
 * only where the store fails or the code is wrong; then nothing has changed.
 */
export async function applyBatch(context: Context, tx: Transaction, input: BatchInput): Promise<BatchOutcome> {
  const { rows, self } = input
  await tx.prefetch(usualKeys(context, self, rows))
  const cursor = await readCursor(tx)
  const answers = new Map<string, Answerable>()
  let settled = 0
  let stale: BatchOutcome['stale']
  for (const row of rows) {
    if (row.sequence > cursor) {
      stale = await settleRow(context, tx, { ...input, row, answers })
      if (stale) break
    }
    settled++
  }
  const last = rows[settled - 1]
  if (last && last.sequence > cursor) writeCursor(tx, last.sequence)
  for (const answer of answers.values()) await answerSession(context, tx, answer)
  return { settled, ...(stale && { stale }) }
}

type RowInput = BatchInput & { readonly row: MailboxRow; readonly answers: Map<string, Answerable> }

async function settleRow(context: Context, tx: Transaction, input: RowInput): Promise<BatchOutcome['stale']> {
  const { row, settleAnyway } = input
  try {
    await tx.part(() => applyRow(context, tx, input))
    return undefined
  } catch (cause) {
    const error = asSecureChatError(cause, 'server/internal')
    const anyway = settleAnyway.has(row.sequence)
    const action = classifyReceiveFailure(error)
    if (action === 'had') return undefined
    if (action === 'manifest' && !anyway) return { row, error }
    // The store's failures pass; those of the code would come back for ever.
    if (action === 'later' && (!anyway || error.code.startsWith('storage/'))) throw error
    context.logger.warn('client.row-unreadable', { code: error.code, action })
    // A request that nobody may make is no message, and no reason to show one.
    if (action !== 'keep' && isRetryRequest(row.envelope)) return undefined
    if (action === 'keep') await keepRow(context, tx, { ...input, error })
    else {
      // This code failed, not the sender: the bytes are kept for a version that does better.
      if (action === 'later') await holdRow(tx, row)
      await loseRow(context, tx, { ...input, error, action })
    }
    return undefined
  }
}

async function applyRow(context: Context, tx: Transaction, { row, self, effects, manifests, stalled, answers }: RowInput): Promise<void> {
  if (isRetryRequest(row.envelope)) return answerRetryRequest(context, tx, { self, row })
  const opened = await decryptRow(tx, cryptoDeps(context), { self, row })
  tx.afterCommit(() =>
    judgeEchoes(opened, {
      manifests,
      self: self.accountId,
      logFailure: (error) => context.logger.debug('client.refresh-failed', { code: asSecureChatError(error, 'server/internal').code }),
    }),
  )
  if (opened.result.pqStalled) tx.afterCommit(() => tellStalled(context, opened.sender, stalled))
  // From here on the row is authentic: whatever is wrong with its content, the ratchet has moved and stays moved.
  let incoming: ReturnType<typeof validateIncoming>
  try {
    incoming = validateIncoming(context.provider, { self: self.accountId, sender: opened.sender, plaintext: opened.result.plaintext })
  } catch (error) {
    context.logger.warn('client.content-invalid', { code: asSecureChatError(error, 'protocol/malformed').code })
    return
  }
  const slot = await settleWanted(tx, { sender: opened.sender, hashes: incoming.again, now: context.clock.now() })
  const place = slot?.conversation === incoming.body.conversation ? slot.order : undefined
  await applyIncoming(context, tx, { incoming, effects, place })
  const owesReceipt = (await tx.get(keyOf.receipt(incoming.body.conversation, incoming.body.id))) !== undefined
  noteAnswer(answers, { opened, record: opened.result.record, answer: { peer: incoming.peer, conversation: incoming.body.conversation, owesReceipt } })
}

function tellStalled({ events, logger }: Context, { accountId, deviceId }: Opened['sender'], told: Set<string>): void {
  const name = `${accountId}/${deviceId}`
  if (told.has(name)) return
  told.add(name)
  logger.warn('client.pq-stalled')
  events.emit('pq-stalled', { accountId, deviceId })
}

/** One look at the end of the batch, at the newest state of each session. */
function noteAnswer(
  answers: Map<string, Answerable>,
  { opened, record, answer }: { opened: Opened; record: SessionRecord; answer: Omit<Answerable, 'record'> },
): void {
  const key = `${opened.sender.accountId}/${opened.sender.deviceId}`
  answers.set(key, { ...answer, record, owesReceipt: answer.owesReceipt || (answers.get(key)?.owesReceipt ?? false) })
}

/** The sender says which device lists it knows. A list that differs at the same version was shown to one side only. */
function judgeEchoes(
  { sender, result, local, remote }: Opened,
  { manifests, self, logFailure }: { manifests: Manifests; self: AccountId; logFailure: (error: unknown) => void },
): void {
  const known = [remote.pin, remote.candidate].find((pin) => pin?.manifest.devices.some(({ deviceId }) => deviceId === sender.deviceId)) ?? remote.pin
  const verdicts = [
    { accountId: sender.accountId, echoed: result.echo.sender, verdict: compareManifestRef(known.manifest, result.echo.sender) },
    { accountId: self, echoed: result.echo.recipient, verdict: compareManifestRef(local.pin.manifest, result.echo.recipient) },
  ]
  for (const { accountId, echoed, verdict } of verdicts) {
    // In both cases the server's newest answer decides; a fork is found and told there.
    if (verdict === 'newer' || verdict === 'fork') {
      manifests
        .refresh(accountId)
        .then(({ pin, candidate }) => judgeAnswer(manifests, { accountId, shown: (candidate ?? pin).manifest, echoed }))
        .catch(logFailure)
    }
    if (verdict === 'fork') manifests.alert(accountId, new SecureChatError('devices/manifest-fork', { detail: 'echo' }))
  }
}

/** What the sender was shown, the server has to show here too: else it keeps a list back, or has shown the two sides different ones. */
function judgeAnswer(
  manifests: Manifests,
  { accountId, shown, echoed }: { readonly accountId: AccountId; readonly shown: ManifestRef; readonly echoed: ManifestRef },
): void {
  const verdict = compareManifestRef(shown, echoed)
  if (verdict === 'newer') manifests.alert(accountId, new SecureChatError('devices/manifest-rollback', { detail: 'echo' }))
  if (verdict === 'fork') manifests.alert(accountId, new SecureChatError('devices/manifest-fork', { detail: 'echo' }))
}

async function holdRow(tx: Transaction, { sender, envelope, sequence, time }: MailboxRow): Promise<boolean> {
  return sender !== undefined && holdEnvelope(tx, sequence, { sender: sender.accountId, device: sender.deviceId, at: time, envelope })
}

async function keepRow(context: Context, tx: Transaction, { row, effects, error }: RowInput & { error: SecureChatError }): Promise<void> {
  if (!(await holdRow(tx, row))) return
  const peek = peekEnvelope(row.envelope)
  // A request to send again is no message.
  if (peek.kind === 'unknown' && peek.kindCode === ENVELOPE_KINDS.retryRequest) return
  const message = await addPlaceholder(context, tx, { row, kind: 'unsupported', error })
  if (message) tx.afterCommit(() => effects.received(message))
}

async function loseRow(
  context: Context,
  tx: Transaction,
  { row, self, effects, error, action }: RowInput & { error: SecureChatError; action: ReceiveAction },
): Promise<void> {
  const { sender } = row
  if (!sender) return
  // Anybody can make up bytes: only where there is a session that they could belong to is it worth a line.
  if (action === 'forged' && !(await hasSession(tx, sender))) return
  const wanted = action === 'lost' ? await wantAgain(context, tx, { self, row, error }) : undefined
  const message = wanted ? wanted.placeholder : await addPlaceholder(context, tx, { row, kind: 'undecryptable', error })
  tx.afterCommit(() => {
    if (message) effects.received(message)
    context.events.emit('decryption-failed', { accountId: sender.accountId, error, willHeal: wanted !== undefined })
  })
}

async function hasSession(tx: Transaction, sender: NonNullable<MailboxRow['sender']>): Promise<boolean> {
  try {
    return (await readSession(tx, sender)) !== null
  } catch {
    // A damaged record is a session all the same.
    return true
  }
}

/** What nearly every row reads: one call to the store for all of it. */
function usualKeys({ provider }: Context, self: Self, rows: readonly MailboxRow[]): string[] {
  const keys: string[] = [KEYS.inbox, KEYS.counters, keyOf.pin(self.accountId)]
  for (const { sender } of rows) {
    if (!sender) continue
    const { accountId, deviceId } = sender
    keys.push(
      keyOf.pin(accountId),
      keyOf.session(accountId, deviceId),
      keyOf.contact(accountId),
      keyOf.conversation(directConversationId(provider, self.accountId, accountId)),
    )
  }
  return keys
}
