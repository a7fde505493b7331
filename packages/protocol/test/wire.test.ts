import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Content, decodeMessageBody, encodeMessageBody, isKnownContent, type MessageBody } from '../src/content/index.js'
import {
  type AccountId,
  type ConversationId,
  checkAs,
  type DeviceId,
  decodeCounter,
  decodeDeliver,
  decodeFrame,
  decodeSend,
  decodeValue,
  encodeCounter,
  encodeDeliver,
  encodeFrame,
  encodeSend,
  encodeValue,
  FRAME_KINDS,
  type FrameKind,
  idFromBytes,
  isSecureChatError,
  LIMITS,
  type MailboxRow,
  type MessageId,
  OPERATIONS,
  type SendFrame,
} from '../src/index.js'

const typed = (run: () => unknown): boolean => {
  try {
    run()
    return true
  } catch (error) {
    if (isSecureChatError(error)) return false
    throw error
  }
}
const id = <T extends AccountId | MessageId | ConversationId = MessageId>(fill: number) => idFromBytes<T>(new Uint8Array(16).fill(fill))
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const deviceArb = fc.integer({ min: 1, max: 0xffffffff }).map((n) => n as DeviceId)

describe('frames', () => {
  it('gives back kind, id and body', () => {
    for (const kind of Object.keys(FRAME_KINDS) as FrameKind[]) {
      const frame = decodeFrame(encodeFrame(kind, 0xfffffffe, Uint8Array.of(1, 2)))
      expect({ ...frame, body: [...frame.body] }).toEqual({ kind, id: 0xfffffffe, body: [1, 2] })
    }
  })
  it('names what is wrong', () => {
    expect(() => decodeFrame(new Uint8Array(5))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
    expect(() => decodeFrame(Uint8Array.of(2, 2, 0, 0, 0, 0))).toThrowError(expect.objectContaining({ code: 'protocol/unsupported-version' }))
    expect(() => decodeFrame(Uint8Array.of(1, 0xee, 0, 0, 0, 0))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
    expect(() => decodeFrame(new Uint8Array(LIMITS.frameBytes + 1))).toThrowError(expect.objectContaining({ code: 'protocol/too-large' }))
  })
})

describe('mailbox layouts', () => {
  const send = fc.record({
    sendId: bytes16.map((b) => idFromBytes<MessageId>(b)),
    body: fc.uint8Array({ maxLength: 50 }),
    recipients: fc.array(
      fc.record({
        accountId: bytes16.map((b) => idFromBytes<AccountId>(b)),
        deviceId: deviceArb,
        manifestVersion: fc.nat(),
        envelope: fc.uint8Array({ maxLength: 80 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  it('gives back every send', () => {
    fc.assert(
      fc.property(send, ({ body, ...rest }) => {
        const frame: SendFrame = body.length > 0 ? { ...rest, body } : rest
        expect(decodeSend(encodeSend(frame))).toEqual(frame)
      }),
      { seed: 1 },
    )
  })
  it('gives back every delivery, with and without a named sender', () => {
    const row = fc.record({ gap: fc.integer({ min: 1, max: 1000 }), time: fc.nat(), sender: fc.boolean(), envelope: fc.uint8Array({ maxLength: 60 }) })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (specs) => {
        let sequence = 0
        const rows: MailboxRow[] = specs.map((spec) => {
          sequence += spec.gap
          return {
            sequence,
            time: spec.time,
            envelope: spec.envelope,
            ...(spec.sender && { sender: { accountId: id<AccountId>(3), deviceId: 9 as DeviceId } }),
          }
        })
        expect(decodeDeliver(encodeDeliver(rows))).toEqual(rows)
      }),
      { seed: 2 },
    )
  })
  it('refuses sequences that do not ascend', () => {
    const row = { sequence: 4, time: 1, envelope: Uint8Array.of(1) }
    expect(() => decodeDeliver(encodeDeliver([row, row]))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
  })
  it('refuses an envelope above its limit, an unknown layout and device 0', () => {
    const recipient = { accountId: id<AccountId>(1), deviceId: 1 as DeviceId, manifestVersion: 1, envelope: new Uint8Array(LIMITS.envelopeBytes + 1) }
    const sendId = id<MessageId>(2)
    expect(() => decodeSend(encodeSend({ sendId, recipients: [recipient] }))).toThrowError(expect.objectContaining({ code: 'protocol/too-large' }))
    const good = encodeSend({ sendId, recipients: [{ ...recipient, envelope: Uint8Array.of(1) }] })
    expect(() => decodeSend(Uint8Array.from([2, ...good.subarray(1)]))).toThrowError(expect.objectContaining({ code: 'protocol/unsupported-version' }))
    expect(() => decodeSend(encodeSend({ sendId, recipients: [{ ...recipient, envelope: Uint8Array.of(1), deviceId: 0 as DeviceId }] }))).toThrowError(
      expect.objectContaining({ code: 'protocol/malformed' }),
    )
    expect(() => decodeSend(encodeSend({ sendId, recipients: [] }))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
  })
  it('fails only by typed errors: random bytes, every truncation and every flipped byte', () => {
    const good = encodeSend({
      sendId: id(1),
      recipients: [{ accountId: id<AccountId>(2), deviceId: 1 as DeviceId, manifestVersion: 1, envelope: Uint8Array.of(5, 6) }],
    })
    const delivered = encodeDeliver([{ sequence: 1, time: 2, sender: { accountId: id<AccountId>(2), deviceId: 1 as DeviceId }, envelope: Uint8Array.of(5, 6) }])
    for (const [bytes, decode] of [
      [good, decodeSend],
      [delivered, decodeDeliver],
    ] as const) {
      for (let n = 0; n < bytes.length; n++) expect(typed(() => decode(bytes.subarray(0, n)))).toBe(false)
      for (let i = 0; i < bytes.length; i++) {
        const flipped = Uint8Array.from(bytes)
        flipped[i] = flipped[i]! ^ 0xff
        typed(() => decode(flipped))
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (typed(() => decodeSend(bytes))) expect(encodeSend(decodeSend(bytes))).toEqual(bytes)
        if (typed(() => decodeDeliver(bytes))) expect(encodeDeliver(decodeDeliver(bytes))).toEqual(bytes)
      }),
      { numRuns: 5_000, seed: 4 },
    )
  })
  it('counts in u64', () => {
    expect(decodeCounter(encodeCounter(2 ** 40 + 5))).toBe(2 ** 40 + 5)
    expect(() => decodeCounter(new Uint8Array(7))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
  })
})

describe('operations', () => {
  it('names each operation by domain and verb, and none takes the account from the input of a write', () => {
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      expect(name).toMatch(/^[a-z]+\.[a-zA-Z]+$/)
      expect(operation.summary.length).toBeGreaterThan(20)
    }
  })
  it('keeps unknown fields and names the misfit without its value', () => {
    expect(checkAs(OPERATIONS['auth.requestCode'].input, { phone: '+14155550100', later: 1 })).toEqual({ phone: '+14155550100', later: 1 })
    expect(() => checkAs(OPERATIONS['auth.requestCode'].input, { phone: '555-secret' })).toThrowError(
      expect.objectContaining({ code: 'request/invalid', detail: 'phone', message: expect.not.stringContaining('secret') }),
    )
  })
})

describe('message bodies', () => {
  const body = (content: MessageBody['content']): MessageBody => ({ v: 1, id: id<MessageId>(1), conversation: id<ConversationId>(2), sentAt: 5, content })
  it('gives back every known content', () => {
    const contents: Content[] = [
      { type: 'text', text: 'hello', replyTo: id<MessageId>(4) },
      { type: 'reaction', target: id(3), emoji: '👍' },
      { type: 'reaction', target: id(3), emoji: null },
      { type: 'edit', target: id(3), text: 'x' },
      { type: 'delete', target: id(3) },
      { type: 'receipt', kind: 'read', targets: [id(3)] },
      { type: 'typing', active: true },
      { type: 'profile', version: 2 },
      { type: 'empty' },
    ]
    for (const content of contents) {
      const decoded = decodeMessageBody(encodeMessageBody(body(content)))
      expect(decoded).toEqual(body(content))
      expect(isKnownContent(decoded.content)).toBe(true)
    }
  })
  it('keeps an unknown type and unknown fields whole', () => {
    const later = body({ type: 'poll', options: ['a', 'b'], deep: { closes: 2 ** 41 } })
    const encoded = encodeMessageBody({ ...later, added: 'field' } as MessageBody)
    const decoded = decodeMessageBody(encoded)
    expect(isKnownContent(decoded.content)).toBe(false)
    expect(encodeMessageBody(decoded)).toEqual(encoded)
  })
  it('refuses a known type that does not fit', () => {
    const refused = [{ type: 'text', text: '' }, { type: 'receipt', kind: 'seen', targets: [id(1)] }, { type: 'delete', target: 'x' }, { type: '' }]
    for (const content of refused) {
      expect(() => decodeMessageBody(encodeMessageBody(body(content)))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
    }
    expect(() => decodeMessageBody(encodeValue({ v: 1 }))).toThrowError(expect.objectContaining({ code: 'protocol/malformed' }))
    expect(decodeValue(encodeValue({ v: 1 }))).toEqual({ v: 1 })
  })
})
