import { randomUUID } from 'node:crypto'
import * as matrix from '@matrix-org/matrix-sdk-crypto-wasm'
import * as group from '../../../packages/crypto/dist/group.js'
import { expectSame, timed } from '../rounds.mjs'
import { groupOf, KeptSenderKeys } from './groups.mjs'
import { Person, signal } from './libsignal.mjs'
import { identity, olm, oneTimeKey, ready } from './olm.mjs'
import { crypto, cryptoDeps, NOTHING, person } from './securechat.mjs'
import * as tsMls from './ts-mls.mjs'

/**
 * A new sender key for each of `members` members, in messages of sessions that exist and that have carried a message each way. Each run makes and sends one
 * key; that every member reads it, and with it a message to the group, is checked outside of the time.
 */
export async function ours(members, providerName = 'sodium') {
  const deps = await cryptoDeps(providerName)
  const { provider } = deps
  const alice = person(deps)
  const peers = Array.from({ length: members }, () => person(deps))
  const view = groupOf(deps, [alice, ...peers])
  const plaintext = { common: NOTHING, perSession: NOTHING }
  const ends = peers.map((bob) => {
    const first = crypto.encryptMessage(deps, { record: null, local: alice.local, remote: bob.remote, bundle: bob.bundle(), plaintext })
    const read = crypto.decryptMessage(deps, { record: null, local: bob.local, remote: alice.remote, envelope: first.envelope, preKeys: bob.preKeys() })
    const answer = crypto.encryptMessage(deps, { record: read.record, local: bob.local, remote: alice.remote, plaintext })
    const { record } = crypto.decryptMessage(deps, { record: first.record, local: alice.local, remote: bob.remote, envelope: answer.envelope, preKeys: {} })
    return { bob, mine: record, theirs: answer.record, known: null }
  })
  const manifest = crypto.manifestRef(alice.local.manifest)
  let own = null
  return async () => {
    let sent
    const ms = await timed(() => {
      own = group.startChain(deps, { view, sender: alice.local, replaces: own })
      const recipients = ends.map(({ bob, mine }) => ({ remote: bob.remote, record: mine }))
      sent = group.distributeSenderKey(deps, { own, view, local: alice.local, recipients })
    })
    const message = group.encryptToGroup(deps, { own, view, plaintext: { common: own.chainId, manifest }, franking: null, devicesRevokedAt: 0 }).message
    for (const [i, end] of ends.entries()) {
      const { record, envelope } = sent[i]
      const read = crypto.decryptMessage(deps, { record: end.theirs, local: end.bob.local, remote: alice.remote, envelope, preKeys: {} })
      end.known = group.acceptDistribution(deps, { sender: read.sender, distribution: read.plaintext.common, view, known: end.known })
      expectSame(group.decryptFromGroup({ provider, now: deps.now }, { peer: end.known, view, message }).plaintext.common, own.chainId)
      end.mine = record
      end.theirs = read.record
    }
    return ms
  }
}

export async function libsignal(members) {
  const alice = new Person()
  const peers = Array.from({ length: members }, () => new Person())
  for (const bob of peers) {
    await bob.makeSigned()
    await alice.start(bob, bob.bundle(await bob.makeOneTime(1)))
    await bob.decryptFirst(alice, await alice.encrypt(bob, Buffer.from('hello')))
    await alice.decrypt(bob, await bob.encrypt(alice, Buffer.from('hello')))
  }
  const mine = new KeptSenderKeys()
  const theirs = peers.map(() => new KeptSenderKeys())
  return async () => {
    const id = randomUUID()
    const sent = []
    const ms = await timed(async () => {
      const key = (await signal.SenderKeyDistributionMessage.create(alice.address, id, mine)).serialize()
      for (const bob of peers) sent.push(await alice.encrypt(bob, key))
    })
    const message = (await signal.groupEncrypt(alice.address, id, mine, Buffer.from('hello'))).serialize()
    for (const [i, bob] of peers.entries()) {
      const key = signal.SenderKeyDistributionMessage.deserialize(await bob.decrypt(alice, sent[i]))
      await signal.processSenderKeyDistributionMessage(alice.address, key, theirs[i])
      expectSame(await signal.groupDecrypt(alice.address, theirs[i], message), Buffer.from('hello'))
    }
    return ms
  }
}

