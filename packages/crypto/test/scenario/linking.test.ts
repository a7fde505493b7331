import { type DeviceId, idFromBytes, LABELS, LIMITS, T, u32 } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { createManifest, type DeviceKeys, generateDeviceKeys, type Manifest, Secret, verifyManifest, verifyManifestChain } from '../../src/index.js'
import { answerLink, confirmLink, createLinkOffer, finishLink, type LinkOffer, linkMeeting, openLinkAnswer, parseLinkCode } from '../../src/linking/index.js'
import { comparisonCode } from '../../src/linking/schedule.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, DAY, Person, textOf, type World } from '../support/people.js'
import { noble, sodium } from '../support/providers.js'

let world: World
let alice: Person
let tablet: DeviceKeys
let offer: LinkOffer

const SECOND = 1000
const two = 2 as DeviceId
const answerOf = (person: Person, shown: { code: Uint8Array; kemKey: Uint8Array } = offer, payload = person.manifest.bytes) =>
  answerLink(world.deps(), { ...shown, accountId: person.accountId, accountKey: person.account.publicKey, deviceId: two, payload })

function listing(device: ReturnType<typeof finishLink>): Manifest {
  const { accountId, account, manifest } = alice
  const { bytes } = createManifest(world.deps(), {
    accountId,
    accountKey: account,
    version: 2,
    prevHash: manifest.hash,
    notBefore: world.now,
    notAfter: world.now + 30 * DAY,
    devices: [...manifest.devices, { ...device, addedVersion: 2, flags: 0 }],
  })
  return verifyManifest(sodium, bytes)
}

/** Everything secret and public that an offer holds, to see that a refusal leaves it as it was. */
const contents = ({ code, kemKey, kemSeed, ephemeral, deviceKeys, secret, expiresAt }: LinkOffer): string =>
  [code, kemKey, kemSeed.expose(), ephemeral.secretKey.expose(), deviceKeys.signing.secretKey.expose(), deviceKeys.identity.secretKey.expose(), secret.expose()]
    .map((bytes) => Buffer.from(bytes).toString('hex'))
    .join() + expiresAt

function refusedByNew(answer: Uint8Array, which = offer): string {
  const before = contents(which)
  const code = codeOf(() => openLinkAnswer(world.deps(), which, answer))
  expect(contents(which)).toBe(before)
  return code
}

beforeEach(() => {
  world = createWorld(sodium, 40)
  alice = new Person(world)
  tablet = generateDeviceKeys(world.deps())
  offer = createLinkOffer(world.deps(), tablet)
})

