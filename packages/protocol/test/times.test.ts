import { type AccountId, type ConversationId, type DeviceId, decodeDeliver, encodeDeliver, LIMITS, type MessageId } from '@securechat/protocol'
import { decodeMessageBody, encodeMessageBody } from '@securechat/protocol/content'
import { expect, test } from 'vitest'

const ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const LATER = [LIMITS.latestTime + 1, Number.MAX_SAFE_INTEGER]

const showable = (time: number): string => new Date(time).toISOString()

test('a message whose sender names a time that no Date has is malformed: who shows it would fail', () => {
  const at = (sentAt: number) =>
    encodeMessageBody({ v: 1, id: ID as MessageId, conversation: ID as ConversationId, sentAt, content: { type: 'text', text: 'x' } })
  expect(showable(decodeMessageBody(at(LIMITS.latestTime)).sentAt)).toBe('+275760-09-13T00:00:00.000Z')
  for (const time of LATER) {
    expect(() => showable(time)).toThrow(RangeError)
    expect(() => decodeMessageBody(at(time))).toThrow('message body')
  }
})

test('so is a delivered row of such a time', () => {
  const at = (time: number) =>
    encodeDeliver([{ sequence: 1, time, sender: { accountId: ID as AccountId, deviceId: 1 as DeviceId }, envelope: new Uint8Array([1]) }])
  expect(decodeDeliver(at(LIMITS.latestTime))[0]?.time).toBe(LIMITS.latestTime)
  for (const time of LATER) expect(() => decodeDeliver(at(time))).toThrow('time')
})
