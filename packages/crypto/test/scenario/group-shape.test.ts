import { type AccountId, type ConversationId, concatBytes, type DeviceId, idFromBytes, idToBytes, LABELS, LIMITS, T, u8, u32, u64 } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import {
  acceptDistribution,
  decodeGroupOperation,
  decodeGroupRecord,
  decodeGroupState,
  decodeOwnChain,
  decodePeerChains,
  decodeSenderKeyRequest,
  encodeDistribution,
  encodeGroupRecord,
  encodeGroupState,
  encodeOwnChain,
  encodePeerChains,
  encodeSenderKeyRequest,
  type GroupChange,
  type GroupRecord,
  type GroupState,
  groupStateHash,
  groupView,
  type OwnChain,
  openInvitation,
  type PeerChains,
  signGroupOperation,
  verifyGroupOperation,
} from '../../src/group/index.js'
import { decodeGroupPlaintext, encodeGroupPlaintext } from '../../src/group/plaintext.js'
import { Secret } from '../../src/index.js'
import { pad } from '../../src/padding/padding.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { codeOf } from '../support/codes.js'
import { applied, GROUP, groupDeps, groupOf, groupPerson, NO_HASH, operationOf, ownChain, taken } from '../support/groups.js'
import { type Fields, misshapen, written } from '../support/misshapen.js'
import { bytesOf, START } from '../support/people.js'
import { sodium } from '../support/providers.js'

// Everything of a group that is read, from both sides of each limit: what the writers never write is refused.

const [alice, bob, dave] = [groupPerson(1), groupPerson(2), groupPerson(4)] as const
const group = groupOf([alice, bob])
const view = groupView(group)
const own = ownChain(group, alice)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const account = (seed: number): AccountId => idFromBytes<AccountId>(concatBytes(u64(seed), u64(0)))
const cutAnywhere = (bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): void => {
  for (const length of upTo(bytes.length)) expect(['storage/corrupt', 'protocol/malformed']).toContain(codeOf(() => decode(bytes.slice(0, length))))
  expect(codeOf(() => decode(Uint8Array.of(...bytes, 0)))).toBe('storage/corrupt')
}