/** A Megolm session key in a message of each Olm session. */
export async function megolm(members) {
  await ready
  const account = new olm.Account()
  account.create()
  const ends = Array.from({ length: members }, () => {
    const bob = new olm.Account()
    bob.create()
    const [mine, theirs] = [new olm.Session(), new olm.Session()]
    mine.create_outbound(account, identity(bob).curve25519, oneTimeKey(bob))
    const first = mine.encrypt('hello')
    theirs.create_inbound(bob, first.body)
    theirs.decrypt(first.type, first.body)
    const answer = theirs.encrypt('hello')
    mine.decrypt(answer.type, answer.body)
    bob.free()
    return { mine, theirs }
  })
  return async () => {
    const outbound = new olm.OutboundGroupSession()
    let sent
    const ms = await timed(() => {
      outbound.create()
      const key = outbound.session_key()
      sent = ends.map(({ mine }) => mine.encrypt(key))
    })
    const message = outbound.encrypt('hello')
    for (const [i, { theirs }] of ends.entries()) {
      const inbound = new olm.InboundGroupSession()
      inbound.create(theirs.decrypt(sent[i].type, sent[i].body))
      if (inbound.decrypt(message).plaintext !== 'hello') throw new Error('a plaintext came out changed')
      inbound.free()
    }
    outbound.free()
    return ms
  }
}

const ROOM = '!room:localhost'
const answerTo = (machine, request, body) => machine.markRequestAsSent(request.id, request.type, JSON.stringify(body))

async function matrixMachine(name) {
  const machine = await matrix.OlmMachine.initialize(new matrix.UserId(`@${name}:localhost`), new matrix.DeviceId('DEVICE'))
  let uploaded
  for (const request of await machine.outgoingRequests()) {
    if (request.type !== matrix.RequestType.KeysUpload) continue
    uploaded = JSON.parse(request.body)
    await answerTo(machine, request, { one_time_key_counts: { signed_curve25519: Object.keys(uploaded.one_time_keys).length } })
  }
  return { user: `@${name}:localhost`, machine, ...uploaded }
}

/** The machine of Matrix's clients: it shares the key of a room with all devices of all members, which it knows from key queries. */
export async function matrixSdk(members) {
  await matrix.initAsync()
  const alice = await matrixMachine('alice')
  const peers = []
  for (let i = 0; i < members; i++) peers.push(await matrixMachine(`bob${i}`))
  const users = () => peers.map(({ user }) => new matrix.UserId(user))
  await alice.machine.updateTrackedUsers(users())
  const byUser = (value) => Object.fromEntries(peers.map((peer) => [peer.user, { DEVICE: value(peer) }]))
  for (const request of await alice.machine.outgoingRequests())
    if (request.type === matrix.RequestType.KeysQuery) await answerTo(alice.machine, request, { device_keys: byUser((peer) => peer.device_keys), failures: {} })
  for (let claim = await alice.machine.getMissingSessions(users()); claim; claim = await alice.machine.getMissingSessions(users()))
    await answerTo(alice.machine, claim, { one_time_keys: byUser((peer) => Object.fromEntries([Object.entries(peer.one_time_keys)[0]])), failures: {} })
  const room = () => new matrix.RoomId(ROOM)
  return async () => {
    await alice.machine.invalidateGroupSession(room())
    let sent
    const ms = await timed(async () => {
      sent = await alice.machine.shareRoomKey(room(), users(), new matrix.EncryptionSettings())
    })
    const content = JSON.parse(await alice.machine.encryptRoomEvent(room(), 'm.room.message', JSON.stringify({ body: 'hello' })))
    const messages = Object.assign({}, ...sent.map(({ body }) => JSON.parse(body).messages))
    for (const request of sent) await answerTo(alice.machine, request, {})
    const event = { type: 'm.room.encrypted', event_id: '$1', sender: alice.user, room_id: ROOM, origin_server_ts: 0, content }
    const settings = () => new matrix.DecryptionSettings(matrix.TrustRequirement.Untrusted)
    for (const { user, machine } of peers) {
      const toDevice = [{ type: 'm.room.encrypted', sender: alice.user, content: messages[user].DEVICE }]
      await machine.receiveSyncChanges(JSON.stringify(toDevice), new matrix.DeviceLists(), new Map(), undefined, settings())
      const read = await machine.decryptRoomEvent(JSON.stringify(event), room(), settings())
      if (JSON.parse(read.event).content.body !== 'hello') throw new Error('a plaintext came out changed')
    }
    return ms
  }
}

/** One commit that adds all members and welcomes them. It is read by one of them: joining costs each as much as forming, and is not the sender's time. */
export async function mls(members) {
  const impl = await tsMls.suite()
  const alice = await tsMls.keyPackage(impl, 'alice')
  const packages = []
  for (let i = 0; i < members; i++) packages.push(await tsMls.keyPackage(impl, `bob ${i}`))
  return async () => {
    let formed
    const ms = await timed(async () => {
      formed = await tsMls.form(impl, alice, packages)
    })
    const joined = await tsMls.join(impl, formed, packages[members - 1])
    const { wire } = await tsMls.encrypt(impl, formed.state, Buffer.from('hello'))
    expectSame((await tsMls.decrypt(impl, joined, wire)).plaintext, Buffer.from('hello'))
    return ms
  }
}
