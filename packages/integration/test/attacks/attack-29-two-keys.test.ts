import { sendingSession, unpad } from '@securechat/crypto'
import { groupView, senderKeys } from '@securechat/crypto/group'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { concatBytes, idToBytes, joinEnvelope, type KnownEnvelope, LABELS, parseEnvelope, parseT, T, u32, u64 } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, FIRST_DEVICE, listenTo, network } from '../../src/attack-scene.js'
import { type MessageSecrets, messageSecrets, stepped, twoKeyCiphertext } from '../../src/forgery.js'
import { groupHeader, groupScene, shown, signedMessage } from '../../src/group-scene.js'
import { fields } from '../../src/ratchet-only.js'

closeNetworks()
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const provider = await sodiumProvider()

/** u32 length ‖ T(label, …, 32 bytes), without a byte of padding: its last 32 bytes may be anything. Gives all but them. */
function fullPlaintext(make: (filler: number) => Uint8Array): Uint8Array {
  for (let filler = 0; filler < 256; filler++) {
    const content = make(filler)
    if ((content.length + 4) % 256 === 0) return concatBytes(u32(content.length), content)
  }
  throw new Error('no filler fits')
}

/** One ciphertext for two keys: under the first it begins as the plaintext does. Both are shown to open it where nobody looks at commitments. */
function salamander(one: MessageSecrets, two: MessageSecrets, plaintext: Uint8Array): Uint8Array {
  const whole = provider.aeadSeal(one.key, one.nonce, { data: plaintext, associatedData: one.adHash })
  const ciphertext = twoKeyCiphertext([one, two], whole.subarray(0, plaintext.length - 32))
  const [a, b] = [one, two].map(({ key, nonce, adHash }) => provider.aeadOpen(key, nonce, { data: ciphertext, associatedData: adHash }))
  expect(a!.subarray(0, -32)).toEqual(plaintext.subarray(0, -32))
  expect(b).not.toEqual(a)
  return ciphertext
}

describe('attack 29: one ciphertext under two keys', () => {
  it('attack 29: a message for two running clients is read by the one whose commitment it has, and refused by the other', { timeout: 120_000 }, async () => {
    const net = await network()
    const [bob, carol] = [await net.client('Bob'), await net.client('Carol')]
    const mallory = await net.malicious.peer('Mallory')
    const victim = async (client: TestClient) => {
      const to = await net.drive(mallory.device(await accountOf(client), FIRST_DEVICE))
      const first = await net.drive(mallory.encrypt(to, { type: 'text', text: 'hello' }))
      await net.drive(mallory.send([{ to, envelope: first }]))
      await net.settle()
      const { send, th } = sendingSession(mallory.session(to)!)!.ratchet
      const { messageKey } = stepped(provider, send!.chainKey.expose(), LABELS.chain)
      const envelope = parseEnvelope(await net.drive(mallory.encrypt(to, { type: 'text', text: 'two keys' }))) as KnownEnvelope
      const { header, ciphertext } = envelope
      const ad = T(LABELS.associatedData, th, idToBytes(mallory.accountId), u32(mallory.deviceId), idToBytes(to.accountId), u32(to.deviceId), header)
      return { to, header, ciphertext, secrets: messageSecrets(provider, messageKey, ad) }
    }
    const [one, two] = [await victim(bob), await victim(carol)]
    const { key, nonce, adHash } = one.secrets
    const [common, own] = parseT(unpad(provider.aeadOpen(key, nonce, { data: one.ciphertext, associatedData: adHash })), LABELS.plaintext)
    const echoed = parseT(own!, LABELS.perSession).slice(0, 4)
    // In the place of a post-quantum chunk anything may stand: what is none is ignored.
    const plaintext = fullPlaintext((filler) => T(LABELS.plaintext, common!, T(LABELS.perSession, ...echoed, new Uint8Array(0), new Uint8Array(32 + filler))))
    const ciphertext = salamander(one.secrets, two.secrets, plaintext)
    const heard = [listenTo(bob), listenTo(carol)] as const
    for (const { to, header } of [one, two]) await net.drive(mallory.send([{ to, envelope: joinEnvelope(header, one.secrets.commitment, ciphertext) }]))
    await net.settle()
    expect(heard[0].messages).toEqual(['two keys'])
    expect(heard[0].failures).toEqual([])
    expect(heard[1].messages.filter((text) => text !== '')).toEqual([])
    expect(heard[1].failures).toEqual(['crypto/authentication-failed'])
  })

  it('attack 29: a group message for members who were given different keys of one chain is refused by all but one', { timeout: 180_000 }, async () => {
    const scene = await groupScene()
    ends.push(scene.end)
    const { alice, bob, mallory } = scene
    const own = senderKeys.start(mallory.deps, { view: groupView(mallory.group!), sender: mallory.account.local, replaces: null })
    // From a later place on, a chain key is not bound by the chain's name: here each gets another.
    const [version, group, epoch, chainId, , , ...rest] = parseT(senderKeys.distribution(own), LABELS.senderKeyDistribution)
    const keys = [mallory.deps.random(32), mallory.deps.random(32)] as const
    for (const [index, name] of ['alice', 'bob'].entries()) {
      const distribution = T(LABELS.senderKeyDistribution, version!, group!, epoch!, chainId!, u32(1), keys[index as 0 | 1], ...rest)
      mallory.send(name, 'sender-key', distribution)
    }
    const { header, ad } = groupHeader(mallory, { chainId: chainId!, counter: 1, as: mallory.account.local })
    const [one, two] = keys.map((key) => messageSecrets(provider, stepped(provider, key, LABELS.senderKeyChain).messageKey, ad)) as [
      MessageSecrets,
      MessageSecrets,
    ]
    const plaintext = fullPlaintext((filler) => T(LABELS.senderKeyPlaintext, fields('text', 'two keys', new Uint8Array(filler)), u64(1), new Uint8Array(32)))
    const sealed = concatBytes(one.commitment, salamander(one, two, plaintext))
    const message = signedMessage(mallory, { header, ad, sealed, signingKey: own.signing.secretKey.expose() })
    const row = { from: 'mallory', body: fields('group', message) }
    expect(await shown(scene, { name: 'alice', person: alice }, [row])).toEqual(['[group] mallory: two keys'])
    expect(await shown(scene, { name: 'bob', person: bob }, [row])).toEqual(['refused from mallory: crypto/authentication-failed'])
  })
})
