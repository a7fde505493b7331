import { DEVICE_FLAGS, type ManifestDevice } from '@securechat/crypto'
import { acceptPromotion, answerLink, type LinkAnswered, linkMeeting, parseLinkCode, sealHandover } from '@securechat/crypto/linking'
import { equalPublicBytes, SecureChatError, toBase64Url } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../../context.js'
import { readAccountKeys, readPendingManifest } from '../../state/account.js'
import type { Reader } from '../../state/database.js'
import { readPins } from '../../state/pins.js'
import type { CallOptions } from '../../types.js'
import { requireDigits } from '../link/digits.js'
import { joined as joinedSignal, untilThere } from '../link/meeting.js'
import type { Manifests } from '../manifests.js'
import { primaryOf } from '../own-list.js'
import { publishPending, signNext } from '../renewal.js'
import type { LinkScan } from '../types.js'

/**
 * The primary device's side of docs/protocol/13-linking.md, "Promotion". It is also for a device that has the key and is not flagged any more, since the handover did not arrive: to
 * the flagged one, and nobody else. Throws as `scanLink`.
 */
export async function scanPromotion(context: Context, manifests: Manifests, code: Uint8Array, { signal }: CallOptions): Promise<LinkScan> {
  const { db, provider, network, identity } = context
  const { accountId } = await identity.self()
  const options = { ...(signal && { signal }) }
  const linkId = toBase64Url(linkMeeting(provider, code))
  const { kemKey } = await network.call('links.read', { linkId }, options)
  await manifests.refresh(accountId)
  const { signingKey, identityKey } = parseLinkCode(code)
  const { device, accountKey } = await giver(context, db, { signingKey, identityKey })
  const { deviceId } = device
  const { state, answer } = answerLink(cryptoDeps(context), {
    code,
    kemKey,
    accountId,
    accountKey,
    deviceId,
    payload: new Uint8Array(0),
    purpose: 'promotion',
  })
  await network.call('links.answer', { linkId, answer }, options)
  const own = new AbortController()
  return Object.freeze({
    kind: 'promotion' as const,
    deviceId,
    digits: state.comparison,
    expiresAt: state.expiresAt,
    cancel: () => own.abort(),
    async approve(typed: string, approval: CallOptions = {}) {
      requireDigits(typed, state.comparison)
      await handOver(context, manifests, { state, linkId, signal: joinedSignal(own, approval.signal) })
      return { deviceId }
    },
  })
}

type Keys = Pick<ManifestDevice, 'signingKey' | 'identityKey'>

/** That this device may give the key to the listed device with these keys. Throws `devices/not-primary`, `client/invalid-argument`. */
async function giver({ provider, identity }: Context, reader: Reader, { signingKey, identityKey }: Keys) {
  const self = await identity.self()
  const [keys, pins] = [await readAccountKeys(reader), await readPins(reader, provider, self.accountId)]
  if (!keys || !pins) throw new SecureChatError('devices/not-primary')
  const { manifest } = pins.pin
  const listed = (device: Keys): boolean => equalPublicBytes(device.signingKey, signingKey) && equalPublicBytes(device.identityKey, identityKey)
  const device = manifest.devices.find(listed)
  if (!device || device.deviceId === self.deviceId) throw new SecureChatError('client/invalid-argument', { detail: 'device of the code' })
  const flagged = primaryOf(manifest)
  if (flagged !== self.deviceId && flagged !== device.deviceId) throw new SecureChatError('devices/not-primary')
  return { keys, manifest, device, accountKey: manifest.accountKey, moves: flagged === self.deviceId }
}

/** The flag moves in one commit, before anybody gets the key; from then on this device signs nothing more. */
async function handOver(
  context: Context,
  manifests: Manifests,
  { state, linkId, signal }: { state: LinkAnswered; linkId: string; signal: AbortSignal },
): Promise<void> {
  const { db, network } = context
  const confirmation = await untilThere(context, { linkId, until: state.expiresAt, part: (meeting) => meeting.confirmation, signal })
  const agreed = acceptPromotion(cryptoDeps(context), state, confirmation)
  const handover = await db.run(async (tx) => {
    const { keys, manifest: current, device, moves } = await giver(context, tx, state.device)
    if (await readPendingManifest(tx)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
    if (!moves) return { accountKeys: keys, manifest: current.bytes }
    const devices = current.devices.map((listed) => ({
      ...listed,
      flags: listed.deviceId === device.deviceId ? listed.flags | DEVICE_FLAGS.primary : listed.flags & ~DEVICE_FLAGS.primary,
    }))
    return { accountKeys: keys, manifest: signNext(context, tx, { keys, current, devices }) }
  })
  // From here on it is decided. Whatever breaks now, the manifest is published by the next round of maintenance, and the key can be asked for again.
  await network.call('links.handover', { linkId, handover: sealHandover(context, agreed, handover) }, { signal })
  await publishPending(context, manifests)
}
