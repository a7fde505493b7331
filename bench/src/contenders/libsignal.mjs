import * as signal from '@signalapp/libsignal-client'

class Sessions extends signal.SessionStore {
  records = new Map()
  async saveSession(name, record) {
    this.records.set(name.toString(), record)
  }
  async getSession(name) {
    return this.records.get(name.toString()) ?? null
  }
  async getExistingSessions(addresses) {
    return addresses.map((address) => this.records.get(address.toString()))
  }
}

class Identities extends signal.IdentityKeyStore {
  known = new Map()
  constructor(keys) {
    super()
    this.keys = keys
  }
  async getIdentityKey() {
    return this.keys.privateKey
  }
  async getIdentityKeyPair() {
    return this.keys
  }
  async getLocalRegistrationId() {
    return 1
  }
  async saveIdentity(name, key) {
    this.known.set(name.toString(), key)
    return signal.IdentityChange.NewOrUnchanged
  }
  async isTrustedIdentity() {
    return true
  }
  async getIdentity(name) {
    return this.known.get(name.toString()) ?? null
  }
}

class PreKeys extends signal.PreKeyStore {
  keys = new Map()
  async savePreKey(id, record) {
    this.keys.set(id, record)
  }
  async getPreKey(id) {
    return this.keys.get(id)
  }
  async removePreKey(id) {
    this.keys.delete(id)
  }
}

class SignedPreKeys extends signal.SignedPreKeyStore {
  keys = new Map()
  async saveSignedPreKey(id, record) {
    this.keys.set(id, record)
  }
  async getSignedPreKey(id) {
    return this.keys.get(id)
  }
}

class KyberPreKeys extends signal.KyberPreKeyStore {
  keys = new Map()
  async saveKyberPreKey(id, record) {
    this.keys.set(id, record)
  }
  async getKyberPreKey(id) {
    return this.keys.get(id)
  }
  async markKyberPreKeyUsed() {}
}

class SenderKeys extends signal.SenderKeyStore {
  records = new Map()
  async saveSenderKey(sender, distributionId, record) {
    this.records.set(`${sender.toString()}/${distributionId}`, record)
  }
  async getSenderKey(sender, distributionId) {
    return this.records.get(`${sender.toString()}/${distributionId}`) ?? null
  }
}

let people = 0

export class Person {
  constructor() {
    this.address = signal.ProtocolAddress.new(`00000000-0000-4000-8000-${String(++people).padStart(12, '0')}`, 1)
    this.keys = signal.IdentityKeyPair.generate()
    this.sessions = new Sessions()
    this.identities = new Identities(this.keys)
    this.preKeys = new PreKeys()
    this.signedPreKeys = new SignedPreKeys()
    this.kyberPreKeys = new KyberPreKeys()
    this.senderKeys = new SenderKeys()
  }

  async makeSigned() {
    const secret = signal.PrivateKey.generate()
    const key = secret.getPublicKey()
    const signature = this.keys.privateKey.sign(key.serialize())
    await this.signedPreKeys.saveSignedPreKey(1, signal.SignedPreKeyRecord.new(1, Date.now(), key, secret, signature))
    this.signed = { key, signature }
  }

  /** One-time pair `id`: X25519 and a signed Kyber key, as Signal's own clients upload them. */
  async makeOneTime(id) {
    const secret = signal.PrivateKey.generate()
    await this.preKeys.savePreKey(id, signal.PreKeyRecord.new(id, secret.getPublicKey(), secret))
    const kyber = signal.KEMKeyPair.generate()
    const signature = this.keys.privateKey.sign(kyber.getPublicKey().serialize())
    await this.kyberPreKeys.saveKyberPreKey(id, signal.KyberPreKeyRecord.new(id, Date.now(), kyber, signature))
    return { id, key: secret.getPublicKey(), kyber: kyber.getPublicKey(), kyberSignature: signature }
  }

  bundle(oneTime) {
    return signal.PreKeyBundle.new(
      1,
      1,
      oneTime.id,
      oneTime.key,
      1,
      this.signed.key,
      this.signed.signature,
      this.keys.publicKey,
      oneTime.id,
      oneTime.kyber,
      oneTime.kyberSignature,
    )
  }

  start(peer, bundle) {
    return signal.processPreKeyBundle(bundle, peer.address, this.address, this.sessions, this.identities)
  }
  async encrypt(peer, plaintext) {
    const message = await signal.signalEncrypt(plaintext, peer.address, this.address, this.sessions, this.identities)
    return message.serialize()
  }
  decryptFirst(peer, wire) {
    return signal.signalDecryptPreKey(
      signal.PreKeySignalMessage.deserialize(wire),
      peer.address,
      this.address,
      this.sessions,
      this.identities,
      this.preKeys,
      this.signedPreKeys,
      this.kyberPreKeys,
    )
  }
  decrypt(peer, wire) {
    return signal.signalDecrypt(signal.SignalMessage.deserialize(wire), peer.address, this.address, this.sessions, this.identities)
  }
}

export async function pair() {
  const [alice, bob] = [new Person(), new Person()]
  await bob.makeSigned()
  await alice.start(bob, bob.bundle(await bob.makeOneTime(1)))
  await bob.decryptFirst(alice, await alice.encrypt(bob, Buffer.from('hello')))
  await alice.decrypt(bob, await bob.encrypt(alice, Buffer.from('hello')))
  await bob.decrypt(alice, await alice.encrypt(bob, Buffer.from('hello')))
  return {
    alice: { encrypt: (plaintext) => alice.encrypt(bob, plaintext), decrypt: (wire) => alice.decrypt(bob, wire) },
    bob: { encrypt: (plaintext) => bob.encrypt(alice, plaintext), decrypt: (wire) => bob.decrypt(alice, wire) },
    sessionBytes: () => bob.sessions.records.get(alice.address.toString()).serialize().length,
  }
}

export { signal }
