import { encodeAccountKeys, verifyManifestChain } from '@securechat/crypto'
import {
  confirmPromotion,
  createLinkOffer,
  type Handover,
  type LinkJoined,
  type LinkOffer,
  linkMeeting,
  openHandover,
  openLinkAnswer,
} from '@securechat/crypto/linking'
import { equalPublicBytes, LIMITS, SecureChatError, toBase64Url } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../../context.js'
import { writePendingManifest } from '../../state/account.js'
import { KEYS } from '../../state/keys.js'
import { readPins } from '../../state/pins.js'
import { writePromotion } from '../../state/promotion.js'
import type { CallOptions } from '../../types.js'
import { joined as joinedSignal, untilThere } from '../link/meeting.js'
import type { Manifests } from '../manifests.js'
import { primaryOf } from '../own-list.js'
import { showAccountKey } from '../receipt.js'
import { publishPending } from '../renewal.js'
import { signer } from '../signer.js'
import type { PromotionInvitation, PromotionRequest, PromotionWarning } from '../types.js'

/** Whether the store outlives a browser's cleaning up; true where nobody cleans. */
export type AskPersistence = () => Promise<boolean>

/** The linked device's side of docs/protocol/13-linking.md, "Promotion". Throws `auth/not-registered`, `client/invalid-argument`. */
export async function requestPromotion(
  context: Context,
  manifests: Manifests,
  { signal, persistence }: CallOptions & { readonly persistence: AskPersistence },
): Promise<PromotionRequest> {
  const { db, provider, network, identity } = context
  const { accountId, deviceKeys } = await identity.self()
  await network.open(signal)
  const { pin } = await manifests.refresh(accountId)
  if (await signer(context, db)) throw new SecureChatError('client/invalid-argument', { detail: 'this is the primary device' })
  const offer = createLinkOffer(cryptoDeps(context), deviceKeys, 'promotion')
  const linkId = toBase64Url(linkMeeting(provider, offer.code))
  await network.call('links.open', { linkId, kemKey: offer.kemKey }, { ...(signal && { signal }) })
  const warnings: PromotionWarning[] = []
  if (!(await persistence())) warnings.push('storage-not-persistent')
  if (pin.manifest.recoveryKey.length === 0) warnings.push('no-recovery-words')
  const own = new AbortController()
  return Object.freeze({
    code: toBase64Url(offer.code),
    expiresAt: offer.expiresAt,
    warnings: Object.freeze(warnings),
    cancel: () => own.abort(),
    async answered(options: CallOptions = {}) {
      const answer = await untilThere(context, { linkId, until: offer.expiresAt, part: (meeting) => meeting.answer, signal: joinedSignal(own, options.signal) })
      return invitation(context, manifests, { offer, linkId, answer, own })
    },
  })
}

interface Attempt {
  readonly offer: LinkOffer
  readonly linkId: string
  readonly answer: Uint8Array
  readonly own: AbortController
}

async function invitation(context: Context, manifests: Manifests, { offer, linkId, answer, own }: Attempt): Promise<PromotionInvitation> {
  const joined = openLinkAnswer(cryptoDeps(context), offer, answer)
  await requireOwn(context, joined)
  return Object.freeze({
    accountId: joined.accountId,
    digits: joined.comparison,
    expiresAt: joined.expiresAt,
    async confirm(options: CallOptions = {}) {
      const { network, clock } = context
      const signal = joinedSignal(own, options.signal)
      const { confirmation, agreed } = confirmPromotion(cryptoDeps(context), joined)
      await network.call('links.confirm', { linkId, confirmation }, { signal })
      // The other person has as long as this one had.
      const until = clock.now() + LIMITS.linkSeconds * 1000
      const sealed = await untilThere(context, { linkId, until, part: (meeting) => meeting.handover, signal })
      await takeOver(context, openHandover(context, agreed, sealed))
      await publishPending(context, manifests)
      await showAccountKey(context, manifests)
    },
  })
}

/** The answer is of this very account, under the key that is believed here, for this very device. */
async function requireOwn({ db, provider, identity }: Context, { accountId, accountKey, deviceId }: LinkJoined): Promise<void> {
  const self = await identity.self()
  const own = await readPins(db, provider, self.accountId)
  if (accountId !== self.accountId || deviceId !== self.deviceId || !own || !equalPublicBytes(own.pin.manifest.accountKey, accountKey))
    throw new SecureChatError('devices/invalid-manifest', { detail: 'promotion' })
}

/** One commit: the key, and the manifest that flags this device, to be published from here too. From then on nothing of the exchange is needed. */
async function takeOver({ db, provider, identity, clock }: Context, { accountKeys, manifest }: Handover): Promise<void> {
  const self = await identity.self()
  await db.run(async (tx) => {
    const own = await readPins(tx, provider, self.accountId)
    if (!own) throw new SecureChatError('auth/not-registered')
    const { manifest: next } = verifyManifestChain(provider, { pinned: own.pin, chain: [manifest], now: clock.now() })
    if (primaryOf(next) !== self.deviceId) throw new SecureChatError('devices/invalid-manifest', { detail: 'promoted device' })
    tx.put(KEYS.accountKeys, encodeAccountKeys(accountKeys))
    if (next.version > own.pin.manifest.version) writePendingManifest(tx, next.bytes)
    writePromotion(tx, { taken: next.version })
  })
}
