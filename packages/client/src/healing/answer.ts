import { believedDevices, judgeRetryRequest, remoteDevice, verifyRetryRequest } from '@securechat/crypto'
import { type MailboxRow, SecureChatError } from '@securechat/protocol'
import { CONTENT_VERSION, encodeMessageBody } from '@securechat/protocol/content'
import { type Context, newMessageId, type Self } from '../context.js'
import { recordOf } from '../send/ensure-sessions.js'
import { readContact } from '../state/contacts.js'
import type { Transaction } from '../state/database.js'
import { readRenewals, readRetry, writeRenewals, writeRetry } from '../state/healing.js'
import { readMessage } from '../state/messages.js'
import { addOutbox } from '../state/outbox.js'
import { readPins } from '../state/pins.js'
import { readSession } from '../state/sessions.js'
import { chosenFor, type Held, heldFor } from './hold.js'

/**
 * A device asks for what it could not read. In the commit of its row: nothing is done unless a device of the CURRENT list signed the request
 * for this one and it names an envelope that was really sent to it. Then, at most once an hour: the next message starts a new session and
 * what was missed is queued. No session is dropped: what is under way on the old ones can still be read.
 *
 * Throws `devices/stale-manifest` (fetch the list, look again), `crypto/invalid-signature`, `protocol/malformed`.
 */
export async function answerRetryRequest(context: Context, tx: Transaction, { self, row }: { self: Self; row: MailboxRow }): Promise<void> {
  const { provider, clock, logger } = context
  const { sender, envelope } = row
  if (!sender) throw new SecureChatError('protocol/unsupported-version', { detail: 'sender' })
  const pins = await readPins(tx, provider, sender.accountId)
  if (!pins?.pin.manifest.devices.some(({ deviceId }) => deviceId === sender.deviceId)) {
    // Under a changed identity nothing is sent before the user accepts it.
    if (pins?.candidate?.manifest.devices.some(({ deviceId }) => deviceId === sender.deviceId)) return
    throw new SecureChatError('devices/stale-manifest', { detail: 'unknown device' })
  }
  const remote = remoteDevice(pins.pin.manifest, sender.deviceId)
  const request = verifyRetryRequest(provider, { local: self, remote, envelope })
  const mine = sender.accountId === self.accountId
  const refused = pins.candidate !== undefined || !believedDevices(pins.pin).some(({ deviceId }) => deviceId === sender.deviceId)
  if (refused || (!mine && (await readContact(tx, sender.accountId))?.relation === 'blocked')) return
  const state = await readRetry(tx, sender)
  const verdict = judgeRetryRequest(state, request, clock.now())
  if (verdict.kind !== 'answer') return logger.info('client.retry-refused', { reason: verdict.kind })
  const chosen = chosenFor(await heldFor(context, context.db, { self, device: sender }), request.envelopes)
  if (chosen.length === 0) {
    // Judged, so that it cannot come again; an hour is not used up by it.
    writeRetry(tx, sender, { ...state, newestRequest: request.time })
    return logger.info('client.retry-refused', { reason: 'unknown' })
  }
  writeRetry(tx, sender, { ...state, ...verdict.state })
  const above = recordOf(await readSession(tx, sender), remote)?.nextGeneration ?? 0
  const others = (await readRenewals(tx)).filter(({ accountId, deviceId }) => accountId !== sender.accountId || deviceId !== sender.deviceId)
  writeRenewals(tx, [...others, { accountId: sender.accountId, deviceId: sender.deviceId, above }])
  for (const held of chosen) await queueAgain(context, tx, { held, device: { accountId: sender.accountId, deviceId: sender.deviceId } })
  logger.info('client.retry-answered', { messages: chosen.length })
}

async function queueAgain(
  context: Context,
  tx: Transaction,
  { held, device }: { held: Held; device: NonNullable<Parameters<typeof addOutbox>[1]['device']> },
): Promise<void> {
  const { peer, conversation, type } = held.record
  const common = await bodyOf(tx, held)
  await addOutbox(tx, {
    peer,
    conversation,
    type: common ? type : 'empty',
    common: common ?? nothingMore(context, conversation),
    sendId: newMessageId(context),
    queuedAt: context.clock.now(),
    device,
    again: [...held.hashes],
    sent: held.key,
  })
}

/** Byte for byte as it was, unless what it is about was deleted since. */
async function bodyOf(tx: Transaction, { record: { conversation, type, common, message, target } }: Held): Promise<Uint8Array | undefined> {
  const about = target ?? message
  if (!common || about === undefined) return common
  const row = await readMessage(tx, conversation, about)
  return row?.kind === 'deleted' && type !== 'delete' ? undefined : common
}

/** Says that there is nothing to send for an envelope, so that it is not asked for again. */
const nothingMore = (context: Context, conversation: Held['record']['conversation']): Uint8Array =>
  encodeMessageBody({ v: CONTENT_VERSION, id: newMessageId(context), conversation, sentAt: context.clock.now(), content: { type: 'empty' } })
