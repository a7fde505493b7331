import { type CryptoProvider, decodePreKey } from '@securechat/crypto'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { encodeEnvelopeHeader, encodeHandshakeHeader, joinEnvelope, type KnownEnvelope, parseEnvelope } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, expectUnchanged, listenTo, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const sodium = await sodiumProvider()
/** What senders have encapsulated, newest last: known to whoever holds the private key. */
const encapsulated: Uint8Array[] = []

/**
 * A KEM as bad as the attack needs: the shared secret is the sender's free choice, sealed for the key by ElGamal, so that whoever learns it can
 * encapsulate the same again for another key. ML-KEM is better than that; PQXDH must not need it to be (Bhargavan et al., 2024).
 */
const weakKem: CryptoProvider = {
  ...sodium,
  name: 're-encapsulable',
  mlkem768KeyPair(seed) {
    const secret = seed.slice(0, 32)
    const publicKey = new Uint8Array(1184)
    publicKey.set(sodium.x25519PublicKey(secret))
    return { publicKey, secretKey: Uint8Array.from({ length: 2400 }, (_, i) => secret[i] ?? 0) }
  },
  mlkem768Encapsulate(publicKey, sharedSecret) {
    encapsulated.push(sharedSecret.slice())
    const secret = sodium.blake2b(32, sharedSecret)
    const mask = sodium.blake2b(32, sodium.x25519(secret, publicKey.subarray(0, 32)))
    const ciphertext = new Uint8Array(1088)
    ciphertext.set(sodium.x25519PublicKey(secret))
    for (let i = 0; i < 32; i++) ciphertext[32 + i] = sharedSecret[i]! ^ mask[i]!
    return { ciphertext, sharedSecret: sharedSecret.slice() }
  },
  mlkem768Decapsulate(ciphertext, secretKey) {
    const mask = sodium.blake2b(32, sodium.x25519(secretKey.slice(0, 32), ciphertext.slice(0, 32)))
    return Uint8Array.from(mask, (byte, i) => byte ^ ciphertext[32 + i]!)
  },
}

describe('attack 10: the shared secret of one KEM key, encapsulated again for another', () => {
  it('attack 10: gives no session, although the secret is the same', async () => {
    const net = await network({ crypto: weakKem })
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const eve = await net.malicious.peer('Eve')
    const bobs = await net.drive(eve.device(await accountOf(bob)))
    await net.drive(bob.devices.safetyNumber(await accountOf(alice)))
    // An older last-resort key, of which the attacker has got hold, and the one that took its place.
    const older = await net.drive(eve.bundle(bobs))
    await net.clock.jump(8 * 86_400_000)
    await net.advance(10_000)
    const newer = await net.drive(eve.bundle(bobs))
    const target = decodePreKey(newer.lastResort)
    expect(target.keyId).toBeGreaterThan(decodePreKey(older.lastResort).keyId)

    // Without one-time pairs, whose X25519 halves would tell the two keys apart.
    net.malicious.on('prekeys.fetch', async ({ forward }) => {
      const { bundles } = await forward()
      return { bundles: bundles.map(({ deviceId, signed }) => ({ deviceId, signed, lastResort: older.lastResort })) }
    })
    const end = net.malicious.onDeliver(() => [])
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    await chat.send('secret')
    await net.advance(2_000)
    end()
    const { row } = net.malicious.rows.at(-1)!
    const envelope = parseEnvelope(row.envelope) as KnownEnvelope
    const stolen = encapsulated.at(-1)!
    const { ciphertext, sharedSecret } = weakKem.mlkem768Encapsulate(target.kemKey!, stolen)
    expect(sharedSecret).toEqual(stolen)
    const handshake = encodeHandshakeHeader({ ...envelope.handshake!, kemKeyId: target.keyId, kemCiphertext: ciphertext })
    const header = encodeEnvelopeHeader(envelope.ratchet, handshake)
    const heard = listenTo(bob)
    const before = await stateOf(bob)
    net.malicious.deliver('Bob', [{ ...row, envelope: joinEnvelope(header, envelope.keyCommitment, envelope.ciphertext) }])
    await net.advance(2_000)
    expect(heard.messages).toEqual([])
    await expectUnchanged(bob, before)

    net.malicious.deliver('Bob', [row])
    await net.advance(2_000)
    expect(await received(bob)).toEqual(['secret'])
  })
})
