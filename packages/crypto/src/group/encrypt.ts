import { encodeSenderKeyHeader, HEADER_SALT_BYTES, LIMITS, SecureChatError } from '@securechat/protocol/core'
import { sealCommitting } from '../aead/committing.js'
import type { CryptoDeps } from '../deps.js'
import { SIZES } from '../primitives/provider.js'
import { senderKeyAd, senderKeyStep, signedBytes } from './chain.js'
import { type OwnChain, type RenewalInput, renewalDue, requireSpeaker } from './own-chain.js'
import { encodeGroupPlaintext, type GroupPlaintext } from './plaintext.js'
import type { GroupView } from './view.js'

export interface GroupEncryptInput {
  readonly own: OwnChain
  /** The newest applied state. */
  readonly view: GroupView
  readonly plaintext: GroupPlaintext
  /** 32 bytes; absent or null: not franked. */
  readonly franking?: Uint8Array | null
  readonly devicesRevokedAt: RenewalInput['devicesRevokedAt']
}
export interface GroupEncryptResult {
  /** Commit it together with the message, THEN send. */
  readonly own: OwnChain
  readonly message: Uint8Array
}

/**
 * One message for the whole group. Pure. Throws `groups/renewal-due` (start a chain, give it to everybody, then again), `groups/stale-state` (the view is
 * older than one that this chain has sent under), `groups/frozen`, `groups/not-a-member`, `client/invalid-argument`, `protocol/too-large`.
 */
export function encryptToGroup(deps: CryptoDeps, { own, view, plaintext, franking, devicesRevokedAt }: GroupEncryptInput): GroupEncryptResult {
  const { provider } = deps
  if (own.groupId !== view.groupId || (franking && franking.length !== 32)) throw new SecureChatError('client/invalid-argument', { detail: 'group message' })
  requireSpeaker(view, own)
  if (view.epoch < own.sentEpoch) throw new SecureChatError('groups/stale-state', { detail: 'sending' })
  if (renewalDue(own, { view, now: deps.now, devicesRevokedAt })) throw new SecureChatError('groups/renewal-due')
  const header = encodeSenderKeyHeader({
    groupId: own.groupId,
    epoch: view.epoch,
    stateHash: view.stateHash,
    chainId: own.chainId,
    counter: own.next,
    commitmentOrSalt: franking ?? deps.random(HEADER_SALT_BYTES),
  })
  const ad = senderKeyAd(own, header)
  const { messageKey, chainKey } = senderKeyStep(provider, own.chainKey)
  const { keyCommitment, ciphertext } = sealCommitting(provider, messageKey, { ad, plaintext: encodeGroupPlaintext(plaintext) })
  const sealedAt = header.length + SIZES.ed25519Signature
  const size = sealedAt + keyCommitment.length + ciphertext.length
  if (size > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'sender key message' })
  const message = new Uint8Array(size)
  message.set(header)
  message.set(keyCommitment, sealedAt)
  message.set(ciphertext, sealedAt + keyCommitment.length)
  message.set(provider.ed25519Sign(own.signing.secretKey.expose(), signedBytes(provider, ad, message.subarray(sealedAt))), header.length)
  return { own: { ...own, chainKey, next: own.next + 1, sentEpoch: view.epoch }, message }
}