describe('linking', () => {
  test('code, answer, the same digits on both screens, acceptance, manifest', () => {
    const { state, answer } = answerOf(alice)
    const joined = openLinkAnswer(world.deps(), offer, answer)
    expect(joined).toMatchObject({ accountId: alice.accountId, accountKey: alice.account.publicKey, deviceId: 2 })
    expect(joined.payload).toEqual(alice.manifest.bytes)
    expect(joined.comparison).toMatch(/^\d{6}$/)
    expect(state.comparison).toBe(joined.comparison)
    expect(state.transcript).toEqual(joined.transcript)
    const { confirmation, accept } = confirmLink(world.deps(), joined)
    const device = finishLink(world.deps(), state, confirmation)
    expect(device).toEqual({ deviceId: 2, signingKey: tablet.signing.publicKey, identityKey: tablet.identity.publicKey, accept })
    const pinned = verifyManifestChain(sodium, { pinned: null, chain: [alice.manifest.bytes], now: world.now }).pin
    expect(verifyManifestChain(sodium, { pinned, chain: [listing(device).bytes], now: world.now }).newDeviceIds).toEqual([2])
  })

  test('with another provider on the other side', () => {
    const { state, answer } = answerOf(alice)
    const deps = { ...world.deps(), provider: noble }
    const joined = openLinkAnswer(deps, offer, answer)
    expect(finishLink(deps, state, confirmLink(deps, joined).confirmation).deviceId).toBe(2)
    expect(joined.comparison).toBe(state.comparison)
  })

  test('every exchange has other digits, keys and transcript', () => {
    const states = Array.from({ length: 5 }, () => answerOf(alice).state)
    expect(new Set(states.map(({ comparison }) => comparison)).size).toBe(5)
    expect(new Set(states.map(({ transcript }) => Buffer.from(transcript).toString('hex'))).size).toBe(5)
    expect(String(parseLinkCode(offer.code).secret)).toBe('[secret]')
    expect(offer.code.length).toBeLessThan(256)
  })

  test('each step has its 120 seconds', () => {
    const { state, answer } = answerOf(alice)
    const joined = openLinkAnswer(world.deps(), offer, answer)
    const { confirmation } = confirmLink(world.deps(), joined)
    world.now += LIMITS.linkSeconds * SECOND
    expect(answerOf(alice).answer).toHaveLength(answer.length)
    expect(openLinkAnswer(world.deps(), offer, answer).comparison).toBe(joined.comparison)
    expect(confirmLink(world.deps(), joined).confirmation).toEqual(confirmation)
    expect(finishLink(world.deps(), state, confirmation).deviceId).toBe(2)
    world.now += 1
    expect(codeOf(() => answerOf(alice))).toBe('devices/link-expired')
    expect(refusedByNew(answer)).toBe('devices/link-expired')
    expect(codeOf(() => confirmLink(world.deps(), joined))).toBe('devices/link-expired')
    expect(codeOf(() => finishLink(world.deps(), state, confirmation))).toBe('devices/link-expired')
  })

  test('the digits are six, with zeros in front where the number is short', () => {
    const key = new Secret(world.random(32))
    const codes = Array.from({ length: 300 }, (_, i) => comparisonCode(sodium, key, u32(i)))
    for (const code of codes) expect(code).toMatch(/^\d{6}$/)
    expect(codes.some((code) => code.startsWith('0'))).toBe(true)
    expect(comparisonCode(sodium, key, u32(0))).toBe(comparisonCode(noble, key, u32(0)))
    // The number is that of 48 bits: as often above half as below.
    expect(codes.filter((code) => code >= '500000').length).toBeGreaterThan(100)
  })

  test('where the two meet says nothing of the code, and is another place for every code', () => {
    const other = createLinkOffer(world.deps(), tablet)
    expect(linkMeeting(sodium, offer.code)).toHaveLength(16)
    expect(linkMeeting(noble, offer.code)).toEqual(linkMeeting(sodium, offer.code))
    expect(linkMeeting(sodium, other.code)).not.toEqual(linkMeeting(sodium, offer.code))
    expect(linkMeeting(sodium, offer.code)).toEqual(sodium.blake2b(16, T(LABELS.linkMeeting, offer.code)))
  })

  test('the largest payload goes through', () => {
    const payload = new Uint8Array(LIMITS.linkPayloadBytes).fill(3)
    const opened = openLinkAnswer(world.deps(), offer, answerOf(alice, offer, payload).answer)
    expect(opened.payload).toEqual(payload)
    expect(opened.payload.buffer.byteLength).toBe(payload.length)
  })

  test('damaged codes and oversized payloads', () => {
    const codes = ['protocol/malformed', 'protocol/unsupported-version']
    for (let length = 0; length < offer.code.length; length++) expect(codes).toContain(codeOf(() => parseLinkCode(offer.code.subarray(0, length))))
    expect(codeOf(() => parseLinkCode(Uint8Array.from([...offer.code, 0])))).toBe('protocol/malformed')
    expect(codeOf(() => answerOf(alice, offer, new Uint8Array(LIMITS.linkPayloadBytes + 1)))).toBe('protocol/too-large')
    // A changed code that still reads is another exchange: its answer does not open on the device.
    for (let i = 0; i < offer.code.length; i++) {
      const code = offer.code.slice()
      code[i] = (code[i] as number) ^ 0x01
      try {
        parseLinkCode(code)
      } catch {
        continue // Not a code any more; the loop above has the error's type.
      }
      let answer: Uint8Array
      try {
        answer = answerOf(alice, { code, kemKey: offer.kemKey }).answer
      } catch {
        continue // The hash of the KEM key, a point that is none, or the time.
      }
      expect(refusedByNew(answer), `byte ${i}`).toBe('crypto/authentication-failed')
    }
  })
})

