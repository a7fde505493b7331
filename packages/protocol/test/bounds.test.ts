import { describe, expect, test } from 'vitest'
import {
  type AccountId,
  asSecureChatError,
  beginsWithPublicBytes,
  type ConversationId,
  challengeSchema,
  checkAs,
  comparePublicBytes,
  concatBytes,
  type DeviceId,
  decodeAs,
  decodeDeliver,
  decodeFrame,
  decodeSend,
  deliverLength,
  ERRORS,
  encodeDeliver,
  encodeFrame,
  encodeSend,
  encodeSenderKeyHeader,
  encodeSharedBodyHeader,
  encodeValue,
  equalPublicBytes,
  equalSecretBytes,
  FRAME_KINDS,
  fromBase64Url,
  helloSchema,
  idFromBytes,
  idToBytes,
  isDeviceId,
  isErrorCode,
  isIdText,
  isOperationName,
  isPhoneNumber,
  isSecureChatError,
  LABELS,
  LIMITS,
  type MailboxRow,
  type MessageId,
  maxInputBytes,
  OPERATIONS,
  type Operation,
  type OperationName,
  parseSenderKeyMessage,
  parseSharedBody,
  readU16,
  readU32,
  readU64,
  SecureChatError,
  type SenderKeyHeader,
  sizeOfT,
  T,
  transientT,
  u16,
  u32,
  u64,
  writeDeliver,
  writeT,
} from '../src/index.js'

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const with_ = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))
const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
  return 'accepted'
}
const account = idFromBytes<AccountId>(filled(16, 1))
const one = 1 as DeviceId

describe('values', () => {
  test('device ids are the u32 from 1, phone numbers E.164', () => {
    for (const id of [1, 2, 0xffff_ffff]) expect(isDeviceId(id)).toBe(true)
    for (const id of [0, -1, 1.5, 0x1_0000_0000, Number.NaN, '1', null, undefined, 1n]) expect(isDeviceId(id)).toBe(false)
    for (const phone of ['+1234567', '+123456789012345', '+9123456']) expect(isPhoneNumber(phone)).toBe(true)
    for (const phone of ['+123456', '+1234567890123456', '+0123456', '1234567', ' +1234567', '+1234567 ', '+12345a7', '', 12345678, null, ['+1234567']])
      expect(isPhoneNumber(phone)).toBe(false)
    const id = 'A'.repeat(22)
    expect([id, [id], `${id}\n`, null].map(isIdText)).toEqual([true, false, false, false])
    for (const text of ['\u0080AAA', '\u00e9AAA', '\uffffAAA', 'AAA\u007f', 'AAA=', 'AA=='])
      expect(codeOf(() => fromBase64Url(text))).toBe('protocol/malformed')
    for (const id of [null, 5, 'A'.repeat(21), 'A'.repeat(23)]) expect(codeOf(() => idToBytes(id as string))).toBe('protocol/malformed')
    expect(codeOf(() => idFromBytes(filled(17, 0)))).toBe('protocol/malformed')
  })

  test('comparisons: equal, another byte anywhere, another length', () => {
    const a = Uint8Array.of(5, 6, 7)
    for (const equal of [equalPublicBytes, equalSecretBytes]) {
      expect(equal(a, a)).toBe(true)
      expect(equal(a, a.slice())).toBe(true)
      expect(equal(filled(0, 0), filled(0, 0))).toBe(true)
      for (let at = 0; at < 3; at++) expect(equal(a, with_(a, at, 9))).toBe(false)
      expect(equal(a, a.subarray(0, 2))).toBe(false)
      expect(equal(a.subarray(0, 2), a)).toBe(false)
      // Two differences that would cancel one another out.
      expect(equal(a, Uint8Array.of(4, 7, 7))).toBe(false)
    }
    expect(comparePublicBytes(a, a.slice())).toBe(0)
    expect(comparePublicBytes(a, Uint8Array.of(5, 6, 9))).toBe(-2)
    expect(comparePublicBytes(Uint8Array.of(6, 0, 0), a)).toBe(1)
    expect(beginsWithPublicBytes(a, a)).toBe(true)
    expect(beginsWithPublicBytes(a, a.subarray(0, 2))).toBe(true)
    expect(beginsWithPublicBytes(a, filled(0, 0))).toBe(true)
    expect(beginsWithPublicBytes(a.subarray(0, 2), a)).toBe(false)
    for (let at = 0; at < 2; at++) expect(beginsWithPublicBytes(a, with_(a, at, 1).subarray(0, 2))).toBe(false)
    expect(concatBytes(a, filled(0, 0), Uint8Array.of(1))).toEqual(Uint8Array.of(5, 6, 7, 1))
  })

  test('numbers are big-endian, and what is written is read', () => {
    expect(u16(0x1234)).toEqual(Uint8Array.of(0x12, 0x34))
    expect(u32(0x89abcdef)).toEqual(Uint8Array.of(0x89, 0xab, 0xcd, 0xef))
    expect(u64(0x1_2345_6789_abcd)).toEqual(Uint8Array.of(0, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd))
    const bytes = Uint8Array.of(9, 0x00, 0x1f, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef)
    expect(readU16(bytes, 5)).toBe(0x89ab)
    expect(readU32(bytes, 5)).toBe(0x89abcdef)
    expect(readU64(bytes, 1)).toBe(0x1f_4567_89ab_cdef)
    expect(codeOf(() => readU64(with_(bytes, 2, 0x20), 1))).toBe('protocol/malformed')
    expect(u64(0)).toEqual(filled(8, 0))
  })

  test('T in each of its forms has the same bytes', () => {
    for (const fields of [[], [filled(3, 1)], [filled(300, 2), filled(0, 0), filled(70_000, 3)], Array.from({ length: 300 }, () => filled(1, 4))]) {
      const expected = T(LABELS.manifest, ...fields)
      expect(sizeOfT(LABELS.manifest, ...fields)).toBe(expected.length)
      expect(Uint8Array.from(transientT(LABELS.manifest, ...fields))).toEqual(expected)
      const out = filled(expected.length + 2, 0xee)
      writeT(out, LABELS.manifest, ...fields)
      expect(out).toEqual(concatBytes(expected, filled(2, 0xee)))
    }
    // No byte is handed out twice: also when a block is full.
    const views = Array.from({ length: 400 }, (_, i) => transientT(LABELS.manifest, filled(100, i & 0xff)))
    views.forEach((view, i) => {
      expect(Uint8Array.from(view)).toEqual(T(LABELS.manifest, filled(100, i & 0xff)))
    })
  })
})

