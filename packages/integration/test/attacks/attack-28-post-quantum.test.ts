import { sodiumProvider } from '@securechat/crypto/sodium'
import { concatBytes, ENVELOPE_FLAGS, type KnownEnvelope, LIMITS, parseEnvelope } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { closeNetworks, type Heard, listenTo, received, stateOf } from '../../src/attack-scene.js'
import { type PeerScene, peerScene } from '../../src/peer-scene.js'

closeNetworks()

const DAY = 86_400_000
const provider = await sodiumProvider()
const RATCHET_END = 4 + 48

function marked(envelope: Uint8Array, epoch: number): Uint8Array {
  const header = envelope.slice(0, RATCHET_END)
  const had = ((header[3] as number) & ENVELOPE_FLAGS.pqEpoch) !== 0
  header[3] = epoch === 0 ? (header[3] as number) & ~ENVELOPE_FLAGS.pqEpoch : (header[3] as number) | ENVELOPE_FLAGS.pqEpoch
  return concatBytes(header, epoch === 0 ? new Uint8Array(0) : Uint8Array.of(0, 0, 0, epoch), envelope.subarray(RATCHET_END + (had ? 4 : 0)))
}
const textsOf = ({ messages }: Heard): string[] => messages.filter((text) => text !== '')
const epochIn = (envelope: Uint8Array): number => (parseEnvelope(envelope) as KnownEnvelope).ratchet.pqEpoch ?? 0

/** Turn by turn, honestly, until `done`. */
async function talk(scene: PeerScene, done: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; !(await done()); i++) {
    if (i > 60) throw new Error('it does not come')
    await scene.says(`Mallory ${i}`)
    await scene.answers(`Bob ${i}`)
  }
}

