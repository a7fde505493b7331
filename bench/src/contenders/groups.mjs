import { randomBytes } from 'node:crypto'
import * as group from '../../../packages/crypto/dist/group.js'
import { signal } from './libsignal.mjs'
import { olm, ready } from './olm.mjs'
import { crypto, cryptoDeps, NOTHING, person } from './securechat.mjs'

const id = () => Buffer.from(randomBytes(16)).toString('base64url')

/** A group that `people` have joined, with the first of them as its administrator. */
export function groupOf(deps, people) {
  const { provider } = deps
  const groupId = id()
  const signed = (by, place, change) => ({
    operation: group.signGroupOperation(provider, { groupId, ...place, change, time: deps.now, local: by.local }),
    actor: by.remote,
  })
  const [admin, ...others] = people
  let record = group.createGroup(provider, signed(admin, { epoch: 0, parentHash: NOTHING }, { type: 'create', title: NOTHING }))
  const apply = (by, change) => {
    record = group.applyGroupOperation(provider, record, signed(by, { epoch: record.state.epoch + 1, parentHash: record.hash }, change))
  }
  for (const other of others) {
    apply(admin, { type: 'add', accountId: other.accountId, role: 'member' })
    apply(other, { type: 'accept' })
  }
  return group.groupView(record)
}

/** Alice writes to the group and Bob reads; keys come to him as they would, inside a message of a session. */
export async function ours(providerName = 'sodium') {
  const deps = await cryptoDeps(providerName)
  const [alice, bob] = [person(deps), person(deps)]
  const view = groupOf(deps, [alice, bob])
  const first = crypto.encryptMessage(deps, {
    record: null,
    local: alice.local,
    remote: bob.remote,
    bundle: bob.bundle(),
    plaintext: { common: NOTHING, perSession: NOTHING },
  })
  const hello = { record: null, local: bob.local, remote: alice.remote, envelope: first.envelope, preKeys: bob.preKeys() }
  const { sender } = crypto.decryptMessage(deps, hello)
  const manifest = crypto.manifestRef(alice.local.manifest)
  let own = group.startChain(deps, { view, sender: alice.local, replaces: null })
  let peer = group.acceptDistribution(deps, { sender, distribution: group.encodeDistribution(own), view, known: null })
  const distributions = new Map()
  return {
    /** 500 messages are the end of a chain: making the next one is part of the time. */
    encrypt(common) {
      let renewed = null
      if (group.renewalDue(own, { view, now: deps.now, devicesRevokedAt: 0 })) {
        own = group.startChain(deps, { view, sender: alice.local, replaces: own })
        renewed = group.encodeDistribution(own)
      }
      const sent = group.encryptToGroup(deps, { own, view, plaintext: { common, manifest }, franking: null, devicesRevokedAt: 0 })
      own = sent.own
      if (renewed) distributions.set(sent.message, renewed)
      return sent.message
    },
    decrypt(message) {
      const distribution = distributions.get(message)
      if (distribution) {
        peer = group.acceptDistribution(deps, { sender, distribution, view, known: peer })
        distributions.delete(message)
      }
      const read = group.decryptFromGroup(deps, { peer, view, message })
      peer = read.peer
      return read.plaintext.common
    },
  }
}

let addresses = 0
export async function libsignal() {
  const address = signal.ProtocolAddress.new(`00000000-0000-4000-9000-${String(++addresses).padStart(12, '0')}`, 1)
  const distributionId = '00000000-0000-4000-8000-000000000001'
  const stores = [new KeptSenderKeys(), new KeptSenderKeys()]
  const [mine, theirs] = stores
  const distribution = await signal.SenderKeyDistributionMessage.create(address, distributionId, mine)
  await signal.processSenderKeyDistributionMessage(address, signal.SenderKeyDistributionMessage.deserialize(distribution.serialize()), theirs)
  return {
    encrypt: async (plaintext) => (await signal.groupEncrypt(address, distributionId, mine, plaintext)).serialize(),
    decrypt: (wire) => signal.groupDecrypt(address, theirs, wire),
  }
}

export class KeptSenderKeys extends signal.SenderKeyStore {
  records = new Map()
  async saveSenderKey(sender, distributionId, record) {
    this.records.set(`${sender.toString()}/${distributionId}`, record)
  }
  async getSenderKey(sender, distributionId) {
    return this.records.get(`${sender.toString()}/${distributionId}`) ?? null
  }
}

/** Megolm. Strings in, strings out, as with olm's sessions. */
export async function megolm() {
  await ready
  const outbound = new olm.OutboundGroupSession()
  outbound.create()
  const inbound = new olm.InboundGroupSession()
  inbound.create(outbound.session_key())
  return {
    text: true,
    encrypt: (text) => outbound.encrypt(text),
    decrypt: (wire) => inbound.decrypt(wire).plaintext,
    end() {
      outbound.free()
      inbound.free()
    },
  }
}