describe('errors', () => {
  test('carry code, retry hint, status and fixed texts', () => {
    const cause = new Error('inner')
    const error = new SecureChatError('request/rate-limited', { detail: 'budget', retryAfterSeconds: 7, triesLeft: 2, cause })
    expect(error).toMatchObject({ name: 'SecureChatError', code: 'request/rate-limited', retry: 'later', status: 429, detail: 'budget' })
    expect(error).toMatchObject({ retryAfterSeconds: 7, triesLeft: 2, cause, message: `${ERRORS['request/rate-limited'].text} (budget)` })
    const plain = new SecureChatError('auth/required')
    expect(plain.message).toBe(ERRORS['auth/required'].text)
    expect('cause' in plain).toBe(false)
  })

  test('are known by name and code, not by class', () => {
    const foreign = Object.assign(new Error('x'), { name: 'SecureChatError', code: 'auth/required' })
    expect(isSecureChatError(foreign)).toBe(true)
    expect(isSecureChatError(foreign, 'auth/required')).toBe(true)
    expect(isSecureChatError(foreign, 'auth/revoked')).toBe(false)
    const others = [
      { name: 'SecureChatError', code: 'auth/required' },
      Object.assign(new Error('x'), { code: 'auth/required' }),
      Object.assign(new Error('x'), { name: 'SecureChatError', code: 'no/code' }),
      Object.assign(new Error('x'), { name: 'SecureChatError', code: 'toString' }),
      null,
      'auth/required',
    ]
    for (const other of others) expect(isSecureChatError(other)).toBe(false)
    expect([isErrorCode('auth/required'), isErrorCode('toString'), isErrorCode(5), isErrorCode(['auth/required'])]).toEqual([true, false, false, false])
    expect(asSecureChatError(foreign, 'client/closed')).toBe(foreign)
    expect(asSecureChatError('text', 'client/closed')).toMatchObject({ code: 'client/closed', cause: 'text' })
  })

  test('of a schema name the place and never the value', () => {
    const value = { versions: [1, 'secret'], cursor: 0 }
    expect(() => checkAs(helloSchema, value)).toThrowError(expect.objectContaining({ code: 'request/invalid', detail: 'versions.#' }))
    expect(() => decodeAs(helloSchema, encodeValue(value))).toThrowError(expect.objectContaining({ code: 'protocol/malformed', detail: 'versions.#' }))
    expect(() => checkAs(helloSchema, 'secret')).toThrowError(expect.objectContaining({ detail: 'value' }))
    expect(() => decodeAs(helloSchema, encodeValue({ versions: [1] }), 3)).toThrowError(expect.objectContaining({ code: 'protocol/too-large' }))
  })
})

