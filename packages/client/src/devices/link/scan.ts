import { encodeManifestPin } from '@securechat/crypto'
import { answerLink, finishLink, type LinkAnswered, type LinkPurpose, linkMeeting, parseLinkCode } from '@securechat/crypto/linking'
import { type DeviceId, fromBase64Url, LIMITS, SecureChatError, toBase64Url } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../../context.js'
import { readPendingManifest, requireAccount } from '../../state/account.js'
import { beginHistory, type HistoryRow } from '../../state/history.js'
import { readPins } from '../../state/pins.js'
import { encodeOwnProfile, readOwnProfile } from '../../state/profile.js'
import type { ApproveOptions, CallOptions } from '../../types.js'
import type { Manifests } from '../manifests.js'
import { publishPending, signNext } from '../renewal.js'
import { signer } from '../signer.js'
import type { LinkScan } from '../types.js'
import { requireDigits } from './digits.js'
import { joined as joinedSignal, untilThere } from './meeting.js'
import { encodePayload } from './payload.js'

/** What a camera or a keyboard gave. A code is bare text: what comes as a link has come from somewhere else than the screen of a device. */
function codeOf(scanned: string): { readonly code: Uint8Array; readonly purpose: LinkPurpose } {
  try {
    const code = fromBase64Url(scanned.trim())
    return { code, purpose: parseLinkCode(code).purpose }
  } catch (cause) {
    throw new SecureChatError('client/invalid-argument', { detail: 'linking code', cause })
  }
}

/**
 * The primary device's side of docs/protocol/13-linking.md: answers a code and gives the digits to compare; nothing is signed before `approve`. Throws
 * `client/invalid-argument` (not a code), `devices/not-primary`, `devices/link-expired`, `crypto/authentication-failed` (the server gave another key than the code's).
 */
export async function scanLink(context: Context, manifests: Manifests, scanned: string, { signal }: CallOptions = {}): Promise<LinkScan> {
  const { db, provider, network } = context
  const { code, purpose } = codeOf(scanned)
  if (purpose === 'promotion') return (await import('../promotion/hand-over.js')).scanPromotion(context, manifests, code, { ...(signal && { signal }) })
  const linkId = toBase64Url(linkMeeting(provider, code))
  const { accountId, phone } = await requireAccount(db)
  if (!(await signer(context, db))) throw new SecureChatError('devices/not-primary')
  const options = { ...(signal && { signal }) }
  const { kemKey } = await network.call('links.read', { linkId }, options)
  // Of the newest list: the id is above all that were ever used.
  const { pin } = await manifests.refresh(accountId)
  if (pin.manifest.devices.length >= LIMITS.devicesPerAccount) throw new SecureChatError('devices/limit-reached')
  const deviceId = (pin.highestDeviceId + 1) as DeviceId
  const { registrationToken } = await network.call('devices.invite', { deviceId }, options)
  const profile = await readOwnProfile(db)
  const transfer = { id: context.random(16), key: context.random(32) }
  const payload = encodePayload({
    pin: encodeManifestPin(pin),
    phone,
    registrationToken,
    history: transfer,
    ...(profile && { profile: encodeOwnProfile(profile) }),
  })
  const { accountKey } = pin.manifest
  const { state, answer } = answerLink(cryptoDeps(context), { code, kemKey, accountId, accountKey, deviceId, payload })
  await network.call('links.answer', { linkId, answer }, options)
  const own = new AbortController()
  return Object.freeze({
    kind: 'link' as const,
    deviceId,
    digits: state.comparison,
    expiresAt: state.expiresAt,
    cancel: () => own.abort(),
    async approve(typed: string, { history = false, ...approval }: ApproveOptions = {}) {
      requireDigits(typed, state.comparison)
      const offered = history === false ? undefined : { ...transfer, ...(history !== true && { from: history.since }) }
      await admit(context, manifests, { state, linkId, offered, signal: joinedSignal(own, approval.signal) })
      return { deviceId }
    },
  })
}

type OfferedHistory = Pick<HistoryRow, 'id' | 'key' | 'from'>

async function admit(
  context: Context,
  manifests: Manifests,
  { state, linkId, offered, signal }: { state: LinkAnswered; linkId: string; offered: OfferedHistory | undefined; signal: AbortSignal },
): Promise<void> {
  const { db, provider, network } = context
  const confirmation = await untilThere(context, { linkId, until: state.expiresAt, part: (meeting) => meeting.confirmation, signal })
  const device = finishLink(cryptoDeps(context), state, confirmation)
  const { accountId } = state.device
  await db.run(async (tx) => {
    const found = await signer(context, tx)
    if (!found) throw new SecureChatError('devices/not-primary')
    const { keys, pin } = found
    const { manifest: current, highestDeviceId } = pin
    // A renewal or another link came in between: this device id, or this version, is taken.
    if ((await readPendingManifest(tx)) || device.deviceId <= highestDeviceId) throw new SecureChatError('request/conflict', { detail: 'manifest' })
    signNext(context, tx, { keys, current, devices: [...current.devices, { ...device, addedVersion: current.version + 1, flags: 0 }] })
    if (offered) await beginHistory(tx, { ...offered, direction: 'sending' })
  })
  // From here on it is decided: what a broken network prevents now is done by the next round of maintenance.
  await publishPending(context, manifests)
  const pins = await readPins(db, provider, accountId)
  const { manifest } = pins?.pin ?? {}
  if (!manifest?.devices.some(({ deviceId }) => deviceId === device.deviceId)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
  // Before the new device hears of its admission: where it finds no place then, no history was offered.
  if (offered) await network.call('history.open', { transferId: offered.id }, { signal })
  await network.call('links.finish', { linkId, manifest: manifest.bytes }, { signal })
}
