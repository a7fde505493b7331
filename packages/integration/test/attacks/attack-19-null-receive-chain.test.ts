import { decodePreKey, decodeSession, encryptMessage, localDevice, type SessionRecord, sendingSession } from '@securechat/crypto'
import { encodeEnvelopeHeader, encodeHandshakeHeader, joinEnvelope, type KnownEnvelope, parseEnvelope } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

async function scene() {
  const net = await network()
  const bob = await net.client('Bob')
  const mallory = await net.malicious.peer('Mallory')
  const toBob = await net.drive(mallory.device(await accountOf(bob)))
  const bundle = await net.drive(mallory.bundle(toBob))
  await net.drive(bob.devices.safetyNumber(mallory.accountId))
  const write = (text: string, change: (record: SessionRecord) => SessionRecord = (record) => record) => {
    const local = localDevice(mallory.manifest, mallory.deviceId, mallory.deviceKeys)
    const plaintext = (body: string) => ({ common: mallory.body(toBob.accountId, { type: 'text', text: body }), perSession: new Uint8Array(0) })
    // One that is thrown away makes the session; the next goes out under what was changed in it, with true keys.
    const { record } = encryptMessage(mallory.deps(), { record: null, local, remote: toBob, plaintext: plaintext('never sent'), bundle })
    return encryptMessage(mallory.deps(), { record: change(record), local, remote: toBob, plaintext: plaintext(text) }).envelope
  }
  const send = (envelope: Uint8Array) => net.drive(mallory.send([{ to: toBob, envelope }]))
  return { net, bob, mallory, bundle, write, send }
}
const withRatchet = (record: SessionRecord, change: object): SessionRecord => ({
  ...record,
  sessions: record.sessions.map((session) => ({ ...session, ratchet: { ...session.ratchet, ...change } })),
})

describe('attack 19: a responder that has no receive chain yet', () => {
  it('attack 19: refuses a previous chain, although every key and tag is right', async () => {
    const { net, bob, write, send } = await scene()
    const heard = listenTo(bob)
    const before = await stateOf(bob)
    for (const previousChainLength of [1, 2, 1_000, 0xffffffff]) {
      await send(write('too early', (record) => withRatchet(record, { previousChainLength })))
      await net.advance(1_000)
      await expectUnchanged(bob, before)
    }
    expect(heard.messages).toEqual([])
    await send(write('in order'))
    await net.settle()
    expect(await received(bob)).toEqual(['in order'])
  })

  it('attack 19: refuses zero, no key, and its own key as the first ratchet key', async () => {
    const { net, bob, bundle, write, send } = await scene()
    const genuine = write('in order')
    const { ratchet, handshake, keyCommitment, ciphertext } = parseEnvelope(genuine) as KnownEnvelope
    const withKey = (ratchetKey: Uint8Array): Uint8Array =>
      joinEnvelope(encodeEnvelopeHeader({ ...ratchet, ratchetKey }, encodeHandshakeHeader(handshake!)), keyCommitment, ciphertext)
    const own = decodePreKey(bundle.signed).dhKey!
    const keyAt = genuine.length - ciphertext.length - keyCommitment.length - 16 - 8 - 32
    const empty = Uint8Array.from([...genuine.subarray(0, keyAt), ...genuine.subarray(keyAt + 32)])
    expect(Buffer.from(genuine.subarray(keyAt, keyAt + 32))).toEqual(Buffer.from(ratchet.ratchetKey))
    const before = await stateOf(bob)
    for (const envelope of [withKey(new Uint8Array(32)), withKey(own), withKey(handshake!.ephemeralKey), empty]) {
      await send(envelope)
      await net.advance(1_000)
      await expectUnchanged(bob, before)
    }
    await send(genuine)
    await net.settle()
    expect(await received(bob)).toEqual(['in order'])
    const record = decodeSession([...(await stateOf(bob))].find(([key]) => key.startsWith('session/'))![1])
    expect(sendingSession(record)?.ratchet.receive).toHaveLength(1)
  })
})