describe('operations', () => {
  test('are known by their own names, and what strangers may call has an input limit of its own', () => {
    for (const name of Object.keys(OPERATIONS) as OperationName[]) {
      const { auth, maxBytes }: Operation = OPERATIONS[name]
      expect(isOperationName(name)).toBe(true)
      expect(maxInputBytes(name)).toBe(maxBytes ?? LIMITS.frameBytes)
      if (auth !== 'device') expect(maxInputBytes(name)).toBeLessThan(LIMITS.frameBytes)
    }
    for (const name of ['toString', 'constructor', '', 'auth', 5, null, ['account.lookup']]) expect(isOperationName(name)).toBe(false)
  })
})

describe('times and lengths in schemas', () => {
  const time = (time: unknown, challenge: unknown = filled(32, 1)) => codeOf(() => checkAs(challengeSchema, { challenge, time }))
  test('a time is an integer from 0 to the latest that a Date has', () => {
    for (const accepted of [0, 1, LIMITS.latestTime]) expect(time(accepted)).toBe('accepted')
    for (const refused of [-1, 0.5, LIMITS.latestTime + 1, Number.NaN, '5', null, 5n, [5]]) expect(time(refused)).toBe('request/invalid')
  })
  test('bytes are bytes, of the length asked for', () => {
    for (const refused of [filled(31, 1), filled(33, 1), Array(32).fill(1), 'x'.repeat(32), { length: 32 }]) expect(time(0, refused)).toBe('request/invalid')
  })
})

describe('hello', () => {
  const login = { accessToken: 'header.payload.signature', proof: filled(64, 1) }
  const hello = (changes: object) => codeOf(() => checkAs(helloSchema, { versions: [1], ...changes }))
  test.each<[string, readonly object[], readonly object[]]>([
    ['versions', [{ versions: [1] }, { versions: Array(16).fill(1) }], [{ versions: [] }, { versions: Array(17).fill(1) }, { versions: [1.5] }]],
    ['client', [{ client: '' }, { client: 'x'.repeat(LIMITS.labelCharacters) }], [{ client: 'x'.repeat(LIMITS.labelCharacters + 1) }, { client: 5 }]],
    [
      'token',
      [{ login }, { login: { ...login, accessToken: '!'.repeat(16) } }, { login: { ...login, accessToken: '~'.repeat(2048) } }],
      [...['x'.repeat(15), 'x'.repeat(2049), ' '.repeat(16), 'é'.repeat(16)].map((accessToken) => ({ login: { ...login, accessToken } })), { login: null }],
    ],
    [
      'proof',
      [{ login }],
      [63, 65, 0].map((length) => ({ login: { ...login, proof: filled(length, 1) } })).concat({ login: { ...login, proof: [] as never } }),
    ],
    ['cursor', [{ cursor: 0 }, { cursor: Number.MAX_SAFE_INTEGER }], [{ cursor: -1 }, { cursor: 1.5 }, { cursor: 2 ** 53 }, { cursor: '1' }]],
  ])('%s within bounds', (_, accepted, refused) => {
    for (const changes of accepted) expect(hello(changes)).toBe('accepted')
    for (const changes of refused) expect(hello(changes)).toBe('request/invalid')
  })
})

describe('frames', () => {
  test('from six bytes to the limit', () => {
    expect(decodeFrame(Uint8Array.of(1, FRAME_KINDS.ping, 0, 0, 0, 0)).body).toHaveLength(0)
    expect(encodeFrame('pong', 5)).toEqual(Uint8Array.of(1, 0x41, 0, 0, 0, 5))
    const largest = encodeFrame('deliver', 1, filled(LIMITS.frameBytes - 6, 1))
    expect(decodeFrame(largest).body).toHaveLength(LIMITS.frameBytes - 6)
    expect(codeOf(() => decodeFrame(concatBytes(largest, filled(1, 0))))).toBe('protocol/too-large')
    expect(codeOf(() => decodeFrame(Uint8Array.of(9, 1, 0, 0, 0)))).toBe('protocol/malformed')
  })
})