describe('a group operation', () => {
  const fieldsOf = (changes: Fields = {}): Fields => ({
    group: idToBytes(GROUP),
    epoch: u64(1),
    parentHash: filled(1),
    type: u8(2),
    payload: concatBytes(idToBytes(dave.local.accountId), u8(1)),
    account: idToBytes(alice.local.accountId),
    device: u32(1),
    manifestHash: filled(2),
    time: u64(START),
    ...changes,
  })
  const signed = (core: Uint8Array): Uint8Array => concatBytes(core, filled(3, 64))
  const decode = (changes: Fields) => decodeGroupOperation(signed(written(LABELS.groupOperation, fieldsOf(changes))))
  const code = (changes: Fields): string => codeOf(() => decode(changes))

  test('is read into copies of what it says', () => {
    const bytes = signed(written(LABELS.groupOperation, fieldsOf()))
    const operation = decodeGroupOperation(bytes)
    bytes.fill(0)
    expect(operation).toEqual({
      groupId: GROUP,
      epoch: 1,
      parentHash: filled(1),
      change: { type: 'add', accountId: dave.local.accountId, role: 'member' },
      actor: { accountId: alice.local.accountId, deviceId: 1 },
      manifestHash: filled(2),
      time: START,
    })
  })

  test.each([
    ['add', {}],
    ['accept', { type: u8(3), payload: NO_HASH }],
    ['remove', { type: u8(4), payload: idToBytes(dave.local.accountId) }],
    ['leave', { type: u8(5), payload: NO_HASH }],
    ['set-role', { type: u8(6) }],
    ['resolve', { type: u8(8), payload: filled(5) }],
  ] as const)('%s: no field is shorter or longer, gone or there twice', (type, changes) => {
    expect(decode(changes).change.type).toBe(type)
    for (const [what, core] of misshapen(LABELS.groupOperation, fieldsOf(changes)))
      expect([what, codeOf(() => decodeGroupOperation(signed(core)))]).toEqual([what, 'protocol/malformed'])
  })

  test('there are eight types, two roles and no device 0', () => {
    for (const type of [0, 9, 255]) expect(code({ type: u8(type), payload: NO_HASH })).toBe('protocol/malformed')
    const role = (byte: number): Fields => ({ payload: concatBytes(idToBytes(dave.local.accountId), u8(byte)) })
    for (const byte of [0, 3, 255]) expect(code(role(byte))).toBe('protocol/malformed')
    expect(decode(role(2)).change).toMatchObject({ role: 'admin' })
    expect(code({ device: u32(0) })).toBe('protocol/malformed')
  })

  test('a title has up to 1,024 bytes, whether it is read or written', () => {
    const first: Fields = { epoch: u64(0), parentHash: NO_HASH }
    const title = (length: number): Fields => ({ payload: filled(1, length) })
    for (const type of [{ ...first, type: u8(1) }, { type: u8(7) }]) {
      for (const length of [0, LIMITS.groupTitleBytes]) expect(decode({ ...type, ...title(length) }).change).toMatchObject({ title: filled(1, length) })
      expect(code({ ...type, ...title(LIMITS.groupTitleBytes + 1) })).toBe('protocol/malformed')
    }
    const sign = (type: 'create' | 'set-title', length: number) => operationOf(alice, { epoch: 0, parentHash: NO_HASH }, { type, title: filled(1, length) })
    for (const type of ['create', 'set-title'] as const) {
      expect(sign(type, LIMITS.groupTitleBytes).operation.length).toBeGreaterThan(LIMITS.groupTitleBytes)
      expect(codeOf(() => sign(type, LIMITS.groupTitleBytes + 1))).toBe('protocol/too-large')
    }
  })

  test('only a group’s first operation has no parent, and it alone', () => {
    const create: Fields = { type: u8(1), payload: NO_HASH }
    expect(decode({ ...create, epoch: u64(0), parentHash: NO_HASH }).change.type).toBe('create')
    for (const place of [
      { epoch: u64(0), parentHash: filled(1) },
      { epoch: u64(1), parentHash: NO_HASH },
      { epoch: u64(1), parentHash: filled(1) },
    ])
      expect(code({ ...create, ...place })).toBe('protocol/malformed')
    for (const place of [
      { epoch: u64(0), parentHash: filled(1) },
      { epoch: u64(1), parentHash: NO_HASH },
      { epoch: u64(0), parentHash: NO_HASH },
    ])
      expect(code(place)).toBe('protocol/malformed')
  })

  test('shorter than a signature it is none', () => {
    for (const length of [0, 1, 63, 64, 65]) expect(codeOf(() => decodeGroupOperation(new Uint8Array(length)))).toBe('protocol/malformed')
  })

  test('is that of the account, the device and the manifest that it names, each for itself', () => {
    const change: GroupChange = { type: 'accept' }
    const bytes = signGroupOperation(sodium, { groupId: GROUP, epoch: 1, parentHash: filled(1), change, time: START, local: alice.local })
    expect(verifyGroupOperation(sodium, bytes, alice.remote).change).toEqual(change)
    for (const others of [
      { accountId: bob.local.accountId },
      { deviceId: 2 as DeviceId },
      { manifest: { version: 1, hash: filled(9, 64) } },
      { signingKey: bob.remote.signingKey },
    ])
      expect(codeOf(() => verifyGroupOperation(sodium, bytes, { ...alice.remote, ...others }))).toBe('groups/invalid-operation')
    // The first half of the hash names the manifest.
    const hash = concatBytes(filled(1), filled(7))
    expect(verifyGroupOperation(sodium, bytes, { ...alice.remote, manifest: { version: 1, hash } }).time).toBe(START)
  })
})

