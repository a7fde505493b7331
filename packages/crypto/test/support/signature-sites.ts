import { type AccountId, type ConversationId, type DeviceId, idFromBytes, LABELS, type Label } from '@securechat/protocol'
import {
  acceptDistribution,
  createGroup,
  decryptFromGroup,
  encodeDistribution,
  encryptToGroup,
  groupView,
  openInvitation,
  signGroupOperation,
  signInvitation,
  startChain,
} from '../../src/group/index.js'
import {
  acceptDevice,
  type CryptoProvider,
  createManifest,
  createRetryRequest,
  createSuccession,
  type DeviceKeys,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  type KeyPair,
  Secret,
  signRefreshProof,
  signRequestProof,
  signSocketProof,
  verifyDeviceAccept,
  verifyManifest,
  verifyPreKey,
  verifyRetryRequest,
  verifySuccession,
} from '../../src/index.js'
import { acceptPromotion, answerLink, confirmPromotion, createLinkOffer, openLinkAnswer } from '../../src/linking/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { verifyRefreshProof, verifyRequestProof, verifySocketProof } from '../../src/signatures/index.js'
import { sodium } from './providers.js'
import { seededRandom } from './random.js'

const DAY = 86_400_000
const NOW = 1_800_000_000_000

/** Who signs at a site: the public key that the site is shown, and what it signs with. */
export interface SiteSigner {
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

/**
 * One place of the source in which a signature decides. `make` gives what a party sends there, with every signature in it genuine but the one
 * of this place; `verify` throws a typed error where it is refused.
 */
export interface SignatureSite {
  readonly name: string
  readonly label: Label
  /** Under packages/. */
  readonly source: string
  readonly make: (signer: SiteSigner) => (provider: CryptoProvider) => void
}

const accountId = idFromBytes<AccountId>(new Uint8Array(16).fill(7))
const deviceId = 1 as DeviceId
const honest = { provider: sodium, random: seededRandom(70), now: NOW }
const account = generateAccountKeys(honest)
const deviceKeys = generateDeviceKeys(honest)

/** Signs in the place of the secret key, which stands for nothing. */
const signing = ({ sign }: SiteSigner): CryptoProvider => ({ ...sodium, ed25519Sign: (_, message) => sign(message) })
const pairOf = ({ publicKey }: SiteSigner): KeyPair => ({ publicKey, secretKey: new Secret(new Uint8Array(64)) })
const deviceOf = (signer: SiteSigner): DeviceKeys => ({ ...deviceKeys, signing: pairOf(signer) })

function manifestBytes({
  accountKey,
  device,
  provider,
  acceptedBy,
}: {
  accountKey: KeyPair
  device: DeviceKeys
  provider: CryptoProvider
  acceptedBy: CryptoProvider
}) {
  const accept = acceptDevice({ provider: acceptedBy }, { accountId, accountKey: accountKey.publicKey, deviceId, deviceKeys: device })
  const entry = { deviceId, signingKey: device.signing.publicKey, identityKey: device.identity.publicKey, addedVersion: 1, flags: 1, accept }
  return createManifest(
    { provider },
    { accountId, accountKey, version: 1, prevHash: new Uint8Array(0), notBefore: NOW, notAfter: NOW + 30 * DAY, devices: [entry] },
  ).bytes
}

const socket = { challenge: new Uint8Array(32).fill(3), accessToken: 'an-access-token-of-some-length' }
const request = {
  operation: 'prekeys.count',
  body: Uint8Array.of(0x80),
  accessToken: 'an-access-token-of-some-length',
  issuedAt: NOW,
  nonce: new Uint8Array(16),
}
const refresh = { refreshToken: 'a-refresh-token-of-some-length', issuedAt: NOW, nonce: new Uint8Array(16).fill(9) }

const groupActor = {
  accountId,
  deviceId,
  identityKey: deviceKeys.identity.publicKey,
  accountKey: account.publicKey,
  manifest: { version: 1, hash: new Uint8Array(64) },
}
const groupCreation = (provider: CryptoProvider): Uint8Array =>
  signGroupOperation(provider, {
    groupId: idFromBytes<ConversationId>(new Uint8Array(16).fill(8)),
    epoch: 0,
    parentHash: new Uint8Array(0),
    change: { type: 'create', title: new Uint8Array(0) },
    time: NOW,
    local: { ...groupActor, deviceKeys },
  })

/** Every place that checks a signature; a test compares the list with the source. */
export const SIGNATURE_SITES: readonly SignatureSite[] = [
  {
    name: 'manifest',
    label: LABELS.manifest,
    source: 'crypto/src/identity/manifest.ts',
    make(signer) {
      const bytes = manifestBytes({ accountKey: pairOf(signer), device: deviceKeys, provider: signing(signer), acceptedBy: sodium })
      return (provider) => void verifyManifest(provider, bytes)
    },
  },
  {
    name: 'device acceptance',
    label: LABELS.deviceAccept,
    source: 'crypto/src/identity/device-accept.ts',
    make(signer) {
      const bytes = manifestBytes({ accountKey: account, device: deviceOf(signer), provider: sodium, acceptedBy: signing(signer) })
      return (provider) => void verifyManifest(provider, bytes)
    },
  },
  {
    name: 'device acceptance alone',
    label: LABELS.deviceAccept,
    source: 'crypto/src/identity/device-accept.ts',
    make(signer) {
      const device = deviceOf(signer)
      const accept = acceptDevice({ provider: signing(signer) }, { accountId, accountKey: account.publicKey, deviceId, deviceKeys: device })
      const subject = { accountId, accountKey: account.publicKey, deviceId, signingKey: signer.publicKey, identityKey: device.identity.publicKey }
      return (provider) => verifyDeviceAccept(provider, subject, accept)
    },
  },
  ...(['signed', 'lastResort', 'oneTime'] as const).map(
    (kind): SignatureSite => ({
      name: `prekey (${kind})`,
      label: LABELS.prekey,
      source: 'crypto/src/identity/prekeys.ts',
      make(signer) {
        const batch = generatePreKeys({ ...honest, provider: signing(signer) }, { accountId, deviceId, deviceKeys: deviceOf(signer), firstKeyId: 1, count: 1 })
        const bytes = (kind === 'oneTime' ? batch.oneTime[0]! : batch[kind]).public
        return (provider) => void verifyPreKey(provider, bytes, { accountId, deviceId, signingKey: signer.publicKey })
      },
    }),
  ),
  {
    name: 'retry request',
    label: LABELS.retryRequest,
    source: 'crypto/src/session/retry-request.ts',
    make(signer) {
      const envelopes = [new Uint8Array(32).fill(4)]
      const peer = { accountId, deviceId }
      const deps = { ...honest, provider: signing(signer) }
      const envelope = createRetryRequest(deps, { local: { accountId, deviceId, deviceKeys: deviceOf(signer) }, peer, envelopes, time: NOW })
      return (provider) => void verifyRetryRequest(provider, { local: peer, remote: { accountId, deviceId, signingKey: signer.publicKey }, envelope })
    },
  },
  {
    name: 'succession',
    label: LABELS.succession,
    source: 'crypto/src/recovery/succession.ts',
    make(signer) {
      const keys = { oldAccountKey: account.publicKey, newAccountKey: deviceKeys.signing.publicKey }
      const bytes = createSuccession(signing(signer), { accountId, ...keys, lastVersion: 1, lastHash: new Uint8Array(64), recoveryKey: pairOf(signer) })
      return (provider) => void verifySuccession(provider, bytes, signer.publicKey)
    },
  },
  {
    name: 'promotion',
    label: LABELS.promotionAccept,
    source: 'crypto/src/linking/promotion.ts',
    make(signer) {
      const offer = createLinkOffer(honest, deviceOf(signer), 'promotion')
      const input = { accountId, accountKey: account.publicKey, deviceId, payload: new Uint8Array(0), purpose: 'promotion' } as const
      const { state, answer } = answerLink(honest, { ...offer, ...input })
      const { confirmation } = confirmPromotion({ ...honest, provider: signing(signer) }, openLinkAnswer(honest, offer, answer))
      return (provider) => void acceptPromotion({ ...honest, provider }, state, confirmation)
    },
  },
  {
    name: 'socket proof',
    label: LABELS.socketProof,
    source: 'crypto/src/signatures/proofs.ts',
    make(signer) {
      const proof = signSocketProof(signing(signer), { ...socket, signing: pairOf(signer) })
      return (provider) => verifySocketProof(provider, { ...socket, signingKey: signer.publicKey, proof })
    },
  },
  {
    name: 'request proof',
    label: LABELS.requestProof,
    source: 'crypto/src/signatures/proofs.ts',
    make(signer) {
      const proof = signRequestProof(signing(signer), { ...request, signing: pairOf(signer) })
      return (provider) => verifyRequestProof(provider, { ...request, signingKey: signer.publicKey, proof })
    },
  },
  {
    name: 'refresh proof',
    label: LABELS.refreshProof,
    source: 'crypto/src/signatures/proofs.ts',
    make(signer) {
      const proof = signRefreshProof(signing(signer), { ...refresh, signing: pairOf(signer) })
      return (provider) => verifyRefreshProof(provider, { ...refresh, signingKey: signer.publicKey, proof })
    },
  },
  {
    name: 'group operation',
    label: LABELS.groupOperation,
    source: 'crypto/src/group/operation.ts',
    make(signer) {
      const operation = groupCreation(signing(signer))
      return (provider) => void createGroup(provider, { operation, actor: { ...groupActor, signingKey: signer.publicKey } })
    },
  },
  {
    name: 'group invitation',
    label: LABELS.groupInvite,
    source: 'crypto/src/group/invitation.ts',
    make(signer) {
      const actor = { ...groupActor, signingKey: signer.publicKey }
      const record = createGroup(sodium, { operation: groupCreation(sodium), actor: { ...groupActor, signingKey: deviceKeys.signing.publicKey } })
      // For a further device of the same account, which needs no second person.
      const input = { record, local: { ...groupActor, deviceKeys }, invited: accountId, titleKey: null, time: NOW }
      const invitation = signInvitation(signing(signer), input)
      return (provider) => void openInvitation(provider, { sender: pairwiseSender(actor), inviter: actor, invitation, accountId })
    },
  },
  {
    name: 'group message',
    label: LABELS.senderKeySignature,
    source: 'crypto/src/group/decrypt.ts',
    make(signer) {
      const record = createGroup(sodium, { operation: groupCreation(sodium), actor: { ...groupActor, signingKey: deviceKeys.signing.publicKey } })
      const view = groupView(record)
      const provider = { ...signing(signer), ed25519KeyPair: () => ({ publicKey: signer.publicKey, secretKey: new Uint8Array(64) }) }
      const deps = { ...honest, provider }
      const own = startChain(deps, { view, sender: groupActor, replaces: null })
      const peer = acceptDistribution(honest, { sender: pairwiseSender(groupActor), distribution: encodeDistribution(own), view, known: null })
      const plaintext = { common: Uint8Array.of(1), manifest: { version: 1, hash: new Uint8Array(32) } }
      const { message } = encryptToGroup(deps, { own, view, plaintext, franking: null, devicesRevokedAt: 0 })
      return (provider) => void decryptFromGroup({ provider, now: NOW }, { peer, view, message })
    },
  },
]