describe('attack 28: a peer that holds real session state, against a running client', () => {
  it('attack 28: stall: a peer that withholds every chunk is told of after 14 days, and all that it writes is read', { timeout: 120_000 }, async () => {
    const scene = await peerScene('Mallory')
    const { net, bob, mallory } = scene
    const told: string[] = []
    bob.on('pq-stalled', ({ accountId }) => void told.push(accountId))
    const heard = listenTo(bob)
    const texts: string[] = []
    const turn = async (): Promise<void> => {
      // Never due: no key is offered. What it says of its clock and its sends is its own affair.
      scene.patchMallory((session) => ({
        ...session,
        ratchet: { ...session.ratchet, pq: { ...session.ratchet.pq, phase: { kind: 'idle' }, sends: 0, since: net.clock.now() } },
      }))
      const said = Array.from({ length: 7 }, (_, i) => `${texts.length + i}`)
      await scene.says(...said)
      texts.push(...said)
      await scene.answers(...said.map((text) => `answer ${text}`))
    }
    const turns = Math.ceil(LIMITS.pqStallChunks / 7) + 2
    for (let i = 0; i < turns; i++) await turn()
    expect(told).toEqual([])
    await net.clock.jump(LIMITS.pqStallDays * DAY)
    await net.settle()
    await turn()
    expect(told).toEqual([mallory.accountId])
    expect((await scene.pqOfBob()).epoch).toBe(0)
    expect(heard.messages).toEqual(texts)
    expect(heard.failures).toEqual([])
    // Once it ends the epoch comes.
    await talk(scene, async () => (await scene.pqOfBob()).epoch === 1 && scene.pqOfMallory().epoch === 1)
    expect(heard.failures).toEqual([])
  })

  it('attack 28: mixed chunks: those of two keys are never put together, nothing is lost, and with one key the epoch comes', { timeout: 120_000 }, async () => {
    const scene = await peerScene('Mallory')
    const { bob } = scene
    const heard = listenTo(bob)
    await talk(scene, () => scene.pqOfMallory().phase.kind === 'offering')
    const offered = scene.pqOfMallory().phase
    if (offered.kind !== 'offering') throw new Error('a key is offered')
    const other = provider.mlkem768KeyPair(new Uint8Array(64).fill(9)).publicKey
    for (let i = 0; i < 16; i++) {
      scene.patchMallory((session) => ({
        ...session,
        ratchet: {
          ...session.ratchet,
          pq: {
            ...session.ratchet.pq,
            // Under the name of the offered key, and under others.
            phase: { ...offered, next: i % 7, ek: i % 2 ? other : offered.ek, tag: i % 5 ? offered.tag : new Uint8Array(8).fill(i) },
          },
        },
      }))
      await scene.says(`mixed ${i}`)
      await scene.answers(`answer ${i}`)
      expect(['idle', 'collecting']).toContain((await scene.pqOfBob()).phase.kind)
    }
    scene.patchMallory((session) => ({ ...session, ratchet: { ...session.ratchet, pq: { ...session.ratchet.pq, phase: offered } } }))
    await talk(scene, async () => (await scene.pqOfBob()).epoch === 1 && scene.pqOfMallory().epoch === 1)
    expect(heard.failures).toEqual([])
    expect((await received(bob)).filter((text) => text.startsWith('mixed'))).toHaveLength(16)
  })

  it('attack 28: mixed chunks: an answer to another key is not taken, the session goes on, and the true answer makes the epoch', {
    timeout: 120_000,
  }, async () => {
    const scene = await peerScene('Bob')
    const heard = listenTo(scene.bob)
    await scene.says('hello')
    await talk(scene, () => scene.pqOfMallory().phase.kind === 'answering')
    const answer = scene.pqOfMallory().phase
    if (answer.kind !== 'answering') throw new Error('it is answered')
    const { ciphertext } = provider.mlkem768Encapsulate(provider.mlkem768KeyPair(new Uint8Array(64).fill(9)).publicKey, new Uint8Array(32))
    const put = (ct: Uint8Array) =>
      scene.patchMallory((session) => ({ ...session, ratchet: { ...session.ratchet, pq: { ...session.ratchet.pq, phase: { ...answer, ct, next: 0 } } } }))
    put(ciphertext)
    for (let i = 0; i < 9; i++) {
      await scene.says(`wrong ${i}`)
      await scene.answers(`answer ${i}`)
      expect((await scene.pqOfBob()).phase.kind).toBe('offering')
    }
    put(answer.ct)
    await talk(scene, async () => (await scene.pqOfBob()).epoch === 1 && scene.pqOfMallory().epoch === 1)
    await talk(scene, () => true)
    expect(heard.failures).toEqual([])
  })

  it('attack 28: downgrade: a marked message whose epoch is stripped or changed on its way leaves the client as it was', { timeout: 120_000 }, async () => {
    const scene = await peerScene('Mallory')
    const { net, bob, mallory, toBob } = scene
    await talk(scene, () => scene.pqOfMallory().phase.kind === 'ready')
    await scene.answers('one more turn')
    const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text: 'the marked one' }))
    expect(epochIn(envelope)).toBe(1)
    const heard = listenTo(bob)
    await net.settle()
    const sessions = async () => [...(await stateOf(bob))].filter(([key]) => key.startsWith('session/'))
    const before = await sessions()
    const sender = { accountId: mallory.accountId, deviceId: mallory.deviceId }
    for (const epoch of [0, 2, 255]) {
      net.malicious.deliver('Bob', [{ time: net.clock.now(), sender, envelope: marked(envelope, epoch) }])
      await net.advance(3_000)
      expect(await sessions(), `epoch ${epoch}`).toEqual(before)
    }
    // What cannot be read is shown as that: no text.
    expect(textsOf(heard)).toEqual([])
    await net.drive(mallory.send([{ to: toBob, envelope }]))
    await net.advance(3_000)
    expect(textsOf(heard)).toEqual(['the marked one'])
    expect((await scene.pqOfBob()).epoch).toBe(1)
    // And the same again and again, which is no news.
    net.malicious.deliver(
      'Bob',
      Array.from({ length: 5 }, () => ({ time: net.clock.now(), sender, envelope })),
    )
    await net.advance(3_000)
    expect(textsOf(heard)).toEqual(['the marked one'])
  })

  it('attack 28: downgrade: a peer that marks an unmarked chain, or leaves the mark out, is not read in it', { timeout: 120_000 }, async () => {
    const scene = await peerScene('Mallory')
    const { net, bob, mallory, toBob } = scene
    await talk(scene, () => scene.pqOfMallory().epoch === 1)
    const heard = listenTo(bob)
    const [chain] = await scene.says('of this chain')
    const genuine = mallory.session(toBob)
    const epoch = epochIn(chain!)
    for (const pqEpoch of [0, 1, 2].filter((other) => other !== epoch)) {
      scene.patchMallory((session) => ({ ...session, ratchet: { ...session.ratchet, send: session.ratchet.send && { ...session.ratchet.send, pqEpoch } } }))
      const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text: `with the mark ${pqEpoch}` }))
      expect(epochIn(envelope)).toBe(pqEpoch)
      mallory.setSession(toBob, genuine)
      await net.drive(mallory.send([{ to: toBob, envelope }]))
      await net.advance(3_000)
    }
    await scene.says('the true next one')
    expect(textsOf(heard)).toEqual(['of this chain', 'the true next one'])
    await scene.answers('still here')
    await scene.says('me too')
    expect(heard.messages.at(-1)).toBe('me too')
  })
})
