import { concatBytes, ENVELOPE_FLAGS, ENVELOPE_KINDS, LABELS, LIMITS, parseEnvelope, parseSharedBody, parseT, T, u8, u32 } from '@securechat/protocol'
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
import { misshapen } from '../support/fields.js'
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

/** The reference of somebody who makes up a body of their own: the hash is right whatever the body says. */
const hashOf = (body: Uint8Array): Uint8Array => sodium.blake2b(32, T(LABELS.sharedBodyHash, body))

test('a reference that fits the hash still has to name the id, the size and the key of this very body', () => {
  const { body, reference } = sealed()
  expect(hashOf(body)).toEqual(reference.hash)
  const id = flipped(reference.id, 0)
  expect(codeOf(() => open({ ...reference, id }, body))).toBe('crypto/authentication-failed')
  for (const size of [reference.size - 1, reference.size + 1]) expect(codeOf(() => open({ ...reference, size }, body))).toBe('crypto/authentication-failed')
  // A second key cannot be committed to: the bytes of the commitment are the key's, also for who chooses them.
  const changed = flipped(body, 20 + 31)
  expect(codeOf(() => open({ ...reference, hash: hashOf(changed) }, changed))).toBe('crypto/authentication-failed')
})

test('nothing is decrypted before hash and commitment are right', () => {
  const { body, reference } = sealed()
  let opened = 0
  const provider = {
    ...sodium,
    aeadOpen(...args: Parameters<typeof sodium.aeadOpen>) {
      opened++
      return sodium.aeadOpen(...args)
    },
  }
  const attempt = (input: SharedBodyReference, bytes: Uint8Array) =>
    codeOf(() => openSharedBody({ provider }, { reference: input, headerId: reference.id, body: bytes }))
  const changed = flipped(body, body.length - 1)
  const wrong = flipped(body, 20)
  expect(attempt(reference, changed)).toBe('crypto/authentication-failed')
  expect(attempt({ ...reference, hash: hashOf(wrong) }, wrong)).toBe('crypto/authentication-failed')
  expect(opened).toBe(0)
})

test('a body is made of all that fits with its padding into 512 KiB, and of no byte more', () => {
  const seal = (size: number) => sealSharedBody({ provider: sodium, random: seededRandom(1) }, new Uint8Array(size))
  const { body, reference } = seal(516_092)
  expect(body).toHaveLength(20 + 32 + 516_096 + 16)
  expect(open(reference, body)).toHaveLength(516_092)
  expect(codeOf(() => seal(516_093))).toBe('protocol/too-large')
})

test('references: every field of its length, none missing and none more, and independent of their bytes once read', () => {
  const { reference } = sealed()
  const bytes = encodeSharedBodyReference(reference)
  const fields = parseT(bytes, LABELS.sharedBodyReference)
  const read = (changed: readonly Uint8Array[]) => codeOf(() => decodeSharedBodyReference(T(LABELS.sharedBodyReference, ...changed)))
  for (const { what, fields: changed } of misshapen(fields)) expect([what, read(changed)]).toEqual([what, 'protocol/malformed'])
  const withSize = (size: number) => [...fields.slice(0, 4), u32(size)]
  for (const size of [0, 68, LIMITS.sharedBodyBytes + 1]) expect(read(withSize(size))).toBe('protocol/malformed')
  for (const size of [69, LIMITS.sharedBodyBytes]) {
    const decoded = decodeSharedBodyReference(T(LABELS.sharedBodyReference, ...withSize(size)))
    expect(decoded.size).toBe(size)
    expect(encodeSharedBodyReference(decoded)).toEqual(T(LABELS.sharedBodyReference, ...withSize(size)))
  }
  expect(read([u8(2), ...fields.slice(1)])).toBe('protocol/unsupported-version')
  const input = concatBytes(bytes)
  const decoded = decodeSharedBodyReference(input)
  input.fill(0)
  expect({ ...decoded, key: decoded.key.expose() }).toEqual({ ...reference, key: reference.key.expose() })
  for (const length of [0, 15, 17])
    expect(codeOf(() => encodeSharedBodyReference({ ...reference, id: new Uint8Array(length) }))).toBe('client/invalid-argument')
  for (const length of [0, 31, 33]) {
    expect(codeOf(() => encodeSharedBodyReference({ ...reference, hash: new Uint8Array(length) }))).toBe('client/invalid-argument')
    expect(codeOf(() => encodeSharedBodyReference({ ...reference, key: new Secret(new Uint8Array(length)) }))).toBe('client/invalid-argument')
  }
  expect(codeOf(() => encodeSharedBodyReference({ ...reference, size: reference.size + 0.5 }))).toBe('client/invalid-argument')
})
