import lib from '@privacyresearch/libsignal-protocol-typescript'

const { KeyHelper, SessionBuilder, SessionCipher, SignalProtocolAddress } = lib

let people = 0

class Store {
  sessions = new Map()
  preKeys = new Map()
  signedPreKeys = new Map()
  async getIdentityKeyPair() {
    return this.identity
  }
  async getLocalRegistrationId() {
    return 1
  }
  async isTrustedIdentity() {
    return true
  }
  async saveIdentity() {
    return false
  }
  async loadPreKey(id) {
    return this.preKeys.get(Number(id))
  }
  async storePreKey(id, pair) {
    this.preKeys.set(Number(id), pair)
  }
  async removePreKey(id) {
    this.preKeys.delete(Number(id))
  }
  async storeSession(id, record) {
    this.sessions.set(id, record)
  }
  async loadSession(id) {
    return this.sessions.get(id)
  }
  async loadSignedPreKey(id) {
    return this.signedPreKeys.get(Number(id))
  }
  async storeSignedPreKey(id, pair) {
    this.signedPreKeys.set(Number(id), pair)
  }
  async removeSignedPreKey(id) {
    this.signedPreKeys.delete(Number(id))
  }
}

export class Person {
  constructor() {
    this.address = new SignalProtocolAddress(`person-${++people}`, 1)
    this.store = new Store()
  }
  async makeSigned() {
    this.store.identity = await KeyHelper.generateIdentityKeyPair()
    this.signed = await KeyHelper.generateSignedPreKey(this.store.identity, 1)
    await this.store.storeSignedPreKey(1, this.signed.keyPair)
  }
  async makeOneTime(id) {
    const preKey = await KeyHelper.generatePreKey(id)
    await this.store.storePreKey(id, preKey.keyPair)
    return preKey
  }
  bundle(oneTime) {
    return {
      registrationId: 1,
      identityKey: this.store.identity.pubKey,
      signedPreKey: { keyId: 1, publicKey: this.signed.keyPair.pubKey, signature: this.signed.signature },
      preKey: { keyId: oneTime.keyId, publicKey: oneTime.keyPair.pubKey },
    }
  }
  start(peer, bundle) {
    return new SessionBuilder(this.store, peer.address).processPreKey(bundle)
  }
  cipher(peer) {
    return new SessionCipher(this.store, peer.address)
  }
}

const buffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)

export async function pair() {
  const [alice, bob] = [new Person(), new Person()]
  await alice.makeSigned()
  await bob.makeSigned()
  await alice.start(bob, bob.bundle(await bob.makeOneTime(1)))
  const [a, b] = [alice.cipher(bob), bob.cipher(alice)]
  await b.decryptPreKeyWhisperMessage((await a.encrypt(buffer(Buffer.from('hello')))).body, 'binary')
  await a.decryptWhisperMessage((await b.encrypt(buffer(Buffer.from('hello')))).body, 'binary')
  const side = (cipher) => ({
    encrypt: async (plaintext) => (await cipher.encrypt(buffer(plaintext))).body,
    decrypt: (wire) => cipher.decryptWhisperMessage(wire, 'binary'),
  })
  return { alice: side(a), bob: side(b) }
}

export { buffer }