describe('mailbox', () => {
  const recipient = { accountId: account, deviceId: one, manifestVersion: 3, envelope: filled(2, 7) }
  const send = { sendId: idFromBytes<MessageId>(filled(16, 2)), recipients: [recipient] }
  const many = (count: number) => ({ ...send, recipients: Array.from({ length: count }, () => ({ ...recipient, envelope: filled(0, 0) })) })

  test('recipients and sizes up to their limits, in both directions', () => {
    expect(decodeSend(encodeSend(many(LIMITS.recipientsPerSend))).recipients).toHaveLength(LIMITS.recipientsPerSend)
    expect(codeOf(() => encodeSend(many(LIMITS.recipientsPerSend + 1)))).toBe('protocol/too-large')
    const written = encodeSend(many(LIMITS.recipientsPerSend))
    const more = concatBytes(written.subarray(0, 21), u16(LIMITS.recipientsPerSend + 1), written.subarray(23), written.subarray(23, 51))
    expect(codeOf(() => decodeSend(more))).toBe('protocol/malformed')
    const largest = filled(LIMITS.envelopeBytes, 1)
    for (const sent of [
      { ...send, body: largest },
      { ...send, recipients: [{ ...recipient, envelope: largest }] },
    ])
      expect(decodeSend(encodeSend(sent))).toEqual(sent)
    expect(codeOf(() => decodeSend(encodeSend({ ...send, body: filled(LIMITS.envelopeBytes + 1, 1) })))).toBe('protocol/too-large')
    expect(codeOf(() => decodeSend(concatBytes(encodeSend(send), filled(1, 0))))).toBe('protocol/malformed')
  })

  test('a row: flags, device, sequence and layout', () => {
    const row: MailboxRow = { sequence: 0, time: 0, sender: { accountId: account, deviceId: one }, envelope: filled(3, 1), body: filled(2, 2) }
    const bytes = encodeDeliver([row])
    expect(decodeDeliver(bytes)).toEqual([row])
    expect(deliverLength([row])).toBe(bytes.length)
    expect(encodeDeliver([])).toEqual(Uint8Array.of(1, 0, 0))
    expect(codeOf(() => decodeDeliver(with_(bytes, 0, 2)))).toBe('protocol/unsupported-version')
    expect(codeOf(() => decodeDeliver(with_(bytes, 3 + 16, 2)))).toBe('protocol/malformed')
    expect(codeOf(() => decodeDeliver(with_(bytes, 3 + 17 + 19, 0)))).toBe('protocol/malformed')
    expect(codeOf(() => decodeDeliver(concatBytes(bytes, filled(1, 0))))).toBe('protocol/malformed')
    const out = filled(bytes.length + 9, 0xee)
    writeDeliver(out, 6, [row])
    expect(out).toEqual(concatBytes(filled(6, 0xee), bytes, filled(3, 0xee)))
    expect(decodeDeliver(encodeDeliver([row, { ...row, sequence: 1 }, { sequence: 2, time: 0, envelope: filled(1, 3) }]))).toHaveLength(3)
    const rows = Array.from({ length: 300 }, (_, sequence) => ({ sequence, time: 5, envelope: filled(1, 1) }))
    expect(decodeDeliver(encodeDeliver(rows))).toEqual(rows)
  })
})

