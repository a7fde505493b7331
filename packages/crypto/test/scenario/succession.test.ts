import { type AccountId, type DeviceId, idFromBytes } from '@securechat/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type AccountKeys,
  acceptDevice,
  createManifest,
  createSuccession,
  decodeManifestPin,
  decodeSuccession,
  encodeManifestPin,
  generateAccountKeys,
  generateDeviceKeys,
  type KeyPair,
  type Manifest,
  type ManifestDevice,
  type ManifestInput,
  type ManifestPin,
  type Succession,
  verifyManifest,
  verifyManifestChain,
  verifySuccession,
} from '../../src/index.js'
import { deriveRecoveryKeys, generateRecoveryEntropy, parseRecoveryWords, recoveryWords } from '../../src/recovery/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, DAY, NOTHING, START, type World } from '../support/people.js'
import { noble, sodium } from '../support/providers.js'

let world: World
let accountId: AccountId
let account: AccountKeys
let recovery: KeyPair
let words: string
let first: Manifest

function device(id: number, addedVersion: number, accountKey: Uint8Array, account = accountId): ManifestDevice {
  const keys = generateDeviceKeys(world.deps())
  const accept = acceptDevice(world.deps(), { accountId: account, accountKey, deviceId: id as DeviceId, deviceKeys: keys })
  return { deviceId: id as DeviceId, signingKey: keys.signing.publicKey, identityKey: keys.identity.publicKey, addedVersion, flags: 1, accept }
}

function manifest(before: Manifest | null, accountKey: AccountKeys, changes: Partial<ManifestInput> = {}): Manifest {
  const version = (before?.version ?? 0) + 1
  const made = createManifest(world.deps(), {
    accountId,
    accountKey,
    version,
    prevHash: before?.hash ?? NOTHING,
    notBefore: world.now,
    notAfter: world.now + 30 * DAY,
    devices: before?.devices ?? [],
    recoveryKey: recovery.publicKey,
    ...changes,
  })
  return verifyManifest(sodium, made.bytes)
}

/** The same manifest with a statement at its end: the account key does not sign that. */
const withStatement = ({ bytes }: Pick<Manifest, 'bytes'>, statement: Uint8Array): Uint8Array => Uint8Array.from([2, ...bytes.subarray(1), ...statement])
/** The statements are those of the last manifests, in their order. */
const follow = (pinned: ManifestPin | null, chain: readonly Manifest[], successions: readonly (Uint8Array | null)[] = []) =>
  verifyManifestChain(sodium, {
    pinned,
    chain: chain.map((one, i) => {
      const statement = successions[i - (chain.length - successions.length)]
      return statement ? withStatement(one, statement) : one.bytes
    }),
    now: world.now,
  })
const pinOf = (...chain: Manifest[]): ManifestPin => follow(null, chain).pin

/** The owner with the words, after the manifest that the server shows: a new account key, a new device, or the devices that `list` makes. */
function recover(last: Manifest, list: number | ((accountKey: Uint8Array) => ManifestDevice[]), signer = recovery) {
  const newAccount = generateAccountKeys(world.deps())
  const devices = typeof list === 'number' ? [device(list, last.version + 1, newAccount.publicKey)] : list(newAccount.publicKey)
  const next = manifest(last, newAccount, { devices })
  const { version: lastVersion, hash: lastHash } = last
  const input = { accountId, oldAccountKey: account.publicKey, newAccountKey: newAccount.publicKey, lastVersion, lastHash }
  return { newAccount, next, input, statement: createSuccession(sodium, { ...input, recoveryKey: signer }) }
}

/** The refusal, and that nothing of the pin has changed. */
function refusal(pinned: ManifestPin, chain: readonly Manifest[], successions: readonly (Uint8Array | null)[]) {
  const before = encodeManifestPin(pinned)
  const code = codeOf(() => follow(pinned, chain, successions))
  expect(encodeManifestPin(pinned)).toEqual(before)
  return code
}

