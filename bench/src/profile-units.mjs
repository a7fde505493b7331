import { crypto, cryptoDeps, NOTHING, pairOf, person } from './contenders/securechat.mjs'

const TEXT = new Uint8Array(Buffer.from('m'.repeat(256)))
const plaintext = { common: TEXT, perSession: NOTHING }

/**
 * What is looked at. `prepare(provider)` gives `run`, which does one unit, `before`, what is not counted in front of each, and
 * `warm`, after how many units it is what it stays: a long chain carries no chunks of the post-quantum ratchet any more.
 */
const encrypt = (deps) => {
  const { alice } = pairOf(deps)
  return { warm: 200, run: () => alice.encrypt(TEXT) }
}

const decrypt = (deps) => {
  const { alice, bob } = pairOf(deps)
  let [waiting, at] = [[], 0]
  return {
    warm: 200,
    before() {
      if (at === waiting.length) [waiting, at] = [Array.from({ length: 500 }, () => alice.encrypt(TEXT)), 0]
    },
    run: () => bob.decrypt(waiting[at++]),
  }
}

const stored = (deps) => {
  const { alice } = pairOf(deps)
  for (let i = 0; i < 200; i++) alice.encrypt(TEXT)
  let bytes = crypto.encodeSession(alice.record)
  return {
    warm: 0,
    run() {
      alice.record = crypto.decodeSession(bytes)
      alice.encrypt(TEXT)
      bytes = crypto.encodeSession(alice.record)
    },
  }
}

const pingPong = (deps) => {
  const { alice, bob } = pairOf(deps)
  return {
    warm: 4,
    run() {
      bob.decrypt(alice.encrypt(TEXT))
      alice.decrypt(bob.encrypt(TEXT))
    },
  }
}

const KEYS = 32
const start = (which) => (deps) => {
  const [alice, bob] = [person(deps), person(deps, { preKeys: KEYS })]
  let i = 0
  const initiate = () => {
    const key = bob.batch.oneTime[i++ % KEYS]
    const { envelope } = crypto.encryptMessage(deps, { record: null, local: alice.local, remote: bob.remote, bundle: bob.bundle(key), plaintext })
    return { key, envelope }
  }
  if (which === 'initiate') return { warm: 2, run: initiate }
  const sent = Array.from({ length: KEYS }, initiate)
  return {
    warm: 2,
    run() {
      const { key, envelope } = sent[i++ % KEYS]
      crypto.decryptMessage(deps, { record: null, local: bob.local, remote: alice.remote, envelope, preKeys: bob.preKeys(key) })
    },
  }
}

const setUp = (deps) => ({ warm: 1, run: () => person(deps, { preKeys: 10 }) })

const UNITS = {
  'encrypt 256 bytes': encrypt,
  'decrypt 256 bytes': decrypt,
  'encrypt 256 bytes, stored': stored,
  'message and answer, each with a DH step': pingPong,
  'start a session': start('initiate'),
  'accept a session': start('accept'),
  'set up a device, 10 one-time keys': setUp,
}

export async function units() {
  const all = []
  for (const name of ['sodium', 'node']) {
    const deps = await cryptoDeps(name)
    for (const [title, prepare] of Object.entries(UNITS))
      all.push({ title: `${title} (${deps.provider.name})`, provider: deps.provider, prepare: (provider) => prepare({ ...deps, provider }) })
  }
  return all
}
