import { hex, idBytes, requireEqual, T, toHex, utf8 } from '../bytes.mjs'
import { frankingCommitment, openRecord, paddedLength, readEnvelope } from '../envelope.mjs'
import { acceptance, party, proofs, readManifest, readPreKey, safetyNumber } from '../keys.mjs'
import { ed25519PublicKey, kdf, kemEncapsulate, kemKeys, verifySignature, x25519PublicKey } from '../primitives.mjs'
import { acceptHandshake, receive } from '../session.mjs'

/** A person of the vectors: what is public read from the signed bytes, what is secret from the random draws. */
function person(vector) {
  const [account, accountSeed, signingSeed, identitySecret] = vector.draws.values.map(hex)
  const [signedSecret, lastResortSeed, pairSecret, pairSeed] = vector.preKeyDraws.values.map(hex)
  const manifest = readManifest(hex(vector.manifest))
  const [device] = manifest.devices
  requireEqual(manifest.account, account, 'account')
  requireEqual(manifest.accountKey, ed25519PublicKey(accountSeed), 'AIK')
  requireEqual(device.signingKey, ed25519PublicKey(signingSeed), 'DSK')
  requireEqual(device.identityKey, x25519PublicKey(identitySecret), 'DIK')
  requireEqual(manifest.hash, hex(vector.manifestHash), 'manifest hash')
  for (const [name, value] of [
    ['accountKey', manifest.accountKey],
    ['signingKey', device.signingKey],
    ['identityKey', device.identityKey],
  ])
    requireEqual(value, hex(vector[name]), name)
  const owner = { account, ...device }
  verifySignature(device.signingKey, acceptance({ accountKey: manifest.accountKey, ...owner }), hex(vector.deviceAccept), 'acceptance')
  const preKeys = {
    signed: readPreKey(hex(vector.preKeys.signed), owner),
    lastResort: readPreKey(hex(vector.preKeys.lastResort), owner),
    oneTime: readPreKey(hex(vector.preKeys.oneTime), owner),
  }
  const lastResort = kemKeys(lastResortSeed)
  const pair = kemKeys(pairSeed)
  requireEqual(preKeys.signed.dh, x25519PublicKey(signedSecret), 'signed prekey')
  requireEqual(preKeys.oneTime.dh, x25519PublicKey(pairSecret), 'one-time key')
  requireEqual(preKeys.oneTime.kem, pair.publicKey, 'one-time KEM key')
  requireEqual(preKeys.lastResort.kem, lastResort.publicKey, 'last-resort key')
  requireEqual(vector.preKeys.created, preKeys.signed.created, 'created')
  return {
    party: party(manifest, device),
    identity: { account, accountKey: manifest.accountKey },
    signingKey: device.signingKey,
    identitySecret,
    signedSecret,
    kem: {
      oneTime: { ...pair, keyId: preKeys.oneTime.keyId, dh: pairSecret },
      lastResort: { ...lastResort, keyId: preKeys.lastResort.keyId },
    },
  }
}

/** Bob reads Alice's first message, then Alice reads his answer. */
function conversation(vector, { alice, bob, kem }) {
  const first = readEnvelope(hex(vector.first.envelope))
  requireEqual(first.header, hex(vector.first.header), 'header')
  const session = acceptHandshake(first, { alice: alice.party, bob: bob.party, identitySecret: bob.identitySecret, signedSecret: bob.signedSecret, kem })
  requireEqual(session.th, hex(vector.th), 'th')
  const received = receive(session, first, { sender: alice.party, recipient: bob.party })
  requireEqual(received.common, utf8(vector.first.common), 'first message')
  requireEqual(received.sender.hash, alice.party.hash, 'echo')
  requireEqual(received.recipient.hash, bob.party.hash, 'echo')
  requireEqual(first.keyCommitment, hex(vector.first.keyCommitment), 'key commitment')
  requireEqual(session.chains.get(toHex(first.ratchetKey)).chainKey, hex(vector.first.sendChainKeyAfter), 'chain key')
  const [ephemeralSecret, encapsulation, ratchetSecret, salt] = vector.first.draws.values.map(hex)
  requireEqual(first.handshake.ephemeralKey, x25519PublicKey(ephemeralSecret), 'EK')
  requireEqual(first.handshake.ciphertext, kemEncapsulate(kem.publicKey, encapsulation).cipherText, 'KEM ciphertext')
  requireEqual(first.ratchetKey, x25519PublicKey(ratchetSecret), "Alice's ratchet key")
  requireEqual(first.header.subarray(-16), salt, 'header salt')

  const answer = readEnvelope(hex(vector.answer.envelope))
  // Alice's root key after her first step is Bob's after his.
  requireEqual(session.rootKey, hex(vector.first.rootKeyAfter), 'root key')
  const own = { th: session.th, rootKey: session.rootKey, own: ratchetSecret, chains: new Map(), skipped: new Map() }
  requireEqual(receive(own, answer, { sender: bob.party, recipient: alice.party }).common, utf8(vector.answer.common), 'answer')
  requireEqual(own.rootKey, hex(vector.answer.rootKeyAfter), 'root key after the answer')
  requireEqual(answer.ratchetKey, x25519PublicKey(hex(vector.answer.draws.values[0])), "Bob's ratchet key")
  requireEqual(answer.commitment, hex(vector.answer.frankingCommitment), 'franking commitment in the header')
}

