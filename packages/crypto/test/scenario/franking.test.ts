import { type AccountId, type DeviceId, idFromBytes, LIMITS, type MessageId } from '@securechat/protocol'
import { expect, test } from 'vitest'
import {
  decodeFrankingReport,
  decodeFrankingStamp,
  frankingProvider,
  frankingStamp,
  type VerifyReportInput,
  verifyFrankingReport,
} from '../../src/franking/server/index.js'
import { encodeFrankingReport, type FrankingAudience, type FrankingReport, frankingCommitment, Secret } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { ALICE, BOB, frankingServer, GROUP, MALLORY, type SampleOptions, sampleReport, TO_BOB } from '../support/franking.js'
import { bytesOf, DAY, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'

const MAX_AGE = 90 * DAY
const server = frankingServer(sodium)
const IN_GROUP: FrankingAudience = { kind: 'group', groupId: GROUP, epoch: 5 }

const verify = (report: FrankingReport, options: Partial<VerifyReportInput> = {}) =>
  verifyFrankingReport(server, { report, reporter: BOB, wasMember: false, now: START + DAY, maxAge: MAX_AGE, ...options })
const refused = (report: FrankingReport, options: Partial<VerifyReportInput> = {}) =>
  expect(codeOf(() => verify(report, options))).toBe('crypto/authentication-failed')
const flipped = (bytes: Uint8Array, at = 0): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test.each(providers)('$name: what the server stamped can be reported by its recipient, and by the server alone be verified', (provider) => {
  const report = decodeFrankingReport(encodeFrankingReport(sampleReport(provider)))
  const deps = frankingServer(provider)
  const found = verifyFrankingReport(deps, { report, reporter: BOB, wasMember: false, now: START + DAY, maxAge: MAX_AGE })
  expect(found.time).toBe(START)
  expect(found.id).toHaveLength(16)
})

test('a group’s member reports, who was none does not', () => {
  const report = sampleReport(sodium, { audience: IN_GROUP })
  expect(verify(report, { wasMember: true }).time).toBe(START)
  refused(report, { wasMember: false })
})

test('attack 58: a report that was forged is refused: content, franking key, commitment, tag, time or key id', () => {
  const report = sampleReport(sodium)
  refused({ ...report, common: bytesOf('other') })
  refused({ ...report, frankingKey: flipped(report.frankingKey) })
  refused({ ...report, commitment: flipped(report.commitment) })
  for (let at = 1; at < report.stamp.length; at++) {
    // Byte 5 is the highest of the time: it is no time any more.
    if (at === 5) expect(codeOf(() => verify({ ...report, stamp: flipped(report.stamp, at) }))).toBe('protocol/malformed')
    else refused({ ...report, stamp: flipped(report.stamp, at) })
  }
  // Another opening with a commitment to match: the tag is of the first.
  const other = { ...report, common: bytesOf('never said') }
  refused({ ...other, commitment: frankingCommitment(sodium, { ...other, ...other.sender }) })
  expect(verify(report).time).toBe(START)
})

test('attack 58: a tag that anybody else than the server made is refused', () => {
  const report = sampleReport(sodium)
  const own = { provider: sodium, keys: { current: 2, keys: new Map([[2, new Secret(new Uint8Array(32).fill(0xee))]]) } }
  const stamp = frankingStamp(own, { ...report, time: START })
  refused({ ...report, stamp })
})

test('attack 58: nobody is framed: another sender, device, conversation or message in the report is refused', () => {
  const report = sampleReport(sodium)
  refused({ ...report, sender: { ...report.sender, accountId: MALLORY } })
  refused({ ...report, sender: { ...report.sender, deviceId: 2 as DeviceId } })
  refused({ ...report, conversationId: GROUP })
  refused({ ...report, messageId: idFromBytes<MessageId>(new Uint8Array(16)) })
})

test('attack 58: Alice is not framed by Mallory, who sends her commitment as his own, nor Mallory by himself as Alice', () => {
  const fromAlice = sampleReport(sodium)
  const mallory = { accountId: MALLORY, deviceId: 1 as DeviceId }
  // The server names the authenticated sender in the tag, the commitment names Alice: neither reading opens both.
  const stamp = frankingStamp(server, { commitment: fromAlice.commitment, sender: mallory, audience: TO_BOB, time: START })
  refused({ ...fromAlice, stamp })
  refused({ ...fromAlice, stamp, sender: mallory })
})

test('attack 58: a tag that is replayed in another place or by another account is refused', () => {
  const report = sampleReport(sodium)
  const toMallory: FrankingAudience = { kind: 'account', accountId: MALLORY }
  refused(report, { reporter: MALLORY })
  refused({ ...report, audience: toMallory }, { reporter: MALLORY })
  refused({ ...report, audience: IN_GROUP }, { wasMember: true })
  const inGroup = sampleReport(sodium, { audience: IN_GROUP })
  refused({ ...inGroup, audience: { ...IN_GROUP, epoch: 6 } }, { wasMember: true })
  refused({ ...inGroup, audience: { ...IN_GROUP, groupId: idFromBytes(new Uint8Array(16)) } }, { wasMember: true })
  // An account whose bytes are a group's is still not that group.
  refused({ ...inGroup, audience: { kind: 'account', accountId: GROUP as unknown as AccountId } }, { reporter: GROUP as unknown as AccountId })
})

test('attack 58: the same message reported again, or stamped again, counts as the same; another one does not', () => {
  const id = (options: SampleOptions = {}, input: Partial<VerifyReportInput> = {}) => verify(sampleReport(sodium, options), input).id
  expect(id()).toEqual(id())
  expect(id({ currentKey: 1 })).toEqual(id())
  expect(id({ audience: IN_GROUP }, { wasMember: true })).toEqual(id())
  expect(id({ common: bytesOf('else') })).not.toEqual(id())
  expect(id({ sender: MALLORY })).not.toEqual(id())
})

test('keys rotate: new stamps under the new key, old ones are verified until their key is dropped or they are too old', () => {
  const old = sampleReport(sodium, { currentKey: 1 })
  expect(decodeFrankingStamp(old.stamp).keyId).toBe(1)
  expect(decodeFrankingStamp(sampleReport(sodium).stamp).keyId).toBe(2)
  expect(verify(old).time).toBe(START)
  refused(old, { now: START + MAX_AGE + 1 })
  expect(verify(old, { now: START + MAX_AGE }).time).toBe(START)
  const after = { provider: sodium, keys: { current: 2, keys: new Map([...server.keys.keys].filter(([id]) => id !== 1)) } }
  expect(codeOf(() => verifyFrankingReport(after, { report: old, reporter: BOB, wasMember: false, now: START, maxAge: MAX_AGE }))).toBe(
    'crypto/authentication-failed',
  )
})

test('a server without its current key, or with a short one, stamps nothing', () => {
  const input = { commitment: new Uint8Array(32), sender: { accountId: ALICE, deviceId: 1 as DeviceId }, audience: TO_BOB, time: START }
  expect(codeOf(() => frankingStamp(frankingServer(sodium, 3), input))).toBe('crypto/invalid-key')
  const short = { provider: sodium, keys: { current: 1, keys: new Map([[1, new Secret(new Uint8Array(16))]]) } }
  expect(codeOf(() => frankingStamp(short, input))).toBe('crypto/invalid-key')
  expect(codeOf(() => frankingStamp(server, { ...input, commitment: new Uint8Array(16) }))).toBe('client/invalid-argument')
})

test('reports within the limits and of this version are read, others are not', () => {
  const report = sampleReport(sodium)
  const large = { ...report, common: new Uint8Array(LIMITS.sharedBodyBytes) }
  expect(decodeFrankingReport(encodeFrankingReport(large)).common).toHaveLength(LIMITS.sharedBodyBytes)
  expect(codeOf(() => encodeFrankingReport({ ...report, common: new Uint8Array(LIMITS.reportBytes) }))).toBe('protocol/too-large')
  expect(codeOf(() => decodeFrankingReport(new Uint8Array(LIMITS.reportBytes + 1)))).toBe('protocol/too-large')
  expect(codeOf(() => encodeFrankingReport({ ...report, stamp: new Uint8Array(3) }))).toBe('protocol/unsupported-version')
  expect(codeOf(() => encodeFrankingReport({ ...report, frankingKey: new Uint8Array(31) }))).toBe('client/invalid-argument')
  const bytes = encodeFrankingReport(report)
  const versionAt = 1 + 'SC1/frank/report'.length + 2 + 4
  expect(codeOf(() => decodeFrankingReport(flipped(bytes, versionAt)))).toBe('protocol/unsupported-version')
})

test('the server’s provider can hash and compare, nothing else', async () => {
  expect(Object.keys(await frankingProvider()).sort()).toEqual(['blake2b', 'equal'])
})
