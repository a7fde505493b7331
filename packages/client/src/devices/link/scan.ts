import { encodeManifestPin } from '@securechat/crypto'
import { answerLink, finishLink, type LinkAnswered, linkMeeting, parseLinkCode } from '@securechat/crypto/linking'
import { type DeviceId, fromBase64Url, SecureChatError, toBase64Url } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../../context.js'
import { readAccountKeys, readPendingManifest, requireAccount } from '../../state/account.js'
import { readPins } from '../../state/pins.js'
import { encodeOwnProfile, readOwnProfile } from '../../state/profile.js'
import type { CallOptions, LinkScan } from '../../types.js'
import type { Manifests } from '../manifests.js'
import { publishPending, signNext } from '../renewal.js'
import { joined as joinedSignal, untilThere } from './meeting.js'
import { encodePayload } from './payload.js'

const DIGITS = /^\d{6}$/

/** What a camera or a keyboard gave. A code is bare text: what comes as a link has come from somewhere else than the screen of a device. */
function codeOf(scanned: string): Uint8Array {
  try {
    const code = fromBase64Url(scanned.trim())
    parseLinkCode(code)
    return code
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
  const code = codeOf(scanned)
  const linkId = toBase64Url(linkMeeting(provider, code))
  const { accountId, phone } = await requireAccount(db)
  if (!(await readAccountKeys(db))) throw new SecureChatError('devices/not-primary')
  const options = { ...(signal && { signal }) }
  const { kemKey } = await network.call('links.read', { linkId }, options)
  // Of the newest list: the id is above all that were ever used.
  const { pin } = await manifests.refresh(accountId)
  const deviceId = (pin.highestDeviceId + 1) as DeviceId
  const { registrationToken } = await network.call('devices.invite', { deviceId }, options)
  const profile = await readOwnProfile(db)
  const payload = encodePayload({ pin: encodeManifestPin(pin), phone, registrationToken, ...(profile && { profile: encodeOwnProfile(profile) }) })
  const { accountKey } = pin.manifest
  const { state, answer } = answerLink(cryptoDeps(context), { code, kemKey, accountId, accountKey, deviceId, payload })
  await network.call('links.answer', { linkId, answer }, options)
  const own = new AbortController()
  return Object.freeze({
    digits: state.comparison,
    expiresAt: state.expiresAt,
    cancel: () => own.abort(),
    async approve(typed: string, approval: CallOptions = {}) {
      const digits = typed.replaceAll(/\s/g, '')
      if (!DIGITS.test(digits) || digits !== state.comparison) throw new SecureChatError('devices/link-mismatch')
      await admit(context, manifests, { state, linkId, signal: joinedSignal(own, approval.signal) })
      return { deviceId }
    },
  })
}

async function admit(
  context: Context,
  manifests: Manifests,
  { state, linkId, signal }: { state: LinkAnswered; linkId: string; signal: AbortSignal },
): Promise<void> {
  const { db, provider, network } = context
  const confirmation = await untilThere(context, { linkId, until: state.expiresAt, part: (meeting) => meeting.confirmation, signal })
  const device = finishLink(cryptoDeps(context), state, confirmation)
  const { accountId } = state.device
  await db.run(async (tx) => {
    const [keys, pins] = [await readAccountKeys(tx), await readPins(tx, provider, accountId)]
    if (!keys || !pins) throw new SecureChatError('devices/not-primary')
    const { manifest: current, highestDeviceId } = pins.pin
    // A renewal or another link came in between: this device id, or this version, is taken.
    if ((await readPendingManifest(tx)) || device.deviceId <= highestDeviceId) throw new SecureChatError('request/conflict', { detail: 'manifest' })
    signNext(context, tx, { keys, current, devices: [...current.devices, { ...device, addedVersion: current.version + 1, flags: 0 }] })
  })
  // From here on it is decided: what a broken network prevents now is done by the next round of maintenance.
  await publishPending(context, manifests)
  const pins = await readPins(db, provider, accountId)
  const { manifest } = pins?.pin ?? {}
  if (!manifest?.devices.some(({ deviceId }) => deviceId === device.deviceId)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
  await network.call('links.finish', { linkId, manifest: manifest.bytes }, { signal })
}
