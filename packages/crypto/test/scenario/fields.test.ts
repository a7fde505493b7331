import {
  type AccountId,
  type DeviceId,
  type ErrorCode,
  idFromBytes,
  idToBytes,
  LABELS,
  type Label,
  LIMITS,
  parseT,
  SUITE,
  T,
  u8,
  u32,
  u64,
} from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { sealContainer } from '../../src/backup/container.js'
import { openBackupManifest, sealBackupManifest, sealSegment, startBackup } from '../../src/backup/index.js'
import { decodeFrankingReport } from '../../src/franking/server/index.js'
import { typedKey } from '../../src/identity/keys.js'
import { createSuccession, decodeSuccession, encodeFrankingReport, generateAccountKeys, generateDeviceKeys, pad, Secret } from '../../src/index.js'
import { createLinkOffer, openLinkAnswer, parseLinkCode } from '../../src/linking/index.js'
import { linkKeys } from '../../src/linking/schedule.js'
import { record } from '../support/backups.js'
import { codeOf } from '../support/codes.js'
import { misshapen } from '../support/fields.js'
import { sampleReport } from '../support/franking.js'
import { NOTHING, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'
import { shown } from '../support/shown.js'

const deps = { provider: sodium, random: seededRandom(77), now: START }
const account = generateAccountKeys(deps)
const device = generateDeviceKeys(deps)
const accountId = idFromBytes<AccountId>(deps.random(16))
const recoveryKey = generateAccountKeys(deps)

const keyFields = { oldAccountKey: account.publicKey, newAccountKey: device.signing.publicKey }
const statement = createSuccession(sodium, { accountId, ...keyFields, lastVersion: 3, lastHash: deps.random(64), recoveryKey })

const offer = createLinkOffer(deps, device)
/** Sealed by somebody who saw the code and follows no rule. */
function answerWith(content: Uint8Array): Uint8Array {
  const secretKey = deps.random(32)
  const ephemeralKey = sodium.x25519PublicKey(secretKey)
  const { kemKey, code, secret } = offer
  const { ciphertext: kemCiphertext, sharedSecret: kemSecret } = sodium.mlkem768Encapsulate(kemKey, deps.random(32))
  const dh = sodium.x25519(secretKey, offer.ephemeral.publicKey)
  const { key, nonce, commitment, exchange } = linkKeys(sodium, { code, kemKey, ephemeralKey, kemCiphertext, dh, kemSecret, secret })
  const ciphertext = sodium.aeadSeal(key, nonce, { data: pad(content), associatedData: exchange })
  return Uint8Array.from([1, SUITE, ...ephemeralKey, ...kemCiphertext, ...commitment, ...ciphertext])
}
const answerFields = [idToBytes(accountId), typedKey('ed25519', account.publicKey), u32(2), deps.random(40)]

const backupKey = new Secret(deps.random(32))
const { state, entry } = sealSegment(deps, { backupKey, state: startBackup(deps, accountId), kind: 'messages', records: [record('a', 'b')] })
const { backupId } = state
const entryFields = [backupId, u32(entry.number), u8(6), u32(entry.length), entry.hash]
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))
const ancestor = joined(deps.random(16), u64(4), deps.random(64))
const manifestFields = [u8(SUITE), idToBytes(accountId), backupId, u64(1), NOTHING, u64(START), u32(2), ancestor, joined(...entryFields)]
const openManifest = (core: Uint8Array, number = 1) =>
  openBackupManifest(sodium, {
    backupKey,
    accountId,
    bytes: sealContainer(deps, { backupKey, accountId }, { kind: 0, backupId, number, plaintext: pad(core) }),
  })

interface Reader {
  readonly name: string
  readonly label: Label
  readonly fields: readonly Uint8Array[]
  /** Fields of any length. */
  readonly free?: readonly number[]
  readonly read: (bytes: Uint8Array) => unknown
  /** Refusals of another length that are not `protocol/malformed`. */
  readonly codes?: Readonly<Record<number, ErrorCode>>
  /** Fields of the right length that say something else. */
  readonly wrong: readonly (readonly [what: string, changes: Readonly<Record<number, Uint8Array>>, code: ErrorCode])[]
}