describe('sender key messages', () => {
  const header: SenderKeyHeader = {
    groupId: idFromBytes<ConversationId>(filled(16, 3)),
    epoch: 2 ** 33,
    stateHash: filled(32, 4),
    chainId: filled(32, 5),
    counter: 0xffff_fffe,
    commitmentOrSalt: filled(16, 6),
  }
  const rest = [filled(64, 7), filled(32, 8), filled(16, 9)] as const
  const message = concatBytes(encodeSenderKeyHeader(header), ...rest)

  test.each([16, 32])('comes back, with %i bytes of salt or commitment', (length) => {
    const made = { ...header, commitmentOrSalt: filled(length, 6) }
    const bytes = concatBytes(encodeSenderKeyHeader(made), ...rest)
    expect(bytes).toHaveLength(96 + length + 64 + 32 + 16)
    expect(bytes.subarray(0, 4)).toEqual(Uint8Array.of(1, 1, 3, length === 32 ? 1 : 0))
    const [signature, keyCommitment, ciphertext] = rest
    expect(parseSenderKeyMessage(bytes)).toEqual({
      kind: 'senderKeyMessage',
      ...made,
      header: bytes.subarray(0, 96 + length),
      signature,
      sealed: concatBytes(keyCommitment, ciphertext),
      keyCommitment,
      ciphertext,
    })
    for (let cut = 4; cut < bytes.length; cut += 7)
      expect(
        codeOf(() => parseSenderKeyMessage(bytes.subarray(0, cut))),
        `${cut}`,
      ).toBe('protocol/malformed')
    expect(codeOf(() => parseSenderKeyMessage(bytes.subarray(0, -1)))).toBe('protocol/malformed')
  })

  test('what is newer is kept, what is broken refused', () => {
    const reasons = [
      [0, 2, 'version'],
      [1, 2, 'suite'],
      [3, 2, 'flags'],
      [3, 128, 'flags'],
    ] as const
    for (const [at, value, reason] of reasons) {
      const bytes = with_(message, at, value)
      expect(parseSenderKeyMessage(bytes)).toEqual({ kind: 'unknown', reason, version: bytes[0], suite: bytes[1], kindCode: 3, bytes })
    }
    expect(parseSenderKeyMessage(Uint8Array.of(9, 0, 0, 0)).kind).toBe('unknown')
    const wrong = [with_(message, 0, 0), with_(message, 2, 1), with_(message, 20, 1), Uint8Array.of(9, 0, 0), filled(0, 0)]
    for (const bytes of wrong) expect(codeOf(() => parseSenderKeyMessage(bytes))).toBe('protocol/malformed')
    const largest = concatBytes(message, filled(LIMITS.envelopeBytes - message.length, 1))
    expect(parseSenderKeyMessage(largest).kind).toBe('senderKeyMessage')
    expect(codeOf(() => parseSenderKeyMessage(concatBytes(largest, filled(1, 0))))).toBe('protocol/too-large')
  })

  test('fields of another length are not written', () => {
    for (const field of ['stateHash', 'chainId', 'commitmentOrSalt'] as const)
      for (const length of [0, 15, 17, 31, 33])
        expect(
          codeOf(() => encodeSenderKeyHeader({ ...header, [field]: filled(length, 1) })),
          `${field} ${length}`,
        ).toBe('client/invalid-argument')
  })
})

describe('shared bodies', () => {
  const id = filled(16, 5)
  const body = concatBytes(encodeSharedBodyHeader(id), filled(32, 6), filled(16, 7))

  test('20 bytes of header, a commitment and at least a tag', () => {
    expect(body.subarray(0, 4)).toEqual(Uint8Array.of(1, 1, 5, 0))
    expect(parseSharedBody(body)).toEqual({ id, header: body.subarray(0, 20), keyCommitment: filled(32, 6), ciphertext: filled(16, 7) })
    for (const length of [0, 15, 17]) expect(codeOf(() => encodeSharedBodyHeader(filled(length, 1)))).toBe('client/invalid-argument')
    const largest = concatBytes(body, filled(LIMITS.sharedBodyBytes - body.length, 1))
    expect(parseSharedBody(largest).ciphertext).toHaveLength(LIMITS.sharedBodyBytes - 52)
    expect(codeOf(() => parseSharedBody(concatBytes(largest, filled(1, 0))))).toBe('protocol/too-large')
  })

  test('newer or broken', () => {
    for (const [at, value] of [
      [0, 2],
      [1, 2],
      [3, 1],
      [3, 128],
    ] as const)
      expect(codeOf(() => parseSharedBody(with_(body, at, value)))).toBe('protocol/unsupported-version')
    // Four bytes say that it is newer, whatever follows.
    expect(codeOf(() => parseSharedBody(Uint8Array.of(2, 1, 5, 0)))).toBe('protocol/unsupported-version')
    for (const bytes of [with_(body, 0, 0), with_(body, 2, 1), body.subarray(0, -1), body.subarray(0, 4), filled(0, 0), Uint8Array.of(2, 1, 5)])
      expect(codeOf(() => parseSharedBody(bytes))).toBe('protocol/malformed')
  })
})
