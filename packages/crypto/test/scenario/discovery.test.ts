import { type AccountId, idFromBytes, LIMITS, u32 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { requireBucketSize } from '../../src/discovery/bucket.js'
import { type Bucket, beginDiscovery, bucketOf, decodeBucket, type Evaluation, findInBucket, finishDiscovery } from '../../src/discovery/index.js'
import {
  choosePrefixBits,
  createEntry,
  type DiscoveryEntry,
  deriveDiscoveryKeys,
  encodeBucket,
  evaluateBlinded,
  maximumPrefixBits,
} from '../../src/discovery/server/index.js'
import { Secret } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { noble, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const random = seededRandom(48)
const deps = { provider: sodium, random }
const keys = deriveDiscoveryKeys(random(32))
const serverKey = keys.publicKey
const [bob, carol, stranger] = ['+14155550101', '+14155550102', '+14155550199'] as const
const accountOf = (n: number): AccountId => idFromBytes<AccountId>(Uint8Array.from({ length: 16 }, () => n))

/** Entries of users who are not looked for: made up, since a million evaluations would take hours. */
function filler(count: number, bits = 0, prefix = 0): DiscoveryEntry[] {
  return Array.from({ length: count }, () => {
    const tag = random(16)
    const first = ((((tag[0] as number) << 8) | (tag[1] as number)) >>> bits) | (prefix << (16 - bits))
    tag[0] = first >>> 8
    tag[1] = first & 0xff
    return { tag, salt: random(8), maskedAccount: random(16) }
  })
}

const registered = [createEntry(deps, keys, { number: bob, accountId: accountOf(1) }), createEntry(deps, keys, { number: carol, accountId: accountOf(2) })]
const lookUp = (numbers: readonly string[], provider = sodium) => {
  const pending = beginDiscovery(deps, numbers)
  return finishDiscovery(provider, { pending, serverKey, evaluation: evaluateBlinded(deps, keys, pending.blinded) })
}

describe('lookup', () => {
  test('a registered number is found in its bucket, another is not; every provider derives the same tag', () => {
    const found = lookUp([bob, stranger, carol])
    const again = lookUp([bob], noble)
    expect(again.get(bob)?.tag).toEqual(found.get(bob)?.tag)
    for (const bits of [0, 4]) {
      for (const [number, expected] of [[bob, accountOf(1)] as const, [carol, accountOf(2)] as const, [stranger, null] as const]) {
        const wanted = found.get(number) as NonNullable<ReturnType<typeof found.get>>
        const id = bucketOf(wanted.tag, bits)
        const inIt = registered.filter(({ tag }) => bucketOf(tag, bits).prefix === id.prefix)
        const bucket = decodeBucket(encodeBucket(id, [...filler(1_200, bits, id.prefix), ...inIt]), id)
        expect(findInBucket(sodium, bucket, wanted)).toBe(expected)
      }
    }
  })

  test('what is sent is fresh each time, and another server key makes other tags', () => {
    const [one, two] = [beginDiscovery(deps, [bob]), beginDiscovery(deps, [bob])]
    expect(one.blinded).not.toEqual(two.blinded)
    const other = createEntry(deps, deriveDiscoveryKeys(random(32)), { number: bob, accountId: accountOf(1) })
    expect(other.tag).not.toEqual((registered[0] as DiscoveryEntry).tag)
    const again = createEntry(deps, keys, { number: bob, accountId: accountOf(1) })
    expect(again.tag).toEqual((registered[0] as DiscoveryEntry).tag)
    expect(again.maskedAccount).not.toEqual((registered[0] as DiscoveryEntry).maskedAccount)
    expect(deriveDiscoveryKeys(new Uint8Array(32)).publicKey).toEqual(deriveDiscoveryKeys(new Uint8Array(32)).publicKey)
  })

  test('an account id is unreadable without the evaluation of its number', () => {
    const wanted = lookUp([carol]).get(carol) as { tag: Uint8Array }
    const theirs = lookUp([bob]).get(bob) as NonNullable<ReturnType<ReturnType<typeof lookUp>['get']>>
    const bucket = decodeBucket(encodeBucket({ prefixBits: 0, prefix: 0 }, [...filler(1_000), ...registered]), { prefixBits: 0, prefix: 0 })
    expect(findInBucket(sodium, bucket, { tag: wanted.tag, maskKey: theirs.maskKey })).not.toBe(accountOf(2))
  })

  test('numbers and batches beyond the limits', () => {
    expect(codeOf(() => beginDiscovery(deps, []))).toBe('client/invalid-argument')
    for (const number of ['', '4155550101', '+0155550101', '+1415555010a', '+1415555010112345']) {
      expect(codeOf(() => beginDiscovery(deps, [bob, number]))).toBe('client/invalid-argument')
      expect(codeOf(() => createEntry(deps, keys, { number, accountId: accountOf(1) }))).toBe('client/invalid-argument')
    }
    expect(codeOf(() => beginDiscovery(deps, Array(LIMITS.discoveryBatch + 1).fill(bob)))).toBe('protocol/too-large')
    const element = beginDiscovery(deps, [bob]).blinded[0] as Uint8Array
    expect(codeOf(() => evaluateBlinded(deps, keys, []))).toBe('request/invalid')
    expect(codeOf(() => evaluateBlinded(deps, keys, Array(LIMITS.discoveryBatch + 1).fill(element)))).toBe('protocol/too-large')
    for (const length of [0, 31, 33]) expect(codeOf(() => deriveDiscoveryKeys(new Uint8Array(length)))).toBe('crypto/invalid-key')
  })
})

/** Some of RFC 9496, appendix A.2: not canonical, negative, or no square. */
const BAD_ENCODINGS = [
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20',
  'c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  '47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24',
  '3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e',
].map((text) => new Uint8Array(Buffer.from(text, 'hex')))
const IDENTITY = new Uint8Array(32)

describe('misuse', () => {
  test('attack 48: the identity and what is no group element are refused by the server, in every place of a batch', () => {
    const { blinded } = beginDiscovery(deps, [bob, carol, stranger])
    const wrong = [IDENTITY, ...BAD_ENCODINGS, new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)]
    for (const bad of wrong)
      for (let at = 0; at < blinded.length; at++) {
        const batch = blinded.map((element, i) => (i === at ? bad : element))
        expect(
          codeOf(() => evaluateBlinded(deps, keys, batch)),
          Buffer.from(bad).toString('hex'),
        ).toBe('crypto/invalid-key')
      }
  })

  test('attack 48: the identity and what is no group element are refused by the client, as element and as server key', () => {
    const pending = beginDiscovery(deps, [bob, carol])
    const evaluation = evaluateBlinded(deps, keys, pending.blinded)
    const finish = (changes: Partial<Evaluation>, key = serverKey) =>
      codeOf(() => finishDiscovery(sodium, { pending, serverKey: key, evaluation: { ...evaluation, ...changes } }))
    for (const bad of [IDENTITY, ...BAD_ENCODINGS]) {
      expect(finish({ evaluated: [bad, evaluation.evaluated[1] as Uint8Array] })).toBe('crypto/invalid-key')
      expect(finish({ evaluated: [evaluation.evaluated[0] as Uint8Array, bad] })).toBe('crypto/invalid-key')
      expect(finish({}, bad)).toBe('crypto/invalid-key')
    }
    expect(finish({ evaluated: [IDENTITY, IDENTITY], proof: new Uint8Array(64) })).toBe('crypto/invalid-key')
  })

  test('attack 48: the proof of a server with another key fails, and so does every other answer than the one to this batch', () => {
    const pending = beginDiscovery(deps, [bob, carol])
    const wrongKeys = deriveDiscoveryKeys(random(32))
    const genuine = evaluateBlinded(deps, keys, pending.blinded)
    const wrong = evaluateBlinded(deps, wrongKeys, pending.blinded)
    const finish = (evaluation: Evaluation, key = serverKey) => codeOf(() => finishDiscovery(sodium, { pending, serverKey: key, evaluation }))
    const before = pending.blinds.map((blind) => Buffer.from(blind.expose()).toString('hex'))
    expect(finish(wrong)).toBe('crypto/invalid-signature')
    expect(finish({ evaluated: wrong.evaluated, proof: genuine.proof })).toBe('crypto/invalid-signature')
    // One element by another key among genuine ones.
    expect(finish({ evaluated: [genuine.evaluated[0] as Uint8Array, wrong.evaluated[1] as Uint8Array], proof: genuine.proof })).toBe('crypto/invalid-signature')
    // The proof is of the wrong key: correct under it, and only under it.
    expect(finishDiscovery(sodium, { pending, serverKey: wrongKeys.publicKey, evaluation: wrong }).size).toBe(2)
    expect(finish({ ...genuine, evaluated: [...genuine.evaluated].reverse() })).toBe('crypto/invalid-signature')
    expect(finish({ ...genuine, evaluated: genuine.evaluated.slice(1) })).toBe('crypto/invalid-signature')
    expect(finish({ ...genuine, evaluated: [...genuine.evaluated, ...genuine.evaluated] })).toBe('crypto/invalid-signature')
    const other = beginDiscovery(deps, [bob, carol])
    expect(finish(evaluateBlinded(deps, keys, other.blinded))).toBe('crypto/invalid-signature')
    for (let i = 0; i < 64; i += 9) {
      const proof = genuine.proof.slice()
      proof[i] = (proof[i] as number) ^ 0x40
      expect(finish({ ...genuine, proof }), `byte ${i}`).toBe('crypto/invalid-signature')
    }
    for (const length of [0, 63, 65]) expect(finish({ ...genuine, proof: new Uint8Array(length) })).toBe('crypto/invalid-signature')
    // Scalars of the proof at and above the group order.
    expect(finish({ ...genuine, proof: new Uint8Array(64).fill(0xff) })).toBe('crypto/invalid-signature')
    expect(pending.blinds.map((blind) => Buffer.from(blind.expose()).toString('hex'))).toEqual(before)
    expect(finishDiscovery(sodium, { pending, serverKey, evaluation: genuine }).size).toBe(2)
  })
})

describe('buckets', () => {
  const id = { prefixBits: 4, prefix: 5 }
  const good = encodeBucket(id, filler(1_000, 4, 5))
  const decode = (bytes: Uint8Array, asked = id) => codeOf(() => decodeBucket(bytes, asked))

  test('a bucket under 1,000 entries is refused, by who makes it and by who gets it', () => {
    expect(codeOf(() => encodeBucket(id, filler(999, 4, 5)))).toBe('discovery/bucket-too-small')
    const small = Uint8Array.from([...good.subarray(0, 4), ...u32(999), ...good.subarray(8, 8 + 999 * 40)])
    expect(decode(small)).toBe('discovery/bucket-too-small')
    expect(decode(Uint8Array.from([...good.subarray(0, 4), ...u32(0)]))).toBe('discovery/bucket-too-small')
    expect(decode(Uint8Array.from([...good.subarray(0, 4), ...u32(0xffffffff)]))).toBe('protocol/too-large')
    expect((decodeBucket(good, id) satisfies Bucket).entries).toHaveLength(40_000)
  })

  test('padding with repeated or foreign tags does not fill a bucket', () => {
    const repeated = good.slice()
    repeated.copyWithin(8 + 40, 8, 8 + 40)
    expect(decode(repeated)).toBe('protocol/malformed')
    const swapped = Uint8Array.from([...good.subarray(0, 8), ...good.subarray(48, 88), ...good.subarray(8, 48), ...good.subarray(88)])
    expect(decode(swapped)).toBe('protocol/malformed')
    const foreign = good.slice()
    foreign[8] = 0x40
    expect(decode(foreign)).toBe('protocol/malformed')
    const one = filler(1_000, 4, 5)
    expect(codeOf(() => encodeBucket(id, [...one, one[0] as DiscoveryEntry]))).toBe('client/invalid-argument')
    expect(codeOf(() => encodeBucket(id, [...one, ...filler(1, 4, 6)]))).toBe('client/invalid-argument')
  })

  test('another bucket, another version, missing and surplus bytes', () => {
    expect(decode(good, { prefixBits: 4, prefix: 6 })).toBe('protocol/malformed')
    expect(decode(good, { prefixBits: 5, prefix: 5 })).toBe('protocol/malformed')
    expect(decode(Uint8Array.from([2, ...good.subarray(1)]))).toBe('protocol/unsupported-version')
    for (const length of [0, 1, 7, 8, 47, good.length - 1]) expect(decode(good.subarray(0, length))).toBe('protocol/malformed')
    expect(decode(Uint8Array.from([...good, 0]))).toBe('protocol/malformed')
    for (const asked of [
      { prefixBits: 17, prefix: 0 },
      { prefixBits: -1, prefix: 0 },
      { prefixBits: 4, prefix: 16 },
      { prefixBits: 0, prefix: 1 },
      { prefixBits: 1.5, prefix: 0 },
    ])
      expect(decode(good, asked)).toBe('client/invalid-argument')
  })

  test('sizes, prefixes, tags and entries up to their bounds', () => {
    for (const count of [LIMITS.discoveryBucketEntries, LIMITS.discoveryBucketMaximum]) expect(() => requireBucketSize(count)).not.toThrow()
    expect(codeOf(() => requireBucketSize(LIMITS.discoveryBucketEntries - 1))).toBe('discovery/bucket-too-small')
    expect(codeOf(() => requireBucketSize(LIMITS.discoveryBucketMaximum + 1))).toBe('protocol/too-large')
    const tag = Uint8Array.from({ length: 16 }, (_, i) => 0xab - i)
    expect([0, 1, 4, 15, 16].map((bits) => bucketOf(tag, bits).prefix)).toEqual([0, 1, 0xa, 0xabaa >>> 1, 0xabaa])
    for (const bits of [-1, 17, 0.5]) expect(codeOf(() => bucketOf(tag, bits))).toBe('client/invalid-argument')
    for (const length of [0, 15, 17]) expect(codeOf(() => bucketOf(new Uint8Array(length), 4))).toBe('client/invalid-argument')
    expect(decode(good, { prefixBits: 4, prefix: -1 })).toBe('client/invalid-argument')
    expect(decode(good, { prefixBits: 4, prefix: 5.5 })).toBe('client/invalid-argument')
    const entries = filler(1_000, 4, 5)
    const [first] = entries as [DiscoveryEntry]
    for (const field of ['tag', 'salt', 'maskedAccount'] as const)
      for (const length of [first[field].length - 1, first[field].length + 1]) {
        const changed = new Uint8Array(length)
        changed.set(first[field].subarray(0, length))
        expect(
          codeOf(() => encodeBucket(id, [{ ...first, [field]: changed }, ...entries.slice(1)])),
          `${field} ${length}`,
        ).toBe('client/invalid-argument')
      }
    expect(encodeBucket(id, entries)).toHaveLength(8 + 40 * 1_000)
  })

  test('every entry of a bucket is found, the first and the last too, and none that is not there', () => {
    const entries = filler(1_000, 4, 5)
    const bucket = decodeBucket(encodeBucket(id, entries), id)
    const maskKey = new Secret(new Uint8Array(32))
    for (const { tag } of entries) expect(findInBucket(sodium, bucket, { tag, maskKey })).not.toBeNull()
    for (const { tag } of filler(50, 4, 5)) expect(findInBucket(sodium, bucket, { tag, maskKey })).toBeNull()
    for (const byte of [0, 0xff]) expect(findInBucket(sodium, bucket, { tag: new Uint8Array(16).fill(byte), maskKey })).toBeNull()
    expect(findInBucket(sodium, { ...bucket, entries: new Uint8Array(0) }, { tag: new Uint8Array(16), maskKey })).toBeNull()
  })

  test('a batch of 64 is evaluated', () => {
    const numbers = Array.from({ length: LIMITS.discoveryBatch }, (_, i) => `+1415555${1000 + i}`)
    expect(lookUp(numbers).size).toBe(LIMITS.discoveryBatch)
  })

  test('prefix bits: at most log2(users / 1,000), and as few as leave every bucket its 1,000', () => {
    expect([0, 999, 1_000, 1_999, 2_000, 10_000, 1_000_000, 10 ** 9].map(maximumPrefixBits)).toEqual([null, null, 0, 0, 1, 3, 9, 16])
    const counts = new Uint32Array(65_536)
    expect(choosePrefixBits(counts)).toBeNull()
    counts[0] = 999
    expect(choosePrefixBits(counts)).toBeNull()
    counts[0] = 1_000
    expect(choosePrefixBits(counts)).toBe(0)
    counts.fill(1_000)
    expect(choosePrefixBits(counts)).toBe(16)
    counts[65_535] = 999
    expect(choosePrefixBits(counts)).toBe(15)
    counts.fill(100)
    const bits = choosePrefixBits(counts) as number
    expect(bits).toBe(12)
    expect(bits).toBeLessThanOrEqual(maximumPrefixBits(65_536 * 100) as number)
    expect(codeOf(() => choosePrefixBits([]))).toBe('client/invalid-argument')
  })
})