const suite = { 0: 'protocol/unsupported-version' } as const
const otherSuite = ['another suite', { 0: u8(SUITE + 1) }, 'protocol/unsupported-version'] as const
const key = (type: 'ed25519' | 'x25519' | 'mlkem768'): Uint8Array => typedKey(type, new Uint8Array(32).fill(3))
const tooMuch = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)

const READERS: readonly Reader[] = [
  {
    name: 'succession',
    label: LABELS.succession,
    fields: parseT(statement.subarray(0, -64), LABELS.succession),
    read: (bytes) => decodeSuccession(joined(bytes, new Uint8Array(64))),
    codes: suite,
    wrong: [
      otherSuite,
      ['a key of another type', { 2: key('x25519') }, 'protocol/malformed'],
      ['a new key of another type', { 3: key('mlkem768') }, 'protocol/malformed'],
      ['one key twice', { 3: typedKey('ed25519', account.publicKey) }, 'protocol/malformed'],
      ['after no manifest', { 4: u64(0) }, 'protocol/malformed'],
      ['a version beyond 2^53', { 4: tooMuch }, 'protocol/malformed'],
    ],
  },
  ...(['link', 'promotion'] as const).map(
    (purpose): Reader => ({
      name: `code for a ${purpose}`,
      label: LABELS[purpose],
      fields: parseT(createLinkOffer(deps, device, purpose).code, LABELS[purpose]),
      read: parseLinkCode,
      codes: suite,
      wrong: [
        otherSuite,
        ['an exchange key of another type', { 1: key('ed25519') }, 'protocol/malformed'],
        ['a signing key of another type', { 3: key('x25519') }, 'protocol/malformed'],
        ['an identity key of another type', { 4: key('ed25519') }, 'protocol/malformed'],
        ['a time beyond 2^53', { 6: tooMuch }, 'protocol/malformed'],
      ],
    }),
  ),
  {
    name: 'linking answer',
    label: LABELS.linkAnswer,
    fields: answerFields,
    free: [3],
    read: (bytes) => openLinkAnswer(deps, offer, answerWith(bytes)),
    wrong: [
      ['a key of another type', { 1: key('x25519') }, 'protocol/malformed'],
      ['device 0', { 2: u32(0) }, 'protocol/malformed'],
      ['a payload beyond the limit', { 3: new Uint8Array(LIMITS.linkPayloadBytes + 1) }, 'protocol/malformed'],
    ],
  },
  {
    name: 'franking report',
    label: LABELS.frankReport,
    fields: parseT(encodeFrankingReport(sampleReport(sodium)), LABELS.frankReport),
    free: [8],
    read: decodeFrankingReport,
    wrong: [
      ['another version', { 0: u8(2) }, 'protocol/unsupported-version'],
      ['device 0', { 2: u32(0) }, 'protocol/malformed'],
      ['an audience of no kind', { 3: joined(u8(3), new Uint8Array(16)) }, 'protocol/malformed'],
      ['an account with an epoch', { 3: joined(u8(1), new Uint8Array(24)) }, 'protocol/malformed'],
      ['a group without an epoch', { 3: joined(u8(2), new Uint8Array(16)) }, 'protocol/malformed'],
      ['a stamp of another version', { 9: joined(u8(2), new Uint8Array(44)) }, 'protocol/unsupported-version'],
    ],
  },
  {
    name: 'backup manifest',
    label: LABELS.backupManifest,
    fields: manifestFields,
    // No ancestors and no segments are well-formed; other lengths of theirs are below.
    free: [7, 8],
    read: openManifest,
    codes: suite,
    wrong: [
      otherSuite,
      ['another account', { 1: deps.random(16) }, 'protocol/malformed'],
      ['another backup', { 2: deps.random(16) }, 'protocol/malformed'],
      ['another revision than the container’s', { 3: u64(2) }, 'protocol/malformed'],
      ['a predecessor of the first revision', { 4: new Uint8Array(64) }, 'protocol/malformed'],
      ['a time beyond 2^53', { 5: tooMuch }, 'protocol/malformed'],
      ['a segment that is not numbered yet', { 6: u32(1) }, 'protocol/malformed'],
      ['half an ancestor', { 7: ancestor.subarray(0, -1) }, 'protocol/malformed'],
      ['an ancestor and a byte', { 7: joined(ancestor, u8(0)) }, 'protocol/malformed'],
      ['too many ancestors', { 7: joined(...Array(LIMITS.backupAncestors + 1).fill(ancestor)) }, 'protocol/malformed'],
      ['half a segment', { 8: joined(...entryFields).subarray(0, -1) }, 'protocol/malformed'],
      ['a segment and a byte', { 8: joined(...entryFields, u8(0)) }, 'protocol/malformed'],
      ['a segment twice', { 8: joined(...entryFields, ...entryFields) }, 'protocol/malformed'],
      ['segment 0', { 8: joined(backupId, u32(0), ...entryFields.slice(2)) }, 'protocol/malformed'],
      ['a segment of a later kind', { 8: joined(backupId, u32(1), u8(8), ...entryFields.slice(3)) }, 'protocol/unsupported-version'],
      ['a segment of the manifest’s kind', { 8: joined(backupId, u32(1), u8(0), ...entryFields.slice(3)) }, 'protocol/unsupported-version'],
    ],
  },
]