describe('a group state', () => {
  const member = (id: AccountId, role = 1, joined = 1): Uint8Array => concatBytes(idToBytes(id), Uint8Array.of(role, joined))
  const fieldsOf = (changes: Fields = {}): Fields => ({
    version: u8(1),
    group: idToBytes(GROUP),
    epoch: u64(7),
    members: concatBytes(member(account(1)), member(account(2), 2, 0)),
    title: NO_HASH,
    keysSince: u64(7),
    operationHash: filled(2),
    ...changes,
  })
  const decode = (changes: Fields): GroupState => decodeGroupState(written(LABELS.groupState, fieldsOf(changes)))
  const code = (changes: Fields): string => codeOf(() => decode(changes))

  test('is read into copies of what it says', () => {
    const bytes = written(LABELS.groupState, fieldsOf({ title: filled(4, 3) }))
    const state = decodeGroupState(bytes)
    expect(encodeGroupState(state)).toEqual(bytes)
    bytes.fill(0)
    expect(state).toEqual({
      groupId: GROUP,
      epoch: 7,
      members: [
        { accountId: account(1), role: 'member', joined: true },
        { accountId: account(2), role: 'admin', joined: false },
      ],
      title: filled(4, 3),
      keysSince: 7,
      operationHash: filled(2),
    })
  })

  test('no field is shorter or longer, gone or there twice', () => {
    for (const [what, bytes] of misshapen(LABELS.groupState, fieldsOf())) {
      if (what === 'title longer') continue
      expect([what, codeOf(() => decodeGroupState(bytes))]).toEqual([what, 'protocol/malformed'])
    }
    for (const version of [0, 2]) expect(code({ version: u8(version) })).toBe('protocol/unsupported-version')
    // Whatever a later version looks like, it is one.
    expect(codeOf(() => decodeGroupState(T(LABELS.groupState, u8(2))))).toBe('protocol/unsupported-version')
  })

  test('members ascend, each is listed once, with a role and a flag that there are', () => {
    const [one, two] = [member(account(1)), member(account(2))]
    for (const members of [concatBytes(two, one), concatBytes(one, one), member(account(1), 0), member(account(1), 3), member(account(1), 1, 2)])
      expect(code({ members })).toBe('protocol/malformed')
    for (const members of [NO_HASH, one, concatBytes(one, two)]) expect(decode({ members }).members).toHaveLength(members.length / 18)
  })

  test('members are 1,000 at most, a title has up to 1,024 bytes, and keys are no newer than the state', () => {
    const many = (count: number): Fields => ({ members: concatBytes(...upTo(count).map((i) => member(account(i)))) })
    expect(decode(many(LIMITS.groupMembers)).members).toHaveLength(LIMITS.groupMembers)
    expect(code(many(LIMITS.groupMembers + 1))).toBe('protocol/malformed')
    expect(decode({ title: filled(1, LIMITS.groupTitleBytes) }).title).toHaveLength(LIMITS.groupTitleBytes)
    expect(code({ title: filled(1, LIMITS.groupTitleBytes + 1) })).toBe('protocol/malformed')
    expect(decode({ keysSince: u64(0) }).keysSince).toBe(0)
    expect(code({ keysSince: u64(8) })).toBe('protocol/malformed')
  })
})

describe('a stored group', () => {
  const state: GroupState = { ...group.state, epoch: 1_000 }
  const recordOf = (changes: Partial<GroupRecord>): GroupRecord => ({
    state,
    hash: groupStateHash(sodium, state),
    history: [],
    evidence: [],
    fork: null,
    forksSince: 0,
    ...changes,
  })
  const history = (...epochs: number[]) => recordOf({ history: epochs.map((epoch) => ({ epoch, hash: filled(epoch) })) })
  const evidence = (count: number) => recordOf({ evidence: upTo(count).map((i) => ({ epoch: i, operation: filled(i, 3 + i) })) })
  const readable = (record: GroupRecord): void => expect(decodeGroupRecord(sodium, encodeGroupRecord(record))).toEqual(record)
  const code = (record: GroupRecord | Uint8Array): string =>
    codeOf(() => decodeGroupRecord(sodium, record instanceof Uint8Array ? record : encodeGroupRecord(record)))
  const fork = { epoch: 3, stateHash: filled(8), accountId: bob.local.accountId }

  test('remembers up to 256 states, each before the next and before the present one', () => {
    for (const good of [history(), history(0), history(0, 1, 999), history(...upTo(LIMITS.groupHistory))]) readable(good)
    for (const bad of [history(1_000), history(3, 3), history(4, 3), history(1, 5, 4), history(...upTo(LIMITS.groupHistory + 1))])
      expect(code(bad)).toBe('storage/corrupt')
  })

  test('keeps up to 16 operations as evidence, and one fork or none', () => {
    for (const count of [0, LIMITS.groupEvidence]) readable(evidence(count))
    expect(code(evidence(LIMITS.groupEvidence + 1))).toBe('storage/corrupt')
    for (const forksSince of [0, 1_000]) for (const seen of [null, fork]) readable(recordOf({ fork: seen, forksSince }))
    expect(code(recordOf({ forksSince: 1_001 }))).toBe('storage/corrupt')
    const bytes = encodeGroupRecord(recordOf({}))
    bytes[bytes.length - 9] = 2
    expect(code(bytes)).toBe('storage/corrupt')
  })

  test('is read whole, of version 1, and into copies', () => {
    const record = recordOf({ history: history(4, 5).history, evidence: evidence(2).evidence, fork, forksSince: 2 })
    const bytes = encodeGroupRecord(record)
    cutAnywhere(bytes, (cut) => decodeGroupRecord(sodium, cut))
    for (const version of [0, 2]) expect(code(bytes.map((byte, i) => (i === 0 ? version : byte)))).toBe('protocol/unsupported-version')
    const read = decodeGroupRecord(sodium, bytes)
    bytes.fill(0)
    expect(read).toEqual(record)
  })
})

