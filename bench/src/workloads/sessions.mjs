import { Person as BaileysPerson } from '../contenders/baileys.mjs'
import { Person as SignalPerson } from '../contenders/libsignal.mjs'
import { identity, olm, oneTimeKey, ready } from '../contenders/olm.mjs'
import { buffer, Person as PrivacyPerson } from '../contenders/privacyresearch.mjs'
import { crypto, cryptoDeps, NOTHING, person } from '../contenders/securechat.mjs'
import { expectSame, timed } from '../rounds.mjs'

const HELLO = new Uint8Array(Buffer.from('hello'))

/**
 * Start a session and write its first message, and accept it: with everything verified on both sides (manifest and prekey signatures are verified
 * where ours has them), every time with a one-time key.
 */
const ours = (providerName) => async () => {
  const deps = await cryptoDeps(providerName)
  const alice = person(deps)
  return {
    async run(n) {
      const bob = person(deps, { preKeys: n })
      const keys = bob.batch.oneTime
      const sent = []
      const received = []
      const initiate = await timed(() => {
        for (let i = 0; i < n; i++) {
          const plaintext = { common: HELLO, perSession: NOTHING }
          sent.push(crypto.encryptMessage(deps, { record: null, local: alice.local, remote: bob.remote, bundle: bob.bundle(keys[i]), plaintext }).envelope)
        }
      })
      const accept = await timed(() => {
        for (let i = 0; i < n; i++) {
          received.push(
            crypto.decryptMessage(deps, { record: null, local: bob.local, remote: alice.remote, envelope: sent[i], preKeys: bob.preKeys(keys[i]) }).plaintext
              .common,
          )
        }
      })
      for (const common of received) expectSame(common, HELLO)
      return { initiate, accept }
    },
  }
}

const libsignal = async () => ({
  async run(n) {
    const bob = new SignalPerson()
    await bob.makeSigned()
    const bundles = []
    for (let i = 0; i < n; i++) bundles.push(bob.bundle(await bob.makeOneTime(i + 1)))
    const alices = bundles.map(() => new SignalPerson())
    const sent = []
    const received = []
    const initiate = await timed(async () => {
      for (let i = 0; i < n; i++) {
        await alices[i].start(bob, bundles[i])
        sent.push(await alices[i].encrypt(bob, HELLO))
      }
    })
    const accept = await timed(async () => {
      for (let i = 0; i < n; i++) received.push(await bob.decryptFirst(alices[i], sent[i]))
    })
    for (const plain of received) expectSame(plain, HELLO)
    return { initiate, accept }
  },
})

const privacyresearch = async () => {
  const alices = []
  return {
    async run(n) {
      const bob = new PrivacyPerson()
      await bob.makeSigned()
      const bundles = []
      while (alices.length < n) {
        const alice = new PrivacyPerson()
        await alice.makeSigned()
        alices.push(alice)
      }
      for (let i = 0; i < n; i++) bundles.push(bob.bundle(await bob.makeOneTime(i + 1)))
      for (const alice of alices) alice.store.sessions.clear()
      const sent = []
      const received = []
      const initiate = await timed(async () => {
        for (let i = 0; i < n; i++) {
          await alices[i].start(bob, bundles[i])
          sent.push((await alices[i].cipher(bob).encrypt(buffer(HELLO))).body)
        }
      })
      const accept = await timed(async () => {
        for (let i = 0; i < n; i++) received.push(await bob.cipher(alices[i]).decryptPreKeyWhisperMessage(sent[i], 'binary'))
      })
      for (const plain of received) expectSame(new Uint8Array(plain), HELLO)
      return { initiate, accept }
    },
  }
}

const baileys = async () => ({
  async run(n) {
    const bob = new BaileysPerson()
    const bundles = Array.from({ length: n }, (_, i) => bob.bundle(bob.makeOneTime(i + 1)))
    const alices = bundles.map(() => new BaileysPerson())
    const sent = []
    const received = []
    const initiate = await timed(async () => {
      for (let i = 0; i < n; i++) {
        await alices[i].start(bob, bundles[i])
        const { body } = await alices[i].cipher(bob).encrypt(Buffer.from(HELLO))
        sent.push(typeof body === 'string' ? Buffer.from(body, 'binary') : body)
      }
    })
    const accept = await timed(async () => {
      for (let i = 0; i < n; i++) received.push(await bob.cipher(alices[i]).decryptPreKeyWhisperMessage(sent[i]))
    })
    for (const plain of received) expectSame(plain, HELLO)
    return { initiate, accept }
  },
})