describe.each(READERS)('$name', ({ label, fields, free = [], read, codes = {}, wrong }) => {
  test('is read with its fields', () => {
    expect(read(T(label, ...fields))).toBeTypeOf('object')
  })

  test.each(misshapen(fields, free))('$what: refused', ({ field, fields: other }) => {
    expect(codeOf(() => read(T(label, ...other)))).toBe((field !== undefined && codes[field]) || 'protocol/malformed')
  })

  test.each(wrong)('%s: refused', (_, changes, code) => {
    expect(codeOf(() => read(T(label, ...fields.map((one, i) => changes[i] ?? one))))).toBe(code)
  })

  test('under another label: refused', () => {
    expect(codeOf(() => read(T(LABELS.plaintext, ...fields)))).toBe('protocol/malformed')
  })
})

describe('the largest that is read', () => {
  test('a payload, ancestors, and segments with numbers up to the next', () => {
    const payload = new Uint8Array(LIMITS.linkPayloadBytes).fill(1)
    expect(openLinkAnswer(deps, offer, answerWith(T(LABELS.linkAnswer, ...answerFields.slice(0, 3), payload))).payload).toEqual(payload)
    const device = 0xffff_ffff as DeviceId
    expect(openLinkAnswer(deps, offer, answerWith(T(LABELS.linkAnswer, ...answerFields.slice(0, 2), u32(device), NOTHING))).deviceId).toBe(device)
    const anchors = joined(...Array.from({ length: LIMITS.backupAncestors }, () => ancestor))
    const core = (changes: Record<number, Uint8Array>) => T(LABELS.backupManifest, ...manifestFields.map((one, i) => changes[i] ?? one))
    expect(openManifest(core({ 7: anchors })).ancestors).toHaveLength(LIMITS.backupAncestors)
    // A segment of an earlier backup may have any number.
    const earlier = joined(deps.random(16), u32(900), ...entryFields.slice(2))
    expect(openManifest(core({ 8: earlier })).entries).toMatchObject([{ number: 900 }])
    expect(openManifest(core({ 7: NOTHING, 8: NOTHING }))).toMatchObject({ ancestors: [], entries: [] })
    expect(openManifest(core({ 3: u64(2), 4: new Uint8Array(64) }), 2).anchor.revision).toBe(2)
    expect(codeOf(() => openManifest(core({ 3: u64(2) }), 2))).toBe('protocol/malformed')
    expect(sealBackupManifest(deps, { backupKey, state }).anchor.revision).toBe(1)
  })
})

describe('what is read is a copy', () => {
  /** A value that shows nothing of its input once it is read. */
  const copied = (bytes: Uint8Array, read: (bytes: Uint8Array) => unknown) => {
    const mine = bytes.slice()
    const value = read(mine)
    const before = shown(value)
    mine.fill(0)
    expect(shown(value)).toBe(before)
  }
  test('succession, linking code, franking report', () => {
    copied(statement, decodeSuccession)
    copied(offer.code, parseLinkCode)
    expect(shown(parseLinkCode(offer.code))).toContain(JSON.stringify([...offer.secret.expose()]))
    copied(encodeFrankingReport(sampleReport(sodium)), decodeFrankingReport)
  })
})
