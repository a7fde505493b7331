import { decodeManifestPin, generateDeviceKeys, verifyManifestChain } from '@securechat/crypto'
import { confirmLink, createLinkOffer, type LinkJoined, type LinkOffer, linkMeeting, openLinkAnswer } from '@securechat/crypto/linking'
import { equalPublicBytes, LIMITS, SecureChatError, toBase64Url } from '@securechat/protocol'
import { prepareLinkedDevice, type Registrar } from '../../account/registration.js'
import { type Context, cryptoDeps } from '../../context.js'
import { readAccount } from '../../state/account.js'
import type { AccountState, CallOptions, LinkInvitation, LinkRequest } from '../../types.js'
import { joined as joinedSignal, untilThere } from './meeting.js'
import { decodePayload, type LinkPayload } from './payload.js'

export interface LinkRequestDeps {
  readonly context: Context
  readonly registrar: Registrar
  readonly state: () => Promise<AccountState>
}

/**
 * The new device's side of docs/protocol/13-linking.md. Everything before `confirm` is in memory: who gives up has nothing to clean.
 * Throws `auth/already-registered`.
 */
export async function requestLink({ context, registrar, state }: LinkRequestDeps, { signal }: CallOptions = {}): Promise<LinkRequest> {
  const { db, provider, network } = context
  if (await readAccount(db)) throw new SecureChatError('auth/already-registered')
  const deps = cryptoDeps(context)
  const offer = createLinkOffer(deps, generateDeviceKeys(deps))
  const linkId = toBase64Url(linkMeeting(provider, offer.code))
  await network.call('links.open', { linkId, kemKey: offer.kemKey }, { ...(signal && { signal }) })
  const own = new AbortController()
  return {
    code: toBase64Url(offer.code),
    expiresAt: offer.expiresAt,
    cancel: () => own.abort(),
    async answered(options = {}) {
      const answer = await untilThere(context, { linkId, until: offer.expiresAt, part: (meeting) => meeting.answer, signal: joinedSignal(own, options.signal) })
      return invitation({ context, registrar, state }, { offer, linkId, answer, own })
    },
  }
}

interface Attempt {
  readonly offer: LinkOffer
  readonly linkId: string
  readonly answer: Uint8Array
  readonly own: AbortController
}

function invitation({ context, registrar, state }: LinkRequestDeps, { offer, linkId, answer, own }: Attempt): LinkInvitation {
  const joined = openLinkAnswer(cryptoDeps(context), offer, answer)
  const payload = decodePayload(joined.payload)
  return Object.freeze({
    accountId: joined.accountId,
    phone: payload.phone,
    digits: joined.comparison,
    expiresAt: joined.expiresAt,
    async confirm(options: CallOptions = {}) {
      const { network, clock } = context
      const signal = joinedSignal(own, options.signal)
      const { confirmation } = confirmLink(cryptoDeps(context), joined)
      await network.call('links.confirm', { linkId, confirmation }, { signal })
      // The other person has as long as this one had.
      const until = clock.now() + LIMITS.linkSeconds * 1000
      const manifest = await untilThere(context, { linkId, until, part: (meeting) => meeting.manifest, signal })
      checkListed(context, { joined, payload, manifest })
      const { accountId, deviceId, deviceKeys } = joined
      const { phone, registrationToken, pin, profile, history } = payload
      await prepareLinkedDevice(context, { phone, registrationToken, accountId, deviceId, deviceKeys, manifest, pin, profile, history })
      await registrar.complete(options.signal)
      network.connection.reauthenticate()
      return state()
    },
  })
}

/** The manifest continues what the primary device believed, under the key that it named, and lists this very device. Throws `devices/…`. */
function checkListed({ provider, clock }: Context, { joined, payload, manifest }: { joined: LinkJoined; payload: LinkPayload; manifest: Uint8Array }): void {
  const refuse = (detail: string): never => {
    throw new SecureChatError('devices/invalid-manifest', { detail })
  }
  const pinned = decodeManifestPin(provider, payload.pin)
  if (pinned.manifest.accountId !== joined.accountId || !equalPublicBytes(pinned.manifest.accountKey, joined.accountKey)) refuse('linking account')
  const { manifest: shown } = verifyManifestChain(provider, { pinned, chain: [manifest], now: clock.now() })
  const { signing, identity } = joined.deviceKeys
  const listed = shown.devices.find(({ deviceId }) => deviceId === joined.deviceId)
  if (!listed || !equalPublicBytes(listed.signingKey, signing.publicKey) || !equalPublicBytes(listed.identityKey, identity.publicKey)) refuse('linked device')
}
