import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { idFromBytes, idToBytes, type MessageId } from '@securechat/protocol'
import { expect, test } from 'vitest'
import {
  applyGroupOperation,
  createGroup,
  decryptFromGroup,
  encodeDistribution,
  encodeGroupState,
  encodeSenderKeyRequest,
  encryptToGroup,
  groupView,
  joinGroup,
  openGroupTitle,
  openInvitation,
  sealGroupTitle,
  signInvitation,
} from '../../src/group/index.js'
import { type CryptoProvider, frankingCommitment, Secret } from '../../src/index.js'
import { pairwiseSender } from '../../src/session/sender.js'
import { GROUP, type GroupPerson, groupDeps, groupPerson, NO_HASH, nextOperation, operationOf, ownChain, said, taken } from '../support/groups.js'
import { bytesOf, START, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { unhex } from '../support/vectors.js'

/** docs/protocol/vectors/groups.json; SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/groups.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const [alice, bob] = [groupPerson(1), groupPerson(2)]
const creation = operationOf(alice, { epoch: 0, parentHash: NO_HASH }, { type: 'create', title: NO_HASH })
const titleKey = new Secret(new Uint8Array(32).fill(0x71))
const TITLE = 'Hiking'
const FRANKED = 'reportable'
const franked = { frankingKey: new Uint8Array(32).fill(0xf4), messageId: idFromBytes<MessageId>(new Uint8Array(16).fill(0x3d)) }

const device = ({ remote: { accountId, deviceId, signingKey, manifest } }: GroupPerson) => ({
  accountId,
  deviceId,
  signingKey: hex(signingKey),
  manifestHash: hex(manifest.hash.subarray(0, 32)),
})

/** Alice renames the group, invites Bob, and he accepts. */
function joining(provider: CryptoProvider) {
  const title = sealGroupTitle(groupDeps(provider), { titleKey: titleKey.expose(), groupId: GROUP, title: bytesOf(TITLE) })
  const created = createGroup(provider, creation)
  const rename = nextOperation(created, alice, { type: 'set-title', title })
  const renamed = applyGroupOperation(provider, created, rename)
  const add = nextOperation(renamed, alice, { type: 'add', accountId: bob.local.accountId, role: 'member' })
  const invited = applyGroupOperation(provider, renamed, add)
  const accept = nextOperation(invited, bob, { type: 'accept' })
  return { rename, add, accept, invited, joined: applyGroupOperation(provider, invited, accept) }
}

function compute(provider: CryptoProvider) {
  const record = createGroup(provider, creation)
  const own = ownChain(record, alice)
  const state = { state: hex(encodeGroupState(record.state)), stateHash: hex(record.hash) }
  const first = said(record, own, 'to the group')
  const { rename, add, accept, invited, joined } = joining(provider)
  const invitation = signInvitation(provider, { record: invited, local: alice.local, invited: bob.local.accountId, titleKey, time: START })
  const join = { title: TITLE, rename: hex(rename.operation), add: hex(add.operation), invitation: hex(invitation), accept: hex(accept.operation) }
  // A second chain, which says how long the first one was; its message is franked.
  const renewed = ownChain(joined, alice, { replaces: first.own, seed: 9 })
  const names = { conversationId: GROUP, accountId: alice.local.accountId, deviceId: alice.local.deviceId, ...franked }
  const franking = frankingCommitment(provider, { ...names, common: bytesOf(FRANKED) })
  const plaintext = { common: bytesOf(FRANKED), manifest: { version: 1, hash: new Uint8Array(32).fill(1) } }
  const sent = encryptToGroup(groupDeps(provider, START, 78), { own: renewed, view: groupView(joined), plaintext, franking, devicesRevokedAt: 0 })
  return {
    suite: 1,
    sender: device(alice),
    operation: hex(creation.operation),
    ...state,
    distribution: hex(encodeDistribution(own)),
    message: hex(first.message),
    common: 'to the group',
    join: { invited: device(bob), ...join, stateHash: hex(joined.hash) },
    renewed: {
      distribution: hex(encodeDistribution(renewed)),
      previousLength: 1,
      request: hex(encodeSenderKeyRequest({ groupId: GROUP, epoch: joined.state.epoch, chainId: renewed.chainId })),
      messageId: hex(idToBytes(franked.messageId)),
      frankingKey: hex(franked.frankingKey),
      message: hex(sent.message),
      common: FRANKED,
    },
  }
}

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces and reads the published vectors of groups', (provider) => {
  const published = JSON.parse(readFileSync(FILE, 'utf8')) as ReturnType<typeof compute>
  expect(compute(provider)).toEqual(published)
  const record = createGroup(provider, creation)
  const peer = taken(record, alice, ownChain(record, alice))
  const result = decryptFromGroup({ provider, now: START }, { peer, view: groupView(record), message: unhex(published.message) })
  expect(result.kind === 'message' && textOf(result.plaintext.common)).toBe(published.common)

  const invitation = openInvitation(provider, {
    sender: pairwiseSender(alice.remote),
    inviter: alice.remote,
    invitation: unhex(published.join.invitation),
    accountId: bob.local.accountId,
  })
  const titled = { titleKey: titleKey.expose(), groupId: GROUP, sealed: invitation.state.title }
  expect(textOf(openGroupTitle(groupDeps(provider), titled))).toBe(published.join.title)
  const log = [published.join.add, published.join.accept].map((operation, i) => ({ operation: unhex(operation), actor: [alice, bob][i]!.remote }))
  expect(hex(joinGroup(provider, { invitation, log }).hash)).toBe(published.join.stateHash)
})
