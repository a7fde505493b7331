import * as libsignal from './contenders/libsignal.mjs'
import * as olm from './contenders/olm.mjs'
import { crypto, cryptoDeps, NOTHING, pair, person } from './contenders/securechat.mjs'

const TEXT = 'm'.repeat(256)
const BYTES = new Uint8Array(Buffer.from(TEXT))

/** What goes over the wire and into the store, in bytes. Base64 of olm is counted as it is sent. */
async function ours() {
  const deps = await cryptoDeps()
  const [alice, bob] = [person(deps), person(deps, { preKeys: 1 })]
  const bundle = bob.bundle(bob.batch.oneTime[0])
  const plaintext = { common: BYTES, perSession: NOTHING }
  const first = crypto.encryptMessage(deps, { record: null, local: alice.local, remote: bob.remote, bundle, plaintext })
  const sides = await pair()
  return {
    message: sides.alice.encrypt(BYTES).length,
    'message, before padding and echoes': 4 + 48 + 32 + 16 + 16 + BYTES.length,
    'first message': first.envelope.length,
    bundle: bundle.signed.length + bundle.oneTime.length,
    session: crypto.encodeSession(sides.bob.record).length,
  }
}

async function signal() {
  const [alice, bob] = [new libsignal.Person(), new libsignal.Person()]
  await bob.makeSigned()
  const oneTime = await bob.makeOneTime(1)
  await alice.start(bob, bob.bundle(oneTime))
  const first = await alice.encrypt(bob, BYTES)
  const sides = await libsignal.pair()
  const wire = await sides.alice.encrypt(BYTES)
  const keys = [oneTime.key, oneTime.kyber, bob.signed.key, bob.keys.publicKey].reduce((sum, key) => sum + key.serialize().length, 0)
  return {
    message: wire.length,
    'first message': first.length,
    bundle: keys + oneTime.kyberSignature.length + bob.signed.signature.length,
    session: sides.sessionBytes(),
  }
}

async function matrix() {
  const sides = await olm.pair()
  return { message: sides.alice.encrypt(TEXT).body.length, session: sides.sessionBytes() }
}

export const measureSizes = async () => ({ SecureChat: await ours(), 'libsignal-client': await signal(), olm: await matrix() })
