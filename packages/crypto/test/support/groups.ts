import { type AccountId, type ConversationId, type DeviceId, idFromBytes } from '@securechat/protocol'
import {
  acceptDistribution,
  applyGroupOperation,
  createGroup,
  encodeDistribution,
  encryptToGroup,
  type GroupChange,
  type GroupRecord,
  groupView,
  type OwnChain,
  type PeerChains,
  type ReceivedOperation,
  signGroupOperation,
  startChain,
} from '../../src/group/index.js'
import { type CryptoProvider, generateDeviceKeys, type LocalDevice, type RemoteDevice } from '../../src/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { bytesOf, START } from './people.js'
import { sodium } from './providers.js'
import { seededRandom } from './random.js'

export const GROUP = idFromBytes<ConversationId>(new Uint8Array(16).fill(0x47))
export const NO_HASH = new Uint8Array(0)

export interface GroupPerson {
  readonly local: LocalDevice
  readonly remote: RemoteDevice
}

/** A device with keys of its own under a made-up manifest. */
export function groupPerson(seed: number): GroupPerson {
  const deviceKeys = generateDeviceKeys({ provider: sodium, random: seededRandom(900 + seed) })
  const names = { accountId: idFromBytes<AccountId>(new Uint8Array(16).fill(seed)), deviceId: 1 as DeviceId }
  const manifest = { version: 1, hash: new Uint8Array(64).fill(seed) }
  const accountKey = new Uint8Array(32).fill(seed)
  return {
    local: { ...names, deviceKeys, accountKey, manifest },
    remote: { ...names, accountKey, manifest, signingKey: deviceKeys.signing.publicKey, identityKey: deviceKeys.identity.publicKey },
  }
}

export const groupDeps = (provider: CryptoProvider = sodium, now = START, seed = 5) => ({ provider, random: seededRandom(seed), now })

export function operationOf(
  actor: GroupPerson,
  place: { epoch: number; parentHash: Uint8Array; groupId?: ConversationId },
  change: GroupChange,
): ReceivedOperation {
  const operation = signGroupOperation(sodium, { groupId: GROUP, ...place, change, time: START, local: actor.local })
  return { operation, actor: actor.remote }
}

export const nextOperation = (record: GroupRecord, actor: GroupPerson, change: GroupChange): ReceivedOperation =>
  operationOf(actor, { epoch: record.state.epoch + 1, parentHash: record.hash }, change)
export const applied = (record: GroupRecord, actor: GroupPerson, change: GroupChange): GroupRecord =>
  applyGroupOperation(sodium, record, nextOperation(record, actor, change))

/** A group of the first as administrator and all others as joined members. */
export function groupOf([admin, ...others]: readonly GroupPerson[]): GroupRecord {
  let record = createGroup(sodium, operationOf(admin!, { epoch: 0, parentHash: NO_HASH }, { type: 'create', title: NO_HASH }))
  for (const other of others) {
    record = applied(record, admin!, { type: 'add', accountId: other.local.accountId, role: 'member' })
    record = applied(record, other, { type: 'accept' })
  }
  return record
}

export function ownChain(
  record: GroupRecord,
  person: GroupPerson,
  { replaces = null, seed = 5 }: { replaces?: OwnChain | null; seed?: number } = {},
): OwnChain {
  return startChain(groupDeps(sodium, START, seed), { view: groupView(record), sender: person.local, replaces })
}
export const taken = (record: GroupRecord, from: GroupPerson, own: OwnChain, known: PeerChains | null = null): PeerChains =>
  acceptDistribution(groupDeps(), { sender: pairwiseSender(from.remote), distribution: encodeDistribution(own), view: groupView(record), known })

export function said(record: GroupRecord, own: OwnChain, words: string): { own: OwnChain; message: Uint8Array } {
  const plaintext = { common: bytesOf(words), manifest: { version: 1, hash: new Uint8Array(32).fill(1) } }
  return encryptToGroup(groupDeps(sodium, START, 77), { own, view: groupView(record), plaintext, franking: null, devicesRevokedAt: 0 })
}
