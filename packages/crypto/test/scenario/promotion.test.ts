import { type AccountId, type DeviceId, idFromBytes, idToBytes, LABELS, LIMITS, SUITE, T, u8, u32 } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { type DeviceKeys, expand, generateAccountKeys, generateDeviceKeys, pad } from '../../src/index.js'
import {
  acceptPromotion,
  answerLink,
  confirmLink,
  confirmPromotion,
  createLinkOffer,
  finishLink,
  type Handover,
  type LinkAnswered,
  type LinkJoined,
  type LinkOffer,
  openHandover,
  openLinkAnswer,
  type PromotionAgreed,
  parseLinkCode,
  sealHandover,
} from '../../src/linking/index.js'
import { codeOf } from '../support/codes.js'
import { misshapen } from '../support/fields.js'
import { bytesOf, createWorld, NOTHING, Person, type World } from '../support/people.js'
import { noble, sodium } from '../support/providers.js'
import { shown } from '../support/shown.js'

let world: World
let alice: Person
let tablet: DeviceKeys
let offer: LinkOffer
let answered: LinkAnswered
let joined: LinkJoined
let handover: Handover

const two = 2 as DeviceId
const answer = (shown: LinkOffer, purpose: 'link' | 'promotion' = 'promotion') => {
  const { accountId, account } = alice
  return answerLink(world.deps(), { ...shown, accountId, accountKey: account.publicKey, deviceId: two, payload: NOTHING, purpose })
}
const confirmed = () => confirmPromotion(world.deps(), joined)

beforeEach(() => {
  world = createWorld(sodium, 41)
  alice = new Person(world)
  tablet = generateDeviceKeys(world.deps())
  offer = createLinkOffer(world.deps(), tablet, 'promotion')
  const exchange = answer(offer)
  answered = exchange.state
  joined = openLinkAnswer(world.deps(), offer, exchange.answer)
  handover = { accountKeys: alice.account, manifest: alice.manifest.bytes }
})

describe('promotion', () => {
  test('code, answer, confirmation, and the account key on the other device, with the manifest; with either provider', () => {
    expect(parseLinkCode(offer.code).purpose).toBe('promotion')
    expect(joined.comparison).toBe(answered.comparison)
    const { confirmation, agreed } = confirmed()
    for (const provider of [sodium, noble]) {
      const accepted = acceptPromotion({ ...world.deps(), provider }, answered, confirmation)
      expect(shown(accepted)).toBe(shown(agreed))
      const opened = openHandover({ provider: sodium }, agreed, sealHandover({ provider }, accepted, handover))
      expect(opened.accountKeys.publicKey).toEqual(alice.account.publicKey)
      expect(opened.accountKeys.secretKey.expose()).toEqual(alice.account.secretKey.expose())
      expect(opened.manifest).toEqual(alice.manifest.bytes)
      // Not a view of memory in which the seed of the account key is too.
      expect(opened.manifest.buffer.byteLength).toBe(alice.manifest.bytes.length)
    }
    const [account, device] = [Uint8Array.of(1, ...alice.account.publicKey), u32(2)]
    const signed = T(LABELS.promotionAccept, u8(SUITE), idToBytes(alice.accountId), account, device, answered.transcript)
    expect(sodium.ed25519Verify(agreed.signature, signed, tablet.signing.publicKey)).toBe(true)
  })

  test('a code for linking promotes nobody, and one for promotion lists nobody', () => {
    expect(codeOf(() => answer(offer, 'link'))).toBe('protocol/malformed')
    const linking = createLinkOffer(world.deps(), tablet)
    expect(parseLinkCode(linking.code).purpose).toBe('link')
    expect(codeOf(() => answer(linking))).toBe('protocol/malformed')
    expect(codeOf(() => finishLink(world.deps(), answered, confirmed().confirmation))).toBe('devices/invalid-manifest')
    expect(codeOf(() => acceptPromotion(world.deps(), answered, confirmLink(world.deps(), joined).confirmation))).toBe('crypto/authentication-failed')
  })

  test('each step has its 120 seconds', () => {
    const { confirmation } = confirmed()
    world.now += LIMITS.linkSeconds * 1000
    expect(confirmed().confirmation).toEqual(confirmation)
    expect(acceptPromotion(world.deps(), answered, confirmation).deviceId).toBe(2)
    world.now += 1
    expect(codeOf(confirmed)).toBe('devices/link-expired')
    expect(codeOf(() => acceptPromotion(world.deps(), answered, confirmation))).toBe('devices/link-expired')
  })

  test('only the listed key confirms, for this account, account key, device and exchange', () => {
    const stranger = generateDeviceKeys(world.deps())
    const changes: Partial<LinkJoined>[] = [
      { deviceKeys: stranger },
      { accountId: idFromBytes<AccountId>(world.random(16)) },
      { accountKey: stranger.signing.publicKey },
      { deviceId: 3 as DeviceId },
      { transcript: world.random(32) },
      { confirmKey: offer.secret },
    ]
    for (const change of changes) {
      const { confirmation } = confirmPromotion(world.deps(), { ...joined, ...change })
      expect(
        codeOf(() => acceptPromotion(world.deps(), answered, confirmation)),
        Object.keys(change)[0],
      ).toBe('crypto/authentication-failed')
    }
    const { confirmation } = confirmed()
    const other = answer(createLinkOffer(world.deps(), tablet, 'promotion')).state
    expect(codeOf(() => acceptPromotion(world.deps(), other, confirmation))).toBe('crypto/authentication-failed')
    for (let i = 0; i < confirmation.length; i++) {
      const changed = confirmation.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(
        codeOf(() => acceptPromotion(world.deps(), answered, changed)),
        `byte ${i}`,
      ).toBe(i < 2 ? 'protocol/unsupported-version' : 'crypto/authentication-failed')
    }
    for (const wrong of [confirmation.subarray(0, -1), Uint8Array.from([...confirmation, 0])])
      expect(codeOf(() => acceptPromotion(world.deps(), answered, wrong))).toBe('protocol/malformed')
  })
})

