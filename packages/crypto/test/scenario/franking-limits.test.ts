import { type DeviceId, LIMITS, type MessageId } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { decodeFrankingReport, decodeFrankingStamp, verifyFrankingReport } from '../../src/franking/server/index.js'
import { encodeFrankingStamp, frankingTagInput } from '../../src/franking/stamp.js'
import { encodeFrankingReport, type FrankingReport, frankingCommitment, verifyFrankingCommitment } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { ALICE, BOB, frankingServer, MALLORY, sampleReport, TO_BOB } from '../support/franking.js'
import { START } from '../support/people.js'
import { sodium } from '../support/providers.js'

const report = sampleReport(sodium)
const code = (changes: Partial<FrankingReport>) => codeOf(() => encodeFrankingReport({ ...report, ...changes }))

test('a report is written only of what could be read', () => {
  for (const length of [0, 31, 33]) {
    expect(code({ frankingKey: new Uint8Array(length) })).toBe('client/invalid-argument')
    expect(code({ commitment: new Uint8Array(length) })).toBe('client/invalid-argument')
  }
  expect(code({ sender: { ...report.sender, deviceId: 0 as DeviceId } })).toBe('client/invalid-argument')
  expect(code({ messageId: 'short' as MessageId })).toBe('protocol/malformed')
  expect(code({ stamp: report.stamp.subarray(1) })).toBe('protocol/unsupported-version')
  expect(code({ stamp: report.stamp.subarray(0, -1) })).toBe('protocol/malformed')
  expect(code({ stamp: report.stamp.subarray(0, 0) })).toBe('protocol/malformed')
})

test('the largest report is read, and one byte more neither written nor read', () => {
  const around = encodeFrankingReport(report).length - report.common.length
  const largest = { ...report, common: new Uint8Array(LIMITS.reportBytes - around).fill(1) }
  const bytes = encodeFrankingReport(largest)
  expect(bytes).toHaveLength(LIMITS.reportBytes)
  expect(decodeFrankingReport(bytes)).toEqual(largest)
  expect(code({ common: new Uint8Array(LIMITS.reportBytes - around + 1) })).toBe('protocol/too-large')
  const longer = new Uint8Array(LIMITS.reportBytes + 1)
  longer.set(bytes)
  expect(codeOf(() => decodeFrankingReport(longer))).toBe('protocol/too-large')
})

test('a tag is made for a device, a commitment of 32 bytes and the id of a key, a u32', () => {
  const input = { commitment: report.commitment, sender: report.sender, audience: TO_BOB, time: START, keyId: 0 }
  const tagCode = (changes: Partial<typeof input>) => codeOf(() => frankingTagInput({ ...input, ...changes }))
  for (const keyId of [0, 1, 0xffff_ffff]) expect(frankingTagInput({ ...input, keyId }).at(-1)).toBe(keyId & 0xff)
  for (const keyId of [-1, 0x1_0000_0000, 1.5, Number.NaN]) expect(tagCode({ keyId })).toBe('client/invalid-argument')
  for (const length of [0, 31, 33]) expect(tagCode({ commitment: new Uint8Array(length) })).toBe('client/invalid-argument')
  for (const deviceId of [0, 1.5, -1]) expect(tagCode({ sender: { accountId: ALICE, deviceId: deviceId as DeviceId } })).toBe('client/invalid-argument')
  expect(tagCode({ time: -1 })).toBe('client/invalid-argument')
})

test('a stamp is 45 bytes with a tag of 32, and what is read of it is a copy', () => {
  const stamp = { keyId: 0xfffe_fdfc, time: START, tag: new Uint8Array(32).fill(7) }
  const bytes = encodeFrankingStamp(stamp)
  expect(bytes).toHaveLength(45)
  const read = decodeFrankingStamp(bytes)
  bytes.fill(0)
  expect(read).toEqual(stamp)
  for (const length of [0, 31, 33]) expect(codeOf(() => encodeFrankingStamp({ ...stamp, tag: new Uint8Array(length) }))).toBe('client/invalid-argument')
})

test('franking keys have 32 bytes, for who sends and for who receives', () => {
  const message = { ...report, ...report.sender }
  for (const length of [0, 31, 33]) {
    const frankingKey = new Uint8Array(length)
    expect(codeOf(() => frankingCommitment(sodium, { ...message, frankingKey }))).toBe('crypto/invalid-key')
    expect(codeOf(() => verifyFrankingCommitment(sodium, { ...message, frankingKey }))).toBe('crypto/invalid-key')
  }
  expect(() => verifyFrankingCommitment(sodium, message)).not.toThrow()
  expect(codeOf(() => verifyFrankingCommitment(sodium, { ...message, commitment: report.commitment.subarray(1) }))).toBe('crypto/authentication-failed')
})

test('membership of a group says nothing about a message to one account', () => {
  const input = { report, now: START, maxAge: 0 }
  expect(verifyFrankingReport(frankingServer(sodium), { ...input, reporter: BOB, wasMember: false }).time).toBe(START)
  expect(codeOf(() => verifyFrankingReport(frankingServer(sodium), { ...input, reporter: MALLORY, wasMember: true }))).toBe('crypto/authentication-failed')
})
