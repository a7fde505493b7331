import { type AccountId, type ConversationId, type DeviceId, idFromBytes, type MessageId } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { frankingCommitment, signRefreshProof, signRequestProof, signSocketProof, verifyFrankingCommitment } from '../../src/index.js'
import { signatureProvider, verifyRefreshProof, verifyRequestProof, verifySocketProof } from '../../src/signatures/index.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, createWorld, Person } from '../support/people.js'
import { sodium } from '../support/providers.js'

const verifier = await signatureProvider()
const world = createWorld(sodium)
const alice = new Person(world)
const bob = new Person(world)
const { signing } = alice.keys
const signingKey = signing.publicKey
const nonce = new Uint8Array(16).fill(1)

test('the server gets hashing and signatures, and nothing that could decrypt', () => {
  expect(Object.keys(verifier).sort()).toEqual(['blake2b', 'ed25519Sign', 'ed25519Verify'])
})

describe('proofs of possession', () => {
  test('socket: bound to challenge, token and key', () => {
    const input = { challenge: new Uint8Array(32).fill(2), accessToken: 'token-of-alice-0001' }
    const proof = signSocketProof(sodium, { ...input, signing })
    expect(() => verifySocketProof(verifier, { ...input, signingKey, proof })).not.toThrow()
    for (const changed of [
      { ...input, challenge: new Uint8Array(32) },
      { ...input, accessToken: 'token-of-alice-0002' },
      { ...input, signingKey: bob.keys.signing.publicKey },
      { ...input, proof: proof.slice(1) },
      { ...input, challenge: new Uint8Array(31) },
    ]) {
      expect(codeOf(() => verifySocketProof(verifier, { signingKey, proof, ...changed }))).toBe('auth/invalid-proof')
    }
  })

  test('request: bound to operation, body, token, time and nonce', () => {
    const input = { operation: 'mailbox.send', body: bytesOf('body'), accessToken: 'token-of-alice-0001', issuedAt: 1_800_000_000_000, nonce }
    const proof = signRequestProof(sodium, { ...input, signing })
    expect(() => verifyRequestProof(verifier, { ...input, signingKey, proof })).not.toThrow()
    for (const changed of [
      { operation: 'mailbox.fetch' },
      { body: bytesOf('bodY') },
      { accessToken: 'token-of-alice-0002' },
      { issuedAt: input.issuedAt + 1 },
      { issuedAt: -1 },
      { issuedAt: Number.NaN },
      { nonce: new Uint8Array(16) },
      { nonce: new Uint8Array(15) },
    ]) {
      expect(codeOf(() => verifyRequestProof(verifier, { ...input, signingKey, proof, ...changed }))).toBe('auth/invalid-proof')
    }
  })

  test('refresh: bound to token, time and nonce; one kind of proof is not another', () => {
    const input = { refreshToken: 'refresh-of-alice-0001', issuedAt: 1_800_000_000_000, nonce }
    const proof = signRefreshProof(sodium, { ...input, signing })
    expect(() => verifyRefreshProof(verifier, { ...input, signingKey, proof })).not.toThrow()
    for (const changed of [{ refreshToken: 'refresh-of-alice-0002' }, { issuedAt: 1 }, { nonce: new Uint8Array(16) }]) {
      expect(codeOf(() => verifyRefreshProof(verifier, { ...input, signingKey, proof, ...changed }))).toBe('auth/invalid-proof')
    }
    expect(
      codeOf(() => verifyRequestProof(verifier, { ...input, operation: 'x', body: bytesOf(''), accessToken: input.refreshToken, signingKey, proof })),
    ).toBe('auth/invalid-proof')
  })
})

test('inputs of a wrong length are neither signed nor believed, and the error says which it was', () => {
  const challenge = new Uint8Array(31)
  const short = nonce.subarray(1)
  const call = { operation: 'x', body: bytesOf(''), accessToken: 'token-of-alice-0001', issuedAt: 1, nonce: short }
  const refresh = { refreshToken: 'refresh-of-alice-0001', issuedAt: 1, nonce: short }
  const proof = new Uint8Array(64)
  expect(codeOf(() => signSocketProof(sodium, { challenge, accessToken: 'token-of-alice-0001', signing }))).toBe('client/invalid-argument')
  expect(codeOf(() => signRequestProof(sodium, { ...call, signing }))).toBe('client/invalid-argument')
  expect(codeOf(() => signRefreshProof(sodium, { ...refresh, signing }))).toBe('client/invalid-argument')
  const refusals = [
    () => verifySocketProof(verifier, { challenge, accessToken: 'token-of-alice-0001', signingKey, proof }),
    () => verifyRequestProof(verifier, { ...call, signingKey, proof }),
    () => verifyRefreshProof(verifier, { ...refresh, signingKey, proof }),
  ]
  for (const refusal of refusals)
    expect(refusal).toThrow(expect.objectContaining({ code: 'auth/invalid-proof', cause: expect.objectContaining({ code: 'client/invalid-argument' }) }))
})

describe('franking', () => {
  const message = {
    frankingKey: new Uint8Array(32).fill(6),
    common: bytesOf('common bytes with fk inside'),
    conversationId: idFromBytes<ConversationId>(new Uint8Array(16).fill(1)),
    accountId: alice.accountId as AccountId,
    deviceId: 1 as DeviceId,
    messageId: idFromBytes<MessageId>(new Uint8Array(16).fill(2)),
  }
  const commitment = frankingCommitment(sodium, message)

  test('opens to exactly one message', () => {
    expect(() => verifyFrankingCommitment(sodium, { ...message, commitment })).not.toThrow()
    for (const changed of [
      { common: bytesOf('common bytes with fk insidE') },
      { frankingKey: new Uint8Array(32) },
      { conversationId: idFromBytes<ConversationId>(new Uint8Array(16)) },
      { accountId: bob.accountId },
      { deviceId: 2 as DeviceId },
      { messageId: idFromBytes<MessageId>(new Uint8Array(16)) },
    ]) {
      expect(codeOf(() => verifyFrankingCommitment(sodium, { ...message, commitment, ...changed }))).toBe('crypto/authentication-failed')
    }
    expect(codeOf(() => frankingCommitment(sodium, { ...message, frankingKey: new Uint8Array(31) }))).toBe('crypto/invalid-key')
  })

  test('travels in the authenticated header and comes back from decryption', () => {
    const { franking } = bob.decrypt(alice, alice.write(bob, 'reportable', { bundle: bob.bundle(), franking: commitment }))
    expect(franking).toEqual(commitment)
    expect(codeOf(() => alice.write(bob, 'x', { franking: new Uint8Array(16) }))).toBe('client/invalid-argument')
  })
})