describe('stored sender keys', () => {
  const peer = taken(group, alice, own)
  const chain = peer.chains[0]!
  const kept = (...counters: number[]) => counters.map((counter) => ({ counter, messageKey: new Secret(filled(counter)), storedAt: START + counter }))
  const readableOwn = (changes: Partial<OwnChain>): void => {
    const value = { ...own, ...changes }
    expect(decodeOwnChain(encodeOwnChain(value))).toEqual(value)
  }
  const readable = (changes: Partial<PeerChains>): void => {
    const value = { ...peer, ...changes }
    expect(decodePeerChains(encodePeerChains(value))).toEqual(value)
  }
  const corruptOwn = (changes: Partial<OwnChain>): void => expect(codeOf(() => decodeOwnChain(encodeOwnChain({ ...own, ...changes })))).toBe('storage/corrupt')
  const corrupt = (changes: Partial<PeerChains>): void =>
    expect(codeOf(() => decodePeerChains(encodePeerChains({ ...peer, ...changes })))).toBe('storage/corrupt')
  const withByte = (bytes: Uint8Array, at: number, byte: number): Uint8Array => bytes.map((old, i) => (i === at ? byte : old))

  test('of this device: up to 500 messages, sent in no epoch before its own, with what was before or without', () => {
    const max = LIMITS.senderKeyMessages
    for (const next of [0, max]) readableOwn({ next })
    for (const length of [0, max]) readableOwn({ previous: { chainId: filled(6), length } })
    readableOwn({ epoch: 4, sentEpoch: 9 })
    corruptOwn({ next: max + 1 })
    corruptOwn({ previous: { chainId: filled(6), length: max + 1 } })
    corruptOwn({ epoch: 4, sentEpoch: 3 })
    corruptOwn({ deviceId: 0 as DeviceId })
    const bytes = encodeOwnChain(own)
    expect(codeOf(() => decodeOwnChain(withByte(bytes, bytes.length - 1, 2)))).toBe('storage/corrupt')
  })

  test('of another device: up to three chains and three lost ones, with keys that ascend and lie before the next', () => {
    const chains = (count: number) => ({ chains: upTo(count).map(() => chain) })
    const lost = (count: number) => ({ lost: upTo(count).map((i) => ({ chainId: filled(i), length: i })) })
    for (const count of [0, LIMITS.senderKeyChains]) for (const good of [chains(count), lost(count)]) readable(good)
    for (const bad of [chains(LIMITS.senderKeyChains + 1), lost(LIMITS.senderKeyChains + 1)]) corrupt(bad)
    const holding = (...counters: number[]) => ({ chains: [{ ...chain, next: 9, skipped: kept(...counters) }] })
    for (const good of [holding(0), holding(8), holding(0, 1, 8)]) readable(good)
    for (const bad of [holding(9), holding(3, 3), holding(3, 2)]) corrupt(bad)
    for (const chainKey of [null, chain.chainKey]) readable({ chains: [{ ...chain, chainKey, next: LIMITS.senderKeyMessages, epoch: 3, newestEpoch: 4 }] })
    corrupt({ chains: [{ ...chain, next: LIMITS.senderKeyMessages + 1 }] })
    corrupt({ chains: [{ ...chain, epoch: 4, newestEpoch: 3 }] })
    corrupt({ lost: [{ chainId: filled(1), length: LIMITS.senderKeyMessages + 1 }] })
    corrupt({ deviceId: 0 as DeviceId })
    // version, kind, owner, count, chain id, two epochs, signing key; then whether there is a chain key.
    const flag = 2 + 36 + 1 + 32 + 16 + 32
    const keyless = encodePeerChains({ ...peer, chains: [{ ...chain, chainKey: null }] })
    expect([keyless[flag], codeOf(() => decodePeerChains(withByte(keyless, flag, 2)))]).toEqual([0, 'storage/corrupt'])
  })

  test('are read whole, of version 1 and of their own kind, and into copies', () => {
    const mine = encodeOwnChain({ ...own, previous: { chainId: filled(6), length: 3 } })
    const theirs = encodePeerChains({ ...peer, chains: [{ ...chain, next: 9, skipped: kept(1, 3) }], lost: [{ chainId: filled(7), length: 2 }] })
    for (const [bytes, decode] of [
      [mine, decodeOwnChain],
      [theirs, decodePeerChains],
    ] as const) {
      cutAnywhere(bytes, decode)
      for (const version of [0, 2]) expect(codeOf(() => decode(withByte(bytes, 0, version)))).toBe('protocol/unsupported-version')
      for (const kind of [0, bytes === mine ? 2 : 1, 3]) expect(codeOf(() => decode(withByte(bytes, 1, kind)))).toBe('storage/corrupt')
      const [input, untouched] = [bytes.slice(), decode(bytes)]
      const read = decode(input)
      input.fill(0)
      expect(read).toEqual(untouched)
    }
  })
})

