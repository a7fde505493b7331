import { describe, expect, test } from 'vitest'
import {
  decodeHandshakeHeader,
  ENVELOPE_KINDS,
  encodeEnvelopeHeader,
  encodeHandshakeHeader,
  type HandshakeHeader,
  isSecureChatError,
  joinEnvelope,
  KEM_KEY_TYPES,
  type KnownEnvelope,
  LIMITS,
  parseEnvelope,
  type RatchetHeader,
} from '../src/index.js'

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  return 'no error'
}

const ratchet: RatchetHeader = {
  sessionTag: filled(8, 1),
  ratchetKey: filled(32, 2),
  previousChainLength: 3,
  counter: 0xfffffffe,
  commitmentOrSalt: filled(16, 4),
}
const handshake: HandshakeHeader = {
  senderDeviceId: 1,
  recipientDeviceId: 0xffffffff,
  senderManifest: { version: 7, hash: filled(32, 5) },
  recipientManifest: { version: 2 ** 40, hash: filled(32, 6) },
  generation: 9,
  ephemeralKey: filled(32, 7),
  signedPreKeyId: 10,
  kemKeyType: KEM_KEY_TYPES.lastResort,
  kemKeyId: 11,
  kemCiphertext: filled(1088, 8),
}
const handshakeBytes = encodeHandshakeHeader(handshake)
const envelopeOf = (header: Uint8Array): Uint8Array => joinEnvelope(header, filled(32, 9), filled(48, 10))
const message = envelopeOf(encodeEnvelopeHeader(ratchet, null))
const first = envelopeOf(encodeEnvelopeHeader(ratchet, handshakeBytes))

test('without an epoch nothing that follows is taken for one', () => {
  const salted = { ...ratchet, commitmentOrSalt: filled(16, 0) }
  expect(parseEnvelope(envelopeOf(encodeEnvelopeHeader(salted, null)))).toMatchObject({ kind: 'message', ratchet: salted })
})

describe('layout', () => {
  test('a message has the documented bytes', () => {
    expect(Buffer.from(message.subarray(0, 68)).toString('hex')).toBe(`01010100${'01'.repeat(8)}${'02'.repeat(32)}00000003fffffffe${'04'.repeat(16)}`)
    expect(message).toHaveLength(68 + 32 + 48)
    expect(first).toHaveLength(message.length + 1221)
  })

  test.each<[string, RatchetHeader]>([
    ['plain', ratchet],
    ['with a franking commitment', { ...ratchet, commitmentOrSalt: filled(32, 4) }],
    ['with a post-quantum epoch', { ...ratchet, pqEpoch: 5 }],
    ['with a shared body', { ...ratchet, sharedBodyId: filled(16, 6) }],
    ['with everything', { ...ratchet, pqEpoch: 0xffffffff, sharedBodyId: filled(16, 6), commitmentOrSalt: filled(32, 4) }],
  ])('comes back: %s', (_, header) => {
    for (const part of [null, handshakeBytes]) {
      const encoded = encodeEnvelopeHeader(header, part)
      const parsed = parseEnvelope(envelopeOf(encoded)) as KnownEnvelope
      expect(parsed.kind).toBe(part ? 'preKeyMessage' : 'message')
      expect(parsed.ratchet).toEqual(header)
      expect(parsed.handshake).toEqual(part ? handshake : null)
      expect(parsed.header).toEqual(encoded)
      expect(parsed.keyCommitment).toEqual(filled(32, 9))
      expect(parsed.ciphertext).toEqual(filled(48, 10))
    }
  })
})

test('a handshake names either kind of KEM key, and nothing else', () => {
  for (const kemKeyType of [KEM_KEY_TYPES.oneTime, KEM_KEY_TYPES.lastResort]) {
    const made = { ...handshake, kemKeyType }
    expect(decodeHandshakeHeader(encodeHandshakeHeader(made))).toEqual(made)
  }
  for (const type of [0, 3]) expect(codeOf(() => decodeHandshakeHeader(handshakeBytes.map((byte, i) => (i === 128 ? type : byte))))).toBe('protocol/malformed')
})