const olmSessions = async () => {
  await ready
  const alice = new olm.Account()
  alice.create()
  return {
    async run(n) {
      const bob = new olm.Account()
      bob.create()
      // olm keeps 100 one-time keys at most: each is made, and used, in turn; its making is not timed.
      const { curve25519 } = identity(bob)
      let initiate = 0
      let accept = 0
      for (let i = 0; i < n; i++) {
        const key = oneTimeKey(bob)
        const outbound = new olm.Session()
        const inbound = new olm.Session()
        let first
        let plain
        initiate += await timed(() => {
          outbound.create_outbound(alice, curve25519, key)
          first = outbound.encrypt('hello')
        })
        accept += await timed(() => {
          inbound.create_inbound(bob, first.body)
          bob.remove_one_time_keys(inbound)
          plain = inbound.decrypt(first.type, first.body)
        })
        if (plain !== 'hello') throw new Error('a plaintext came out changed')
        outbound.free()
        inbound.free()
      }
      bob.free()
      return { initiate, accept }
    },
    end: () => alice.free(),
  }
}

/** Device set-up: identity, signed prekey, last-resort key where there is one, and 100 one-time keys. */
const KEYS = 100
const setUpOurs = (providerName) => async () => {
  const deps = await cryptoDeps(providerName)
  return {
    run: async (n) => ({
      'set-up': await timed(() => {
        for (let i = 0; i < n; i++) {
          if (person(deps, { preKeys: KEYS }).batch.oneTime.length !== KEYS) throw new Error('too few keys')
        }
      }),
    }),
  }
}
const setUpLibsignal = async () => ({
  run: async (n) => ({
    'set-up': await timed(async () => {
      for (let i = 0; i < n; i++) {
        const self = new SignalPerson()
        await self.makeSigned()
        for (let id = 1; id <= KEYS; id++) await self.makeOneTime(id)
        if (self.preKeys.keys.size !== KEYS) throw new Error('too few keys')
      }
    }),
  }),
})
const setUpOlm = async () => {
  await ready
  return {
    run: async (n) => ({
      'set-up': await timed(() => {
        for (let i = 0; i < n; i++) {
          const account = new olm.Account()
          account.create()
          account.generate_one_time_keys(KEYS)
          account.generate_fallback_key()
          if (Object.keys(JSON.parse(account.one_time_keys()).curve25519).length !== KEYS) throw new Error('too few keys')
          account.free()
        }
      }),
    }),
  }
}

export default [
  {
    name: 'sessions',
    title: 'Starting a session: initiate with a first message, accept it',
    note: 'SecureChat and libsignal-client are post-quantum (ML-KEM-768, Kyber-1024); the others are not.',
    unit: 'session',
    contenders: {
      SecureChat: ours('sodium'),
      'SecureChat, node': ours('node'),
      'libsignal-client': libsignal,
      olm: olmSessions,
      'libsignal (Baileys)': baileys,
      privacyresearch,
    },
    goals: {
      initiate: { SecureChat: { 'libsignal-client': 0.65, privacyresearch: 25 }, 'SecureChat, node': { 'libsignal-client': 0.8 } },
      accept: { SecureChat: { 'libsignal-client': 0.65, privacyresearch: 25 }, 'SecureChat, node': { 'libsignal-client': 1.1 } },
    },
  },
  {
    name: 'set-up',
    title: 'Setting up a device with 100 one-time keys',
    note: 'One-time keys of SecureChat and libsignal-client have a KEM half, signed; those of olm do not.',
    unit: 'device',
    targetMs: 300,
    contenders: { SecureChat: setUpOurs('sodium'), 'SecureChat, node': setUpOurs('node'), 'libsignal-client': setUpLibsignal, olm: setUpOlm },
    goals: { 'set-up': { SecureChat: { 'libsignal-client': 0.6, olm: 3.5 } } },
  },
]