beforeEach(() => {
  world = createWorld(sodium, 11)
  accountId = idFromBytes<AccountId>(world.random(16))
  account = generateAccountKeys(world.deps())
  const entropy = generateRecoveryEntropy(world.random)
  words = recoveryWords(entropy).join(' ')
  recovery = deriveRecoveryKeys(sodium, entropy).signing
  first = manifest(null, account, { devices: [device(1, 1, account.publicKey)] })
})

describe('recovery keys', () => {
  test('the words give the same keys again, with every provider, and no key is another', () => {
    const again = deriveRecoveryKeys(noble, parseRecoveryWords(words))
    expect(again.signing.publicKey).toEqual(recovery.publicKey)
    expect(again.backupKey.expose()).toEqual(deriveRecoveryKeys(sodium, parseRecoveryWords(words)).backupKey.expose())
    expect(again.backupKey.expose()).not.toEqual(again.signing.secretKey.expose().subarray(0, 32))
    expect(parseRecoveryWords(words).expose()).not.toEqual(again.backupKey.expose())
    expect(JSON.stringify(again)).not.toMatch(/\d{3}.*secretKey":\{/)
    expect(String(again.backupKey)).toBe('[secret]')
  })
})

describe('succession', () => {
  test('another account key is believed with the statement of the recovery key, and told', () => {
    const { next, statement, newAccount } = recover(first, 2)
    const result = follow(pinOf(first), [first, next], [statement])
    expect(result.successions).toEqual([{ version: 2, oldAccountKey: account.publicKey, newAccountKey: newAccount.publicKey, endedFork: false }])
    expect(result).toMatchObject({ changed: true, newDeviceIds: [2], removedDeviceIds: [1] })
    expect(result.manifest.hash).toEqual(next.hash)
    expect(follow(result.pin, [next]).successions).toEqual([])
    expect(follow(pinOf(first), [first]).successions).toEqual([])
    expect(verifySuccession(noble, statement, recovery.publicKey)).toEqual(decodeSuccession(statement))
  })

  test('without it the account key has changed, as ever', () => {
    const { next } = recover(first, 2)
    expect(refusal(pinOf(first), [first, next], [])).toBe('devices/identity-changed')
  })

  test('a forged succession is refused: signed by another key than the one that the pinned manifest names', () => {
    const pinned = pinOf(first)
    const stranger = generateAccountKeys(world.deps())
    for (const signer of [stranger, account]) {
      const { next, statement } = recover(first, 2, signer)
      expect(refusal(pinned, [first, next], [statement])).toBe('devices/identity-changed')
    }
    const { input, newAccount } = recover(first, 2)
    // The new manifest names the stranger's recovery key: what it says about itself does not count.
    const own = manifest(first, newAccount, { devices: [device(2, 2, newAccount.publicKey)], recoveryKey: stranger.publicKey })
    expect(refusal(pinned, [first, own], [createSuccession(sodium, { ...input, recoveryKey: stranger })])).toBe('devices/identity-changed')
    // No recovery key, no succession.
    const without = manifest(null, account, { devices: first.devices, recoveryKey: NOTHING })
    const after = recover(without, 2)
    expect(refusal(pinOf(without), [without, after.next], [after.statement])).toBe('devices/identity-changed')
  })

  test('a genuine statement about anything else is refused: every field exchanged', () => {
    const pinned = pinOf(first)
    const { next, input } = recover(first, 2)
    const other = generateAccountKeys(world.deps()).publicKey
    const changes: Partial<Succession>[] = [
      { accountId: idFromBytes<AccountId>(world.random(16)) },
      { oldAccountKey: other },
      { newAccountKey: other },
      { lastVersion: 2 },
      { lastHash: world.random(64) },
    ]
    for (const change of changes) {
      const statement = createSuccession(sodium, { ...input, ...change, recoveryKey: recovery })
      expect(refusal(pinned, [first, next], [statement]), Object.keys(change)[0]).toBe('devices/identity-changed')
    }
    expect(follow(pinned, [next], [createSuccession(sodium, { ...input, recoveryKey: recovery })]).successions).toHaveLength(1)
  })

  test('any changed or missing byte of it is refused', () => {
    const { statement, input } = recover(first, 2)
    const codes = ['protocol/malformed', 'protocol/unsupported-version', 'crypto/invalid-signature']
    for (let i = 0; i < statement.length; i++) {
      const changed = statement.slice()
      changed[i] = (changed[i] as number) ^ 0x10
      expect(codes, `byte ${i}`).toContain(codeOf(() => verifySuccession(sodium, changed, recovery.publicKey)))
      expect(codes, `length ${i}`).toContain(codeOf(() => verifySuccession(sodium, statement.subarray(0, i), recovery.publicKey)))
    }
    expect(codeOf(() => verifySuccession(sodium, Uint8Array.from([...statement, 0]), recovery.publicKey))).toBe('protocol/malformed')
    expect(codeOf(() => verifySuccession(sodium, statement, NOTHING))).toBe('crypto/invalid-signature')
    for (const nonsense of [
      { newAccountKey: account.publicKey },
      { newAccountKey: account.publicKey.subarray(1) },
      { oldAccountKey: account.publicKey.subarray(1) },
      { lastVersion: 0 },
      { lastHash: NOTHING },
    ])
      expect(codeOf(() => createSuccession(sodium, { ...input, ...nonsense, recoveryKey: recovery }))).toBe('client/invalid-argument')
  })

  test('the order of a chain stays: rollback, gap and fork are what they were, statement or not', () => {
    const second = manifest(first, account)
    const { next, statement } = recover(first, 2)
    expect(refusal(pinOf(first, second), [next], [statement])).toBe('devices/manifest-fork')
    expect(refusal(pinOf(first, second), [first, next], [statement])).toBe('devices/invalid-manifest')
    expect(refusal(pinOf(first, second), [first], [])).toBe('devices/manifest-rollback')
    const third = manifest(second, account)
    const late = recover(third, 2)
    expect(refusal(pinOf(first), [late.next], [late.statement])).toBe('devices/invalid-manifest')
    expect(refusal(pinOf(first, second), [late.next], [late.statement])).toBe('devices/invalid-manifest')
  })

  test('travels at the end of the manifest, which it does not change; a manifest without a step has none', () => {
    const { next, statement, newAccount } = recover(first, 2)
    const { bytes, hash } = createManifest(world.deps(), { ...next, accountKey: newAccount, succession: statement })
    expect(bytes).toEqual(withStatement(next, statement))
    expect(hash).toEqual(next.hash)
    expect(verifyManifest(sodium, bytes).succession).toEqual(statement)
    expect(verifyManifest(sodium, next.bytes).succession).toEqual(NOTHING)
    expect(decodeManifestPin(sodium, encodeManifestPin(pinOf(verifyManifest(sodium, bytes)))).manifest.bytes).toEqual(bytes)
    const codes = ['protocol/malformed', 'protocol/unsupported-version', 'devices/identity-changed']
    for (let i = 0; i < statement.length; i++) {
      const changed = statement.map((byte, at) => (at === i ? byte ^ 0x10 : byte))
      expect(codes, `byte ${i}`).toContain(refusal(pinOf(first), [first, next], [changed]))
      const cut = refusal(pinOf(first), [first, next], [statement.subarray(0, i)])
      expect(i === 0 ? ['devices/invalid-manifest'] : ['protocol/malformed'], `length ${i}`).toContain(cut)
    }
    expect(codeOf(() => verifyManifest(sodium, withStatement(first, statement)))).toBe('devices/invalid-manifest')
    expect(codeOf(() => verifyManifest(sodium, Uint8Array.from([1, ...bytes.subarray(1)])))).toBe('devices/invalid-manifest')
    expect(codeOf(() => verifyManifest(sodium, Uint8Array.from([3, ...bytes.subarray(1)])))).toBe('protocol/unsupported-version')
    expect(codeOf(() => createManifest(world.deps(), { ...first, accountKey: account, succession: statement }))).toBe('devices/invalid-manifest')
  })

  test('replayed: a statement that was believed once is worth nothing in another place, earlier or later', () => {
    const one = recover(first, 2)
    const pinned = follow(pinOf(first), [first, one.next], [one.statement]).pin
    // The thief of the first account key takes the genuine statement for a manifest of his own.
    const thief = generateAccountKeys(world.deps())
    const third = manifest(one.next, thief, { devices: [device(3, 3, thief.publicKey)] })
    expect(refusal(pinned, [one.next, third], [one.statement])).toBe('devices/identity-changed')
    const back = manifest(one.next, account, { devices: [device(3, 3, account.publicKey)] })
    expect(refusal(pinned, [one.next, back], [one.statement])).toBe('devices/identity-changed')
    const second = manifest(first, account)
    const older = manifest(second, one.newAccount, { devices: [device(4, 3, one.newAccount.publicKey)] })
    expect(refusal(pinOf(first, second), [second, older], [one.statement])).toBe('devices/identity-changed')
  })

  test('twice in one chain: the second by the recovery key that the first one brought', () => {
    const one = recover(first, 2)
    const entropy = generateRecoveryEntropy(world.random)
    const renewed = deriveRecoveryKeys(sodium, entropy).signing
    const second = manifest(first, one.newAccount, { devices: [device(2, 2, one.newAccount.publicKey)], recoveryKey: renewed.publicKey })
    const last = generateAccountKeys(world.deps())
    const third = manifest(second, last, { devices: [device(3, 3, last.publicKey)], recoveryKey: renewed.publicKey })
    const input = { accountId, oldAccountKey: one.newAccount.publicKey, newAccountKey: last.publicKey, lastVersion: 2, lastHash: second.hash }
    const byNew = createSuccession(sodium, { ...input, recoveryKey: renewed })
    const byOld = createSuccession(sodium, { ...input, recoveryKey: recovery })
    expect(follow(pinOf(first), [first, second, third], [one.statement, byNew]).successions.map(({ version }) => version)).toEqual([2, 3])
    expect(refusal(pinOf(first), [first, second, third], [one.statement, byOld])).toBe('devices/identity-changed')
  })
})

describe('a fork that is ended', () => {
  /** Somebody with the account key signed a second version 2 with a device of his own. */
  function forked() {
    const genuine = manifest(first, account)
    const thief = manifest(first, account, { devices: [...first.devices, device(7, 2, account.publicKey)] })
    return { genuine, thief, pinned: pinOf(first, thief) }
  }

  test('who believed the other branch follows the succession, and only with new devices', () => {
    const { genuine, pinned } = forked()
    const { next, statement, newAccount } = recover(genuine, 8)
    expect(refusal(pinned, [genuine, next], [])).toBe('devices/manifest-fork')
    const result = follow(pinned, [genuine, next], [statement])
    expect(result.successions).toEqual([{ version: 3, oldAccountKey: account.publicKey, newAccountKey: newAccount.publicKey, endedFork: true }])
    expect(result).toMatchObject({ newDeviceIds: [8], removedDeviceIds: [1, 7], pin: { highestDeviceId: 8 } })
    expect(follow(pinned, [next], [statement]).pin).toEqual(result.pin)
    const fourth = manifest(next, newAccount)
    expect(follow(pinned, [genuine, next, fourth], [statement, null]).manifest.version).toBe(4)
    // Who believed the genuine branch sees an ordinary succession.
    expect(follow(pinOf(first, genuine), [genuine, next], [statement]).successions).toMatchObject([{ endedFork: false }])
  })

  test('not with a forged statement, not with devices of either branch, not below what is pinned', () => {
    const { genuine, thief, pinned } = forked()
    const stranger = generateAccountKeys(world.deps())
    const forgery = recover(genuine, 8, stranger)
    expect(refusal(pinned, [genuine, forgery.next], [forgery.statement])).toBe('devices/manifest-fork')
    const reused = recover(genuine, 7)
    expect(refusal(pinned, [genuine, reused.next], [reused.statement])).toBe('devices/invalid-manifest')
    const { next, statement } = recover(genuine, 8)
    const further = pinOf(first, thief, manifest(thief, account), manifest(manifest(thief, account), account))
    expect(refusal(further, [genuine, next], [statement])).toBe('devices/manifest-rollback')
    const after = recover(manifest(genuine, account, { notAfter: START + DAY }), 8)
    expect(refusal(pinned, [genuine, manifest(genuine, account), after.next], [after.statement])).toBe('devices/manifest-fork')
  })

  test('not without a statement, and not by a manifest of another account', () => {
    const { genuine, pinned } = forked()
    const { next, statement, newAccount } = recover(genuine, 8)
    const none = { pinned, chain: [genuine.bytes, next.bytes], now: world.now }
    expect(codeOf(() => verifyManifestChain(sodium, none))).toBe('devices/manifest-fork')
    expect(codeOf(() => verifyManifestChain(sodium, { ...none, pinned: pinOf(first, genuine) }))).toBe('devices/identity-changed')
    const other = idFromBytes<AccountId>(world.random(16))
    const foreign = manifest(genuine, newAccount, { accountId: other, devices: [device(8, 3, newAccount.publicKey, other)] })
    expect(refusal(pinned, [genuine, foreign], [statement])).toBe('devices/manifest-fork')
  })

  test('ids of the other branch are used up too, whichever of its manifests lists them', () => {
    const { pinned } = forked()
    const longer = manifest(first, account, { devices: [...first.devices, device(9, 2, account.publicKey)] })
    const atOnce = recover(longer, 8)
    expect(refusal(pinned, [longer, atOnce.next], [atOnce.statement])).toBe('devices/invalid-manifest')
    const genuine = manifest(first, account)
    const third = manifest(genuine, account, { devices: [...first.devices, device(9, 3, account.publicKey)] })
    const later = recover(third, 8)
    expect(refusal(pinned, [genuine, third, later.next], [later.statement])).toBe('devices/invalid-manifest')
    const fresh = recover(longer, 10)
    expect(follow(pinned, [longer, fresh.next], [fresh.statement]).pin.highestDeviceId).toBe(10)
  })

  test('no device is taken over, nor one with a used id or an older date, even where the branch before it is not shown', () => {
    const { genuine, pinned } = forked()
    const keys = generateDeviceKeys(world.deps())
    const owned = (accountKey: Uint8Array): ManifestDevice => ({
      deviceId: 5 as DeviceId,
      signingKey: keys.signing.publicKey,
      identityKey: keys.identity.publicKey,
      addedVersion: 2,
      flags: 1,
      accept: acceptDevice(world.deps(), { accountId, accountKey, deviceId: 5 as DeviceId, deviceKeys: keys }),
    })
    const branch = manifest(first, account, { devices: [...first.devices, owned(account.publicKey)] })
    const kept = recover(branch, (key) => [owned(key), device(8, 3, key)])
    expect(refusal(pinned, [branch, kept.next], [kept.statement])).toBe('devices/invalid-manifest')
    const used = recover(genuine, (key) => [device(7, 3, key)])
    expect(refusal(pinned, [used.next], [used.statement])).toBe('devices/invalid-manifest')
    const older = recover(genuine, (key) => [device(8, 2, key)])
    expect(refusal(pinned, [older.next], [older.statement])).toBe('devices/invalid-manifest')
  })
})