describe('what is newer is kept, not refused', () => {
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = message.slice()
    bytes[at] = value
    return bytes
  }
  test.each([
    ['version', changed(0, 2)],
    ['suite', changed(1, 2)],
    ['kind', changed(2, ENVELOPE_KINDS.senderKeyMessage)],
    ['kind', changed(2, ENVELOPE_KINDS.retryRequest)],
    ['kind', changed(2, 200)],
    ['flags', changed(3, 8)],
    ['version', Uint8Array.of(9, 0, 0, 0)],
  ] as const)('unknown %s', (reason, bytes) => {
    expect(parseEnvelope(bytes)).toMatchObject({ kind: 'unknown', reason, bytes, version: bytes[0], suite: bytes[1], kindCode: bytes[2] })
  })
})

describe('bad input', () => {
  test('every truncation is malformed, down to where no tag is left', () => {
    for (const whole of [message, first]) {
      const minimum = whole.length - 48 + 16
      for (let length = 0; length < minimum; length++) expect(codeOf(() => parseEnvelope(whole.subarray(0, length)))).toBe('protocol/malformed')
      expect(parseEnvelope(whole.subarray(0, minimum)).kind).not.toBe('unknown')
    }
  })

  test('version 0, device 0, another KEM key type and manifest versions above 2^53 are malformed', () => {
    const withByte = (at: number, value: number): Uint8Array => {
      const bytes = first.slice()
      bytes[at] = value
      return bytes
    }
    expect(codeOf(() => parseEnvelope(withByte(0, 0)))).toBe('protocol/malformed')
    expect(codeOf(() => parseEnvelope(withByte(4 + 3, 0)))).toBe('protocol/malformed')
    const toDeviceZero = first.slice()
    toDeviceZero.fill(0, 4 + 4, 4 + 8)
    expect(codeOf(() => parseEnvelope(toDeviceZero))).toBe('protocol/malformed')
    expect(codeOf(() => parseEnvelope(withByte(4 + 128, 3)))).toBe('protocol/malformed')
    expect(codeOf(() => parseEnvelope(withByte(4 + 8, 1)))).toBe('protocol/malformed')
    expect(codeOf(() => decodeHandshakeHeader(handshakeBytes.subarray(1)))).toBe('protocol/malformed')
  })

  test('the flag of a post-quantum epoch with epoch 0 is malformed', () => {
    const header = encodeEnvelopeHeader({ ...ratchet, pqEpoch: 0 }, null)
    expect(codeOf(() => parseEnvelope(joinEnvelope(header, filled(32, 1), new Uint8Array(16))))).toBe('protocol/malformed')
  })

  test('larger than the limit is refused, in both directions', () => {
    const header = encodeEnvelopeHeader(ratchet, null)
    const largest = joinEnvelope(header, filled(32, 1), new Uint8Array(LIMITS.envelopeBytes - header.length - 32))
    expect(largest).toHaveLength(LIMITS.envelopeBytes)
    expect(parseEnvelope(largest).kind).toBe('message')
    expect(codeOf(() => parseEnvelope(new Uint8Array(LIMITS.envelopeBytes + 1)))).toBe('protocol/too-large')
    expect(codeOf(() => joinEnvelope(header, filled(32, 1), new Uint8Array(LIMITS.envelopeBytes - header.length - 31)))).toBe('protocol/too-large')
  })

  test('fields of a wrong length are not encoded', () => {
    expect(codeOf(() => encodeEnvelopeHeader({ ...ratchet, ratchetKey: filled(31, 1) }, null))).toBe('client/invalid-argument')
    expect(codeOf(() => encodeEnvelopeHeader({ ...ratchet, commitmentOrSalt: filled(17, 1) }, null))).toBe('client/invalid-argument')
    expect(codeOf(() => encodeHandshakeHeader({ ...handshake, kemCiphertext: filled(1, 1) }))).toBe('client/invalid-argument')
  })
})