describe('a sender key distribution', () => {
  const fieldsOf = (chain: OwnChain, changes: Fields = {}): Fields => ({
    version: u8(1),
    group: idToBytes(GROUP),
    epoch: u64(chain.epoch),
    chainId: chain.chainId,
    next: u32(chain.next),
    chainKey: chain.chainKey.expose(),
    start: chain.start,
    key: concatBytes(u8(1), chain.signing.publicKey),
    previousId: NO_HASH,
    previousLength: u32(0),
    ...changes,
  })
  const input = { sender: pairwiseSender(alice.remote), view, known: null }
  const take = (distribution: Uint8Array, changes: Partial<typeof input> | { known: PeerChains } = {}): PeerChains =>
    acceptDistribution(groupDeps(), { ...input, ...changes, distribution })
  const accept = (changes: Fields, chain = own): PeerChains => take(written(LABELS.senderKeyDistribution, fieldsOf(chain, changes)))
  const before = (id: Uint8Array, length: number): Fields => ({ previousId: id, previousLength: u32(length) })

  test('no field is shorter or longer, gone or there twice', () => {
    expect(written(LABELS.senderKeyDistribution, fieldsOf(own))).toEqual(encodeDistribution(own))
    for (const changes of [{}, before(filled(1), 3)])
      for (const [what, bytes] of misshapen(LABELS.senderKeyDistribution, fieldsOf(own, changes)))
        expect([what, codeOf(() => take(bytes))]).toEqual([what, 'protocol/malformed'])
    for (const version of [0, 2]) expect(codeOf(() => accept({ version: u8(version) }))).toBe('protocol/unsupported-version')
    expect(codeOf(() => accept({ key: concatBytes(u8(2), own.signing.publicKey) }))).toBe('protocol/malformed')
  })

  test('counters go up to 500, and what was before has a name or no length', () => {
    const max = LIMITS.senderKeyMessages
    expect(accept({ next: u32(max) }).chains[0]?.next).toBe(max)
    expect(codeOf(() => accept({ next: u32(max + 1) }))).toBe('protocol/malformed')
    expect(accept(before(filled(1), max)).lost).toEqual([])
    expect(codeOf(() => accept(before(filled(1), max + 1)))).toBe('protocol/malformed')
    expect(codeOf(() => accept(before(NO_HASH, 1)))).toBe('protocol/malformed')
  })

  test('is read into copies', () => {
    const bytes = written(LABELS.senderKeyDistribution, fieldsOf(own, before(filled(1), 3)))
    const known = { ...taken(group, alice, own), chains: [{ ...taken(group, alice, own).chains[0]!, chainId: filled(5) }] }
    const read = take(bytes, { known })
    const stored = encodePeerChains(read)
    bytes.fill(0)
    expect(encodePeerChains(read)).toEqual(stored)
    expect(read.lost).toEqual([{ chainId: filled(1), length: 3 }])
  })

  test('of its first message it brings the key that its name was made of; of a later one any, which opens nothing that was said before', () => {
    expect(codeOf(() => accept({ chainKey: filled(1) }))).toBe('crypto/authentication-failed')
    expect(accept({ chainKey: filled(1), next: u32(1) }).chains[0]?.next).toBe(1)
    for (const changes of [{ start: filled(1) }, { epoch: u64(own.epoch - 1) }, { chainId: filled(1) }, { key: concatBytes(u8(1), filled(1)) }])
      expect(codeOf(() => accept(changes))).toBe('crypto/authentication-failed')
  })

  test('is for the present state: its chain was made neither before the last removal nor in a state that has not come', () => {
    const made = (epoch: number) => encodeDistribution(ownChain({ ...group, state: { ...group.state, epoch } }, alice))
    const at = (epoch: number, keysSince: number) => () => take(made(epoch), { view: { ...view, epoch: 7, keysSince } })
    for (const [epoch, since] of [
      [7, 7],
      [7, 0],
      [5, 5],
    ] as const)
      expect(at(epoch, since)().chains).toHaveLength(1)
    expect(codeOf(at(8, 0))).toBe('groups/stale-state')
    expect(codeOf(at(4, 5))).toBe('groups/stale-state')
  })

  test('goes to what is known of that very device in that very group', () => {
    const known = taken(group, alice, own)
    const others: Partial<PeerChains>[] = [
      { groupId: idFromBytes<ConversationId>(filled(1, 16)) },
      { accountId: bob.local.accountId },
      { deviceId: 2 as DeviceId },
    ]
    for (const other of others) expect(codeOf(() => take(encodeDistribution(own), { known: { ...known, ...other } }))).toBe('client/invalid-argument')
    const elsewhere = { ...view, groupId: idFromBytes<ConversationId>(filled(1, 16)) }
    expect(codeOf(() => take(encodeDistribution(own), { view: elsewhere }))).toBe('crypto/authentication-failed')
  })
})

