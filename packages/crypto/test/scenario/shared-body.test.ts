import { ENVELOPE_FLAGS, ENVELOPE_KINDS, LIMITS, parseEnvelope, parseSharedBody } from '@securechat/protocol'
import { expect, test } from 'vitest'
import {
  decodeSharedBodyReference,
  encodeSharedBodyReference,
  encryptMessage,
  frankingCommitment,
  openSharedBody,
  Secret,
  type SharedBodyReference,
  sealSharedBody,
  verifyFrankingCommitment,
} from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { CONVERSATION, sampleReport } from '../support/franking.js'
import { bytesOf, createWorld, NOTHING, Person, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const sealed = (text = 'for all', seed = 1) => sealSharedBody({ provider: sodium, random: seededRandom(seed) }, bytesOf(text))
const open = (reference: SharedBodyReference, body: Uint8Array, headerId = reference.id): Uint8Array =>
  openSharedBody({ provider: sodium }, { reference, headerId, body })
const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test.each(providers)('$name: one body, opened by whoever has the reference', (provider) => {
  const { body, reference } = sealSharedBody({ provider, random: seededRandom(1) }, bytesOf('for all'))
  expect(textOf(openSharedBody({ provider }, { reference, headerId: reference.id, body }))).toBe('for all')
  expect(textOf(open(reference, body))).toBe('for all')
})

test('two recipients: one body, one commitment; the pairwise messages carry the reference, the header its id', () => {
  const world = createWorld(sodium)
  const [alice, bob, carol] = [new Person(world), new Person(world), new Person(world)]
  const { frankingKey, messageId } = sampleReport(sodium)
  const common = bytesOf('a word to many')
  const { body, reference } = sealSharedBody({ provider: sodium, random: world.random }, common)
  const message = { frankingKey, common, conversationId: CONVERSATION, accountId: alice.accountId, deviceId: alice.deviceId, messageId }
  const franking = frankingCommitment(sodium, message)
  for (const to of [bob, carol]) {
    const plaintext = { common: encodeSharedBodyReference(reference), perSession: NOTHING }
    const input = { record: null, local: alice.local(), remote: to.remote(), bundle: to.bundle(), plaintext, franking, sharedBodyId: reference.id }
    const { envelope } = encryptMessage(world.deps(), input)
    const parsed = parseEnvelope(envelope)
    expect(envelope[3]).toBe(ENVELOPE_FLAGS.franking | ENVELOPE_FLAGS.sharedBody)
    expect(parsed.kind === 'preKeyMessage' && parsed.ratchet.sharedBodyId).toEqual(reference.id)
    // The id in the header is authenticated like the rest of it.
    const at = parsed.kind === 'preKeyMessage' ? parsed.header.length - 32 - 16 : 0
    expect(codeOf(() => to.decrypt(alice, flipped(envelope, at)))).toBe('crypto/authentication-failed')
    const received = to.decrypt(alice, envelope)
    expect(received.sharedBodyId).toEqual(reference.id)
    const read = decodeSharedBodyReference(received.plaintext.common)
    const found = openSharedBody({ provider: sodium }, { reference: read, headerId: received.sharedBodyId as Uint8Array, body })
    verifyFrankingCommitment(sodium, { ...message, common: found, commitment: received.franking as Uint8Array })
    expect(found).toEqual(common)
  }
})

test('a message without a body says so', () => {
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  expect(bob.decrypt(alice, alice.write(bob, 'hello', { bundle: bob.bundle() })).sharedBodyId).toBeNull()
})

test('any changed byte, another id, another body or another key: refused', () => {
  const { body, reference } = sealed()
  const other = sealed('for all', 2)
  for (let at = 0; at < body.length; at += 5) expect(codeOf(() => open(reference, flipped(body, at)))).toMatch(/^(crypto\/authentication-failed|protocol\/.*)$/)
  expect(codeOf(() => open(reference, body.subarray(0, -1)))).toBe('crypto/authentication-failed')
  expect(codeOf(() => open(reference, Uint8Array.from([...body, 0])))).toBe('crypto/authentication-failed')
  expect(codeOf(() => open(reference, body, other.reference.id))).toBe('crypto/authentication-failed')
  expect(codeOf(() => open(reference, other.body))).toBe('crypto/authentication-failed')
  expect(codeOf(() => open({ ...reference, key: other.reference.key }, body))).toBe('crypto/authentication-failed')
  expect(codeOf(() => open({ ...reference, hash: other.reference.hash }, body))).toBe('crypto/authentication-failed')
})

test('a body is no envelope and an envelope is no body', () => {
  const { body } = sealed()
  expect(body[2]).toBe(ENVELOPE_KINDS.sharedBody)
  expect(parseEnvelope(body)).toMatchObject({ kind: 'unknown', reason: 'kind' })
  const world = createWorld(sodium)
  const [alice, bob] = [new Person(world), new Person(world)]
  expect(codeOf(() => parseSharedBody(alice.write(bob, 'hello', { bundle: bob.bundle() })))).toBe('protocol/malformed')
})

test('newer bodies and references are kept apart from broken ones; limits hold on both sides', () => {
  const { body, reference } = sealed()
  for (const at of [0, 1, 3])
    expect(
      codeOf(() =>
        open(
          reference,
          body.map((byte, i) => (i === at ? byte + 2 : byte)),
        ),
      ),
    ).toBe('protocol/unsupported-version')
  expect(
    codeOf(() =>
      open(
        reference,
        body.map((byte, i) => (i === 0 ? 0 : byte)),
      ),
    ),
  ).toBe('protocol/malformed')
  expect(codeOf(() => parseSharedBody(new Uint8Array(LIMITS.sharedBodyBytes + 1)))).toBe('protocol/too-large')
  expect(codeOf(() => sealSharedBody({ provider: sodium, random: seededRandom(1) }, new Uint8Array(LIMITS.sharedBodyBytes - 68)))).toBe('protocol/too-large')
  const bytes = encodeSharedBodyReference(reference)
  const versionAt = 1 + 'SC1/body/ref'.length + 2 + 4
  expect(codeOf(() => decodeSharedBodyReference(flipped(bytes, versionAt)))).toBe('protocol/unsupported-version')
  expect(codeOf(() => encodeSharedBodyReference({ ...reference, key: new Secret(new Uint8Array(31)) }))).toBe('client/invalid-argument')
  for (const size of [0, 68, LIMITS.sharedBodyBytes + 1])
    expect(codeOf(() => encodeSharedBodyReference({ ...reference, size }))).toBe('client/invalid-argument')
})