describe('a server between', () => {
  test('attack 40: another ML-KEM key than the one of the code: the primary device aborts', () => {
    const other = createLinkOffer(world.deps(), tablet)
    expect(codeOf(() => answerOf(alice, { code: offer.code, kemKey: other.kemKey }))).toBe('crypto/authentication-failed')
    const changed = offer.kemKey.slice()
    changed[1100] = (changed[1100] as number) ^ 1
    expect(codeOf(() => answerOf(alice, { code: offer.code, kemKey: changed }))).toBe('crypto/authentication-failed')
    expect(codeOf(() => answerOf(alice, { code: offer.code, kemKey: offer.kemKey.subarray(1) }))).toBe('crypto/authentication-failed')
  })

  test('attack 40: an answer by who knows every key but not the secret of the screen: the new device aborts', () => {
    const mallory = new Person(world)
    const guess = offer.code.slice()
    // The 16-byte secret stands before its successor, u32 length ‖ u64 expiry.
    guess.set(world.random(16), guess.length - 12 - 16)
    expect(parseLinkCode(guess).signingKey).toEqual(tablet.signing.publicKey)
    for (const person of [mallory, alice]) {
      const { answer } = answerOf(person, { code: guess, kemKey: offer.kemKey })
      expect(refusedByNew(answer)).toBe('crypto/authentication-failed')
      // Not even where the genuine exchange is claimed around it.
      const genuine = answerOf(alice).answer
      expect(refusedByNew(Uint8Array.from([...genuine.subarray(0, 1122), ...answer.subarray(1122)]))).toBe('crypto/authentication-failed')
    }
  })

  test('attack 40: a provisioning message replaced by that of another exchange, or changed anywhere: the new device aborts', () => {
    const { answer } = answerOf(alice)
    const again = createLinkOffer(world.deps(), tablet)
    expect(refusedByNew(answerOf(alice, again).answer)).toBe('crypto/authentication-failed')
    const codes = ['crypto/authentication-failed', 'crypto/invalid-key', 'protocol/malformed', 'protocol/unsupported-version']
    for (let i = 0; i < answer.length; i += i < 40 || i > 1_100 ? 7 : 97) {
      const changed = answer.slice()
      changed[i] = (changed[i] as number) ^ 0x20
      expect(codes, `byte ${i}`).toContain(refusedByNew(changed))
    }
    for (const length of [0, 1, 2, 33, 1_121, 1_154, 1_160, answer.length - 1]) expect(codes).toContain(refusedByNew(answer.subarray(0, length)))
    // 1,154 bytes come before the ciphertext, which has at least a tag.
    expect(refusedByNew(answer.subarray(0, 1_154 + 15))).toBe('protocol/malformed')
    expect(refusedByNew(answer.subarray(0, 1_154 + 16))).toBe('crypto/authentication-failed')
    expect(codes).toContain(refusedByNew(Uint8Array.from([...answer, 0])))
    expect(openLinkAnswer(world.deps(), offer, answer).deviceId).toBe(2)
  })

  test('attack 40: a confirmation replaced or changed: the primary device lists nothing', () => {
    const { state, answer } = answerOf(alice)
    const { confirmation } = confirmLink(world.deps(), openLinkAnswer(world.deps(), offer, answer))
    const other = answerOf(alice)
    const foreign = confirmLink(world.deps(), openLinkAnswer(world.deps(), offer, other.answer)).confirmation
    expect(codeOf(() => finishLink(world.deps(), state, foreign))).toBe('crypto/authentication-failed')
    for (let i = 0; i < confirmation.length; i++) {
      const changed = confirmation.slice()
      changed[i] = (changed[i] as number) ^ 1
      expect(['crypto/authentication-failed', 'protocol/unsupported-version']).toContain(codeOf(() => finishLink(world.deps(), state, changed)))
      expect(['protocol/malformed', 'protocol/unsupported-version']).toContain(codeOf(() => finishLink(world.deps(), state, confirmation.subarray(0, i))))
    }
    expect(codeOf(() => finishLink(world.deps(), state, Uint8Array.from([...confirmation, 0])))).toBe('protocol/malformed')
    expect(finishLink(world.deps(), state, confirmation).deviceId).toBe(2)
  })

  test('a photographed code shows another account and other digits, and its acceptance is worth nothing elsewhere', () => {
    const mallory = new Person(world)
    const genuine = answerOf(alice)
    const stolen = answerOf(mallory)
    const joined = openLinkAnswer(world.deps(), offer, stolen.answer)
    expect(joined.accountId).toBe(mallory.accountId)
    expect(joined.comparison).not.toBe(genuine.state.comparison)
    const { confirmation, accept } = confirmLink(world.deps(), joined)
    expect(codeOf(() => finishLink(world.deps(), genuine.state, confirmation))).toBe('crypto/authentication-failed')
    const device = { deviceId: two, signingKey: tablet.signing.publicKey, identityKey: tablet.identity.publicKey }
    expect(codeOf(() => listing({ ...device, accept }))).toBe('devices/invalid-manifest')
    expect(codeOf(() => listing({ ...device, accept: { ...accept, transcript: genuine.state.transcript } }))).toBe('devices/invalid-manifest')
  })

  test('an answer that names no device or account is malformed, even from who saw the code', () => {
    const payload = bytesOf('x')
    const { answer } = answerLink(world.deps(), { ...offer, accountId: alice.accountId, accountKey: alice.account.publicKey, deviceId: 0 as DeviceId, payload })
    expect(refusedByNew(answer)).toBe('protocol/malformed')
    expect(textOf(payload)).toBe('x')
    expect(codeOf(() => answerOf({ ...alice, accountId: idFromBytes(new Uint8Array(16)) } as Person, { code: offer.code, kemKey: new Uint8Array(0) }))).toBe(
      'crypto/authentication-failed',
    )
  })
})