describe('an invitation', () => {
  const invited = applied(group, alice, { type: 'add', accountId: dave.local.accountId, role: 'member' })
  const statementOf = (changes: Fields = {}): Fields => ({
    version: u8(1),
    group: idToBytes(GROUP),
    epoch: u64(invited.state.epoch),
    hash: invited.hash,
    invited: idToBytes(dave.local.accountId),
    account: idToBytes(alice.local.accountId),
    device: u32(1),
    manifestHash: filled(1),
    time: u64(START),
    ...changes,
  })
  const outerOf = (statement: Uint8Array, changes: Fields = {}): Fields => ({
    version: u8(1),
    statement,
    signature: sodium.ed25519Sign(alice.local.deviceKeys.signing.secretKey.expose(), statement),
    state: encodeGroupState(invited.state),
    titleKey: NO_HASH,
    ...changes,
  })
  const open = (invitation: Uint8Array) =>
    openInvitation(sodium, { sender: pairwiseSender(alice.remote), inviter: alice.remote, invitation, accountId: dave.local.accountId })
  const statement = (changes: Fields = {}): Uint8Array => written(LABELS.groupInvite, statementOf(changes))
  const opened = (said: Uint8Array, changes: Fields = {}) => open(written(LABELS.groupInvitation, outerOf(said, changes)))

  test('no field is shorter or longer, gone or there twice', () => {
    for (const titleKey of [NO_HASH, filled(4)])
      for (const [what, bytes] of misshapen(LABELS.groupInvitation, outerOf(statement(), { titleKey })))
        expect([what, codeOf(() => open(bytes))]).toEqual([what, 'protocol/malformed'])
    for (const [what, bytes] of misshapen(LABELS.groupInvite, statementOf())) expect([what, codeOf(() => opened(bytes))]).toEqual([what, 'protocol/malformed'])
    expect(codeOf(() => opened(statement({ version: u8(2) })))).toBe('protocol/unsupported-version')
    expect(codeOf(() => opened(statement(), { version: u8(2) }))).toBe('protocol/unsupported-version')
    expect(codeOf(() => opened(statement({ device: u32(0) })))).toBe('protocol/malformed')
  })

  test('says the same state inside and outside, and who signed for whom', () => {
    for (const changes of [
      { group: filled(1, 16) },
      { epoch: u64(invited.state.epoch + 1) },
      { hash: filled(1) },
      { invited: idToBytes(bob.local.accountId) },
      { account: idToBytes(bob.local.accountId) },
      { device: u32(2) },
      { manifestHash: filled(9) },
    ])
      expect(codeOf(() => opened(statement(changes)))).toBe('groups/invalid-operation')
  })

  test('is read into copies of what it says', () => {
    const said = statement()
    const fields = outerOf(said, { titleKey: filled(4) })
    const bytes = written(LABELS.groupInvitation, fields)
    const invitation = open(bytes)
    bytes.fill(0)
    expect(invitation).toEqual({
      state: invited.state,
      hash: invited.hash,
      inviter: { accountId: alice.local.accountId, deviceId: 1 },
      invited: dave.local.accountId,
      time: START,
      titleKey: new Secret(filled(4)),
      signed: concatBytes(said, fields.signature!),
    })
    expect(invitation.titleKey?.expose()).toEqual(filled(4))
    expect(opened(said).titleKey).toBeNull()
  })
})