describe('handover', () => {
  let agreed: PromotionAgreed
  let sealed: Uint8Array
  const COMMITMENT = 32
  const TAG = 16

  /** What a primary device could seal that follows no rule. */
  function sealedContent(content: Uint8Array): Uint8Array {
    const out = expand(sodium, agreed.confirmKey.expose(), T(LABELS.promotionKeys, u8(SUITE), agreed.transcript, agreed.signature), 88)
    const message = { data: pad(content), associatedData: agreed.transcript }
    return Uint8Array.from([1, SUITE, ...out.subarray(56), ...sodium.aeadSeal(out.subarray(0, 32), out.subarray(32, 56), message)])
  }
  const refused = (bytes: Uint8Array, by: Partial<PromotionAgreed> = {}) => {
    const before = shown(agreed)
    const code = codeOf(() => openHandover({ provider: sodium }, { ...agreed, ...by }, bytes))
    expect(shown(agreed)).toBe(before)
    return code
  }
  const fields = () => [idToBytes(alice.accountId), alice.account.secretKey.expose().slice(0, 32), alice.manifest.bytes]

  beforeEach(() => {
    agreed = confirmed().agreed
    sealed = sealHandover({ provider: sodium }, agreed, handover)
  })

  test('opens for nothing but this agreement', () => {
    const { signature, transcript } = agreed
    for (const by of [{ signature: signature.slice(1) }, { transcript: transcript.slice(1) }])
      expect(refused(sealed, by), Object.keys(by)[0]).toBe('crypto/authentication-failed')
    const again = answer(createLinkOffer(world.deps(), tablet, 'promotion')).state
    expect(refused(sealed, { confirmKey: again.confirmKey })).toBe('crypto/authentication-failed')
    expect(refused(sealed, { accountId: idFromBytes<AccountId>(world.random(16)) })).toBe('protocol/malformed')
    expect(refused(sealed, { accountKey: tablet.signing.publicKey })).toBe('crypto/invalid-key')
  })

  test('any changed byte is refused, by version, commitment or tag; another length too', () => {
    for (let i = 0; i < sealed.length; i += i < 60 ? 1 : 13) {
      const changed = sealed.map((byte, at) => (at === i ? byte ^ 1 : byte))
      expect(refused(changed), `byte ${i}`).toBe(i < 2 ? 'protocol/unsupported-version' : 'crypto/authentication-failed')
    }
    for (const length of [0, 1, 2, 2 + COMMITMENT, 2 + COMMITMENT + TAG - 1])
      expect(refused(sealed.subarray(0, length)), `${length}`).toBe('protocol/malformed')
    for (const length of [2 + COMMITMENT + TAG, sealed.length - 1]) expect(refused(sealed.subarray(0, length))).toBe('crypto/authentication-failed')
    expect(refused(Uint8Array.from([...sealed, 0]))).toBe('crypto/authentication-failed')
    const largest = new Uint8Array(LIMITS.linkHandoverBytes)
    largest.set(sealed)
    expect(refused(largest)).toBe('crypto/authentication-failed')
    expect(refused(Uint8Array.from([...largest, 0]))).toBe('protocol/too-large')
  })

  test('is exactly an account, its key’s seed and a manifest', () => {
    expect(sealedContent(T(LABELS.promotionContent, ...fields()))).toEqual(sealed)
    for (const { what, fields: wrong } of misshapen(fields(), [2]))
      expect(refused(sealedContent(T(LABELS.promotionContent, ...wrong))), what).toBe('protocol/malformed')
    expect(refused(sealedContent(T(LABELS.linkAnswer, ...fields())))).toBe('protocol/malformed')
    const [account, , manifest] = fields() as [Uint8Array, Uint8Array, Uint8Array]
    const stranger = generateAccountKeys(world.deps()).secretKey.expose().subarray(0, 32)
    expect(refused(sealedContent(T(LABELS.promotionContent, account, stranger, manifest)))).toBe('crypto/invalid-key')
    expect(refused(sealedContent(T(LABELS.promotionContent, bytesOf('another account!'), ...fields().slice(1))))).toBe('protocol/malformed')
  })
})
