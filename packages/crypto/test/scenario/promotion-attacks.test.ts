import { type DeviceId, LABELS, T, u8 } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { type DeviceKeys, generateDeviceKeys } from '../../src/index.js'
import { expand } from '../../src/kdf/kdf.js'
import {
  acceptPromotion,
  answerLink,
  confirmPromotion,
  createLinkOffer,
  type LinkOffer,
  openHandover,
  openLinkAnswer,
  type PromotionAgreed,
  sealHandover,
} from '../../src/linking/index.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, Person, type World } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { twoKeyCiphertext } from '../support/two-keys.js'

let world: World
let alice: Person
let tablet: DeviceKeys
let offer: LinkOffer
const two = 2 as DeviceId

const answerOf = (shown: LinkOffer = offer) =>
  answerLink(world.deps(), {
    ...shown,
    accountId: alice.accountId,
    accountKey: alice.account.publicKey,
    deviceId: two,
    payload: new Uint8Array(0),
    purpose: 'promotion',
  })

/** Both sides after the digits were compared. */
function agreement(): { readonly old: PromotionAgreed; readonly next: PromotionAgreed } {
  const { state, answer } = answerOf()
  const { confirmation, agreed } = confirmPromotion(world.deps(), openLinkAnswer(world.deps(), offer, answer))
  return { old: acceptPromotion(world.deps(), state, confirmation), next: agreed }
}

beforeEach(() => {
  world = createWorld(sodium, 41)
  alice = new Person(world)
  tablet = generateDeviceKeys(world.deps())
  offer = createLinkOffer(world.deps(), tablet, 'promotion')
})

describe('promotion, attacked', () => {
  test('attack 40: who knows the device’s public keys and not its signing key gets no agreement, and no handover opens for him', () => {
    // His own ephemeral keys and secret under the tablet’s names.
    const thief = { ...tablet, signing: { ...tablet.signing, secretKey: generateDeviceKeys(world.deps()).signing.secretKey } }
    const shown = createLinkOffer(world.deps(), thief, 'promotion')
    const { state, answer } = answerOf(shown)
    const { confirmation } = confirmPromotion(world.deps(), openLinkAnswer(world.deps(), shown, answer))
    expect(codeOf(() => acceptPromotion(world.deps(), state, confirmation))).toBe('crypto/authentication-failed')
    const { old } = agreement()
    const other = agreement()
    const sealed = sealHandover({ provider: sodium }, old, { accountKeys: alice.account, manifest: alice.manifest.bytes })
    expect(codeOf(() => openHandover({ provider: sodium }, other.next, sealed))).toBe('crypto/authentication-failed')
  })

  test('attack 29: a handover that the cipher opens under two keys is opened under the committed one only', () => {
    const [one, other] = [agreement().next, agreement().next]
    // The associated data is the transcript, so of two agreements only the keys may differ.
    const twin = { ...other, transcript: one.transcript }
    const keysOf = ({ confirmKey, transcript, signature }: PromotionAgreed) => {
      const out = expand(sodium, confirmKey.expose(), T(LABELS.promotionKeys, u8(1), transcript, signature), 88)
      return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
    }
    const [a, b] = [keysOf(one), keysOf(twin)]
    const ciphertext = twoKeyCiphertext([a, b], one.transcript, bytesOf('0123456789abcdef'))
    for (const { key, nonce } of [a, b]) expect(sodium.aeadOpen(key, nonce, { data: ciphertext, associatedData: one.transcript })).toHaveLength(48)
    const sealed = Uint8Array.from([1, 1, ...a.commitment, ...ciphertext])
    expect(codeOf(() => openHandover({ provider: sodium }, twin, sealed))).toBe('crypto/authentication-failed')
    // Under its own commitment it is decrypted, and is no handover.
    expect(codeOf(() => openHandover({ provider: sodium }, one, sealed))).toBe('protocol/malformed')
  })
})