describe('a request for a sender key', () => {
  const fields: Fields = { version: u8(1), group: idToBytes(GROUP), epoch: u64(3), chainId: filled(5) }

  test('no field is shorter or longer, gone or there twice', () => {
    const request = { groupId: GROUP, epoch: 3, chainId: filled(5) }
    const bytes = written(LABELS.senderKeyRequest, fields)
    expect(encodeSenderKeyRequest(request)).toEqual(bytes)
    const read = decodeSenderKeyRequest(bytes)
    bytes.fill(0)
    expect(read).toEqual(request)
    for (const [what, changed] of misshapen(LABELS.senderKeyRequest, fields))
      expect([what, codeOf(() => decodeSenderKeyRequest(changed))]).toEqual([what, 'protocol/malformed'])
    for (const version of [0, 2])
      expect(codeOf(() => decodeSenderKeyRequest(written(LABELS.senderKeyRequest, { ...fields, version: u8(version) })))).toBe('protocol/unsupported-version')
    for (const length of [31, 33]) expect(codeOf(() => encodeSenderKeyRequest({ ...request, chainId: filled(5, length) }))).toBe('client/invalid-argument')
  })
})

describe('the plaintext of a group message', () => {
  const fields: Fields = { common: bytesOf('hello'), version: u64(3), hash: filled(6) }
  const read = (...more: Uint8Array[]) => decodeGroupPlaintext(pad(T(LABELS.senderKeyPlaintext, ...Object.values(fields), ...more)))

  test('is the content and the manifest; a later version may say more', () => {
    const plaintext = { common: bytesOf('hello'), manifest: { version: 3, hash: filled(6) } }
    expect(read()).toEqual(plaintext)
    expect(read(filled(1))).toEqual(plaintext)
    expect(encodeGroupPlaintext(plaintext)).toEqual(pad(written(LABELS.senderKeyPlaintext, fields)))
    for (const length of [31, 33, 64])
      expect(codeOf(() => encodeGroupPlaintext({ ...plaintext, manifest: { version: 3, hash: filled(6, length) } }))).toBe('client/invalid-argument')
    for (const [what, bytes] of misshapen(LABELS.senderKeyPlaintext, fields)) {
      if (what.startsWith('common') ? what !== 'common gone' : what === 'hash twice') continue
      expect([what, codeOf(() => decodeGroupPlaintext(pad(bytes)))]).toEqual([what, 'protocol/malformed'])
    }
  })
})