export function* checks(vectors) {
  const { kdf: derived, transcript, sealedRecord, franking, proofs: proof } = vectors
  yield [
    'suite and time',
    () => {
      requireEqual(vectors.suite, 1, 'suite')
      for (const { manifest, preKeys } of [vectors.alice, vectors.bob]) {
        requireEqual(readManifest(hex(manifest)).notBefore, vectors.time, 'time')
        requireEqual(preKeys.created, vectors.time, 'created')
      }
    },
  ]
  const people = { alice: person(vectors.alice), bob: person(vectors.bob) }
  yield ['keys, manifests and prekeys of two people', () => Object.keys(people).length]
  yield ['transcript', () => requireEqual(toHex(T(transcript.label, ...transcript.fields.map(hex))), transcript.output, 'T')]
  yield ['KDF', () => requireEqual(kdf(hex(derived.salt), hex(derived.ikm), hex(derived.info), derived.length), hex(derived.output), 'kdf')]
  yield [
    'padding',
    () => {
      for (const { length, padded } of vectors.padding) requireEqual(paddedLength(length), padded, `padding of ${length}`)
    },
  ]
  yield ['conversation with a one-time pair', () => conversation(vectors.withOneTimePair, { ...people, kem: people.bob.kem.oneTime })]
  yield ['conversation with the last-resort key', () => conversation(vectors.withLastResortKey, { ...people, kem: people.bob.kem.lastResort })]
  yield ['safety number', () => requireEqual(safetyNumber(people.alice.identity, people.bob.identity), vectors.safetyNumber, 'safety number')]
  yield [
    'sealed record',
    () => {
      const output = hex(sealedRecord.output)
      requireEqual(output.subarray(1, 25), hex(sealedRecord.nonce[0]), 'nonce')
      requireEqual(openRecord(hex(sealedRecord.key), utf8(sealedRecord.associatedData), output), utf8(sealedRecord.plaintext), 'record')
    },
  ]
  yield [
    'franking commitment',
    () => {
      const { account, device } = people[franking.sender].party
      const [conversation, message] = [idBytes(franking.conversationId), idBytes(franking.messageId)]
      const output = frankingCommitment({ frankingKey: hex(franking.key), common: utf8(franking.common), conversation, account, device, message })
      requireEqual(output, hex(franking.output), 'commitment')
    },
  ]
  const { signingKey } = people[proof.signer]
  yield [
    'socket proof',
    () => verifySignature(signingKey, proofs.socket({ ...proof.socket, challenge: hex(proof.socket.challenge) }), hex(proof.socket.output), 'proof'),
  ]
  yield [
    'request proof',
    () =>
      verifySignature(
        signingKey,
        proofs.request({ ...proof.request, body: hex(proof.request.body), nonce: hex(proof.request.nonce) }),
        hex(proof.request.output),
        'proof',
      ),
  ]
  yield [
    'refresh proof',
    () => verifySignature(signingKey, proofs.refresh({ ...proof.refresh, nonce: hex(proof.refresh.nonce) }), hex(proof.refresh.output), 'proof'),
  ]
}
