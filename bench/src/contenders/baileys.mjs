import libsignal from 'libsignal'

const { ProtocolAddress, SessionBuilder, SessionCipher, keyhelper } = libsignal

let people = 0

class Store {
  sessions = new Map()
  preKeys = new Map()
  identity = keyhelper.generateIdentityKeyPair()
  async loadSession(id) {
    return this.sessions.get(id)
  }
  async storeSession(id, record) {
    this.sessions.set(id, record)
  }
  isTrustedIdentity() {
    return true
  }
  async loadPreKey(id) {
    return this.preKeys.get(Number(id))
  }
  removePreKey(id) {
    this.preKeys.delete(Number(id))
  }
  loadSignedPreKey() {
    return this.signed.keyPair
  }
  getOurRegistrationId() {
    return 1
  }
  getOurIdentity() {
    return this.identity
  }
}

export class Person {
  constructor() {
    this.address = new ProtocolAddress(`person-${++people}`, 1)
    this.store = new Store()
    this.store.signed = keyhelper.generateSignedPreKey(this.store.identity, 1)
  }
  makeOneTime(id) {
    const preKey = keyhelper.generatePreKey(id)
    this.store.preKeys.set(id, preKey.keyPair)
    return preKey
  }
  bundle(oneTime) {
    const { signed, identity } = this.store
    return {
      registrationId: 1,
      identityKey: identity.pubKey,
      signedPreKey: { keyId: 1, publicKey: signed.keyPair.pubKey, signature: signed.signature },
      preKey: { keyId: oneTime.keyId, publicKey: oneTime.keyPair.pubKey },
    }
  }
  start(peer, bundle) {
    return new SessionBuilder(this.store, peer.address).initOutgoing(bundle)
  }
  cipher(peer) {
    return new SessionCipher(this.store, peer.address)
  }
}

export async function pair() {
  const [alice, bob] = [new Person(), new Person()]
  await alice.start(bob, bob.bundle(bob.makeOneTime(1)))
  const [a, b] = [alice.cipher(bob), bob.cipher(alice)]
  const bytes = (body) => (typeof body === 'string' ? Buffer.from(body, 'binary') : body)
  await b.decryptPreKeyWhisperMessage(bytes((await a.encrypt(Buffer.from('hello'))).body))
  await a.decryptWhisperMessage(bytes((await b.encrypt(Buffer.from('hello'))).body))
  const side = (cipher) => ({
    encrypt: async (plaintext) => bytes((await cipher.encrypt(Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength))).body),
    decrypt: (wire) => cipher.decryptWhisperMessage(wire),
  })
  return { alice: side(a), bob: side(b) }
}
