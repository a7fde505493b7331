// 03 Handshake (Bob's side) and 04 Ratchet (receiving).
import { concat, EMPTY, key, refuse, same, T, toHex, uint } from './bytes.mjs'
import { openMessage } from './envelope.mjs'
import { SUITE } from './keys.mjs'
import { H, kdf, kemDecapsulate, x25519, x25519PublicKey } from './primitives.mjs'

const LONGEST_JUMP = 1000

/** root step: RK' 32 ‖ CK 32 = kdf(RK, T("SC1/root-ikm", dh, ss), T("SC1/root", th, u32 e, h), 64) */
export function rootStep({ rootKey, th, epoch = 0, ss = EMPTY, h = EMPTY }, dh) {
  const out = kdf(rootKey, T('SC1/root-ikm', dh, ss), T('SC1/root', th, uint(4, epoch), h), 64)
  return { rootKey: out.subarray(0, 32), chainKey: out.subarray(32) }
}
/** chain step: mk 32 ‖ CK' 32 = H(key = CK, T("SC1/chain")) */
export function chainStep(chainKey) {
  const out = H(T('SC1/chain'), chainKey)
  return { messageKey: out.subarray(0, 32), chainKey: out.subarray(32) }
}

export const transcriptHash = ({ generation, alice, bob, ephemeralKey, signed, pair, kem }) =>
  H(
    T(
      'SC1/pqxdh',
      SUITE,
      uint(4, generation),
      ...alice.fields,
      ...bob.fields,
      key('x25519', ephemeralKey),
      uint(4, signed.keyId),
      key('x25519', signed.dh),
      uint(1, pair ? 1 : 0),
      uint(4, pair ? pair.keyId : 0),
      pair ? key('x25519', pair.dh) : EMPTY,
      uint(1, pair ? 1 : 2),
      uint(4, kem.keyId),
      key('mlkem768', kem.publicKey),
      kem.ciphertext,
    ),
  )

/** Bob: a session from the first message's header and his private keys. `kem` has secretKey, publicKey, keyId and, of a pair, the X25519 secret `dh`. */
export function acceptHandshake(envelope, { alice, bob, identitySecret, signedSecret, kem }) {
  const { handshake } = envelope
  if (handshake.senderDevice !== alice.device || handshake.recipientDevice !== bob.device) refuse('devices of the handshake')
  if (handshake.senderVersion !== alice.version || !same(handshake.senderHash, alice.hash)) refuse("sender's manifest")
  if (handshake.recipientVersion !== bob.version || !same(handshake.recipientHash, bob.hash)) refuse("recipient's manifest")
  if (handshake.kemId !== kem.keyId || handshake.kemType !== (kem.dh ? 1 : 2)) refuse('KEM key')
  const { ephemeralKey, ciphertext, signedPreKeyId } = handshake
  const th = transcriptHash({
    generation: handshake.generation,
    alice,
    bob,
    ephemeralKey,
    signed: { keyId: signedPreKeyId, dh: x25519PublicKey(signedSecret) },
    pair: kem.dh ? { keyId: kem.keyId, dh: x25519PublicKey(kem.dh) } : null,
    kem: { keyId: kem.keyId, publicKey: kem.publicKey, ciphertext },
  })
  if (!same(envelope.tag, th.subarray(0, 8))) refuse('session tag')
  const dh = [
    x25519(signedSecret, alice.identityKey),
    x25519(identitySecret, ephemeralKey),
    x25519(signedSecret, ephemeralKey),
    ...(kem.dh ? [x25519(kem.dh, ephemeralKey)] : []),
  ]
  const rootKey = kdf(th, concat(...dh, kemDecapsulate(ciphertext, kem.secretKey)), T('SC1/pqxdh/sk'), 32)
  return { th, rootKey, own: signedSecret, chains: new Map(), skipped: new Map() }
}

/** Receives one envelope; gives the plaintext and changes `session` only when it was right. */
export function receive(session, envelope, { sender, recipient }) {
  const name = toHex(envelope.ratchetKey)
  const known = session.chains.get(name)
  let chain = known
  let root = session.rootKey
  if (!chain) {
    if (!session.own) refuse('a turn that answers nothing')
    const step = rootStep(session, x25519(session.own, envelope.ratchetKey))
    root = step.rootKey
    chain = { chainKey: step.chainKey, next: 0 }
  }
  const open = (messageKey) => openMessage(messageKey, { th: session.th, sender, recipient, envelope })
  const entry = `${name}/${envelope.counter}`
  if (envelope.counter < chain.next) {
    const plaintext = open(session.skipped.get(entry) ?? refuse('duplicate'))
    session.skipped.delete(entry)
    return plaintext
  }
  if (envelope.counter - chain.next > LONGEST_JUMP) refuse('jump')
  const passed = []
  let { chainKey, next } = chain
  for (; next < envelope.counter; next++) {
    const step = chainStep(chainKey)
    passed.push([`${name}/${next}`, step.messageKey])
    chainKey = step.chainKey
  }
  const step = chainStep(chainKey)
  const plaintext = open(step.messageKey)
  if (!known) {
    session.rootKey = root
    session.own = null
  }
  for (const [at, messageKey] of passed) session.skipped.set(at, messageKey)
  session.chains.set(name, { chainKey: step.chainKey, next: next + 1 })
  return plaintext
}
