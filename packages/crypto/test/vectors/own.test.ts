import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type AccountId,
  type ConversationId,
  concatBytes,
  type DeviceId,
  idFromBytes,
  type KnownEnvelope,
  LABELS,
  type MessageId,
  parseEnvelope,
  T,
} from '@securechat/protocol'
import { expect, test } from 'vitest'
import {
  acceptDevice,
  type CryptoProvider,
  createManifest,
  createSealer,
  DEVICE_FLAGS,
  decryptMessage,
  encryptMessage,
  frankingCommitment,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  kdf,
  localDevice,
  paddedLength,
  remoteDevice,
  safetyNumber,
  signRefreshProof,
  signRequestProof,
  signSocketProof,
  verifyManifest,
} from '../../src/index.js'
import { bytesOf, DAY, NOTHING, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

/**
 * The project's own vectors (docs/protocol/vectors/suite-01.json): every value that a second implementation has to reproduce,
 * with every random draw written down in the order in which it is made. SECURECHAT_WRITE_VECTORS=1 writes the file anew.
 */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/suite-01.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Remembers what was drawn. */
function recording(seed: number) {
  const source = seededRandom(seed)
  let draws: string[] = []
  return {
    random: (length: number): Uint8Array => {
      const bytes = source(length)
      draws.push(hex(bytes))
      return bytes
    },
    take(): string[] {
      const taken = draws
      draws = []
      return taken
    },
  }
}

function person(provider: CryptoProvider, seed: number) {
  const source = recording(seed)
  const deps = { provider, random: source.random, now: START }
  const accountId = idFromBytes<AccountId>(source.random(16))
  const account = generateAccountKeys(deps)
  const keys = generateDeviceKeys(deps)
  const deviceId = 1 as DeviceId
  const accept = acceptDevice(deps, { accountId, accountKey: account.publicKey, deviceId, deviceKeys: keys })
  const devices = [{ deviceId, signingKey: keys.signing.publicKey, identityKey: keys.identity.publicKey, addedVersion: 1, flags: DEVICE_FLAGS.primary, accept }]
  const made = createManifest(deps, { accountId, accountKey: account, version: 1, prevHash: NOTHING, notBefore: START, notAfter: START + 30 * DAY, devices })
  const manifest = verifyManifest(provider, made.bytes)
  const identityDraws = source.take()
  const batch = generatePreKeys(deps, { accountId, deviceId, deviceKeys: keys, firstKeyId: 1, count: 1 })
  const vector = {
    draws: { order: 'accountId 16, AIK seed 32, DSK seed 32, DIK secret 32', values: identityDraws },
    accountKey: hex(account.publicKey),
    signingKey: hex(keys.signing.publicKey),
    identityKey: hex(keys.identity.publicKey),
    deviceAccept: hex(accept.signature),
    manifest: hex(made.bytes),
    manifestHash: hex(made.hash),
    preKeyDraws: { order: 'signed X25519 32; last-resort ML-KEM seed 64; one-time X25519 32, ML-KEM seed 64', values: source.take() },
    preKeys: { created: START, signed: hex(batch.signed.public), lastResort: hex(batch.lastResort.public), oneTime: hex(batch.oneTime[0]?.public ?? NOTHING) },
  }
  return { accountId, account, keys, manifest, batch, vector }
}

type TestPerson = ReturnType<typeof person>

function conversation(provider: CryptoProvider, alice: TestPerson, bob: TestPerson, withOneTime: boolean) {
  const source = recording(withOneTime ? 30 : 31)
  const deps = { provider, random: source.random, now: START }
  const device = 1 as DeviceId
  const sides = { alice: localDevice(alice.manifest, device, alice.keys), bob: localDevice(bob.manifest, device, bob.keys) }
  const remotes = { alice: remoteDevice(alice.manifest, device), bob: remoteDevice(bob.manifest, device) }
  const { signed, lastResort, oneTime } = bob.batch
  const pair = oneTime[0] as (typeof oneTime)[number]
  const bundle = { signed: signed.public, lastResort: lastResort.public, ...(withOneTime && { oneTime: pair.public }) }
  const plaintext = (text: string) => ({ common: bytesOf(text), perSession: NOTHING })
  const first = encryptMessage(deps, { record: null, local: sides.alice, remote: remotes.bob, bundle, plaintext: plaintext('hello') })
  const firstDraws = source.take()
  const received = decryptMessage(deps, {
    record: null,
    local: sides.bob,
    remote: remotes.alice,
    envelope: first.envelope,
    preKeys: { signed: signed.private, kem: (withOneTime ? pair : lastResort).private },
  })
  const answer = encryptMessage(deps, {
    record: received.record,
    local: sides.bob,
    remote: remotes.alice,
    plaintext: plaintext('hi'),
    franking: new Uint8Array(32).fill(7),
  })
  const answerDraws = source.take()
  const read = decryptMessage(deps, { record: first.record, local: sides.alice, remote: remotes.bob, envelope: answer.envelope, preKeys: {} })
  expect(Buffer.from(read.plaintext.common).toString()).toBe('hi')
  const session = first.record.sessions[0] as (typeof first.record.sessions)[number]
  const parsed = parseEnvelope(first.envelope) as KnownEnvelope
  return {
    th: hex(session.ratchet.th),
    first: {
      draws: { order: 'EK 32, encapsulation 32, ratchet key 32, header salt 16', values: firstDraws },
      common: 'hello',
      rootKeyAfter: hex(session.ratchet.rootKey.expose()),
      sendChainKeyAfter: hex(session.ratchet.send?.chainKey.expose() ?? NOTHING),
      header: hex(parsed.header),
      keyCommitment: hex(parsed.keyCommitment),
      envelope: hex(first.envelope),
    },
    answer: {
      draws: { order: 'ratchet key 32', values: answerDraws },
      common: 'hi',
      frankingCommitment: '07'.repeat(32),
      rootKeyAfter: hex(answer.record.sessions[0]?.ratchet.rootKey.expose() ?? NOTHING),
      envelope: hex(answer.envelope),
    },
  }
}

function compute(provider: CryptoProvider) {
  const alice = person(provider, 10)
  const bob = person(provider, 20)
  const sealerSource = recording(40)
  const sealerKey = new Uint8Array(32).fill(3)
  const sealed = createSealer({ provider, random: sealerSource.random }, sealerKey).seal(bytesOf('record'), bytesOf('place'))
  const { signing } = alice.keys
  const nonce = new Uint8Array(16).fill(1)
  const message = {
    frankingKey: new Uint8Array(32).fill(6),
    common: bytesOf('common'),
    conversationId: idFromBytes<ConversationId>(new Uint8Array(16).fill(1)),
    accountId: alice.accountId,
    deviceId: 1 as DeviceId,
    messageId: idFromBytes<MessageId>(new Uint8Array(16).fill(2)),
  }
  return {
    suite: 1,
    time: START,
    kdf: {
      salt: hex(new Uint8Array(32).fill(1)),
      ikm: hex(bytesOf('ikm')),
      info: hex(T(LABELS.handshakeSecret)),
      length: 88,
      output: hex(kdf(provider, { salt: new Uint8Array(32).fill(1), ikm: bytesOf('ikm'), info: T(LABELS.handshakeSecret) }, 88)),
    },
    transcript: {
      label: LABELS.handshakeSecret,
      fields: ['', '00', 'ffee'],
      output: hex(T(LABELS.handshakeSecret, NOTHING, Uint8Array.of(0), Uint8Array.of(0xff, 0xee))),
    },
    padding: [0, 252, 253, 4092, 4093, 10_000, 100_000].map((length) => ({ length, padded: paddedLength(length) })),
    alice: alice.vector,
    bob: bob.vector,
    withOneTimePair: conversation(provider, alice, bob, true),
    withLastResortKey: conversation(provider, alice, bob, false),
    safetyNumber: safetyNumber(
      provider,
      { accountId: alice.accountId, accountKey: alice.account.publicKey },
      { accountId: bob.accountId, accountKey: bob.account.publicKey },
    ),
    sealedRecord: { key: hex(sealerKey), nonce: sealerSource.take(), plaintext: 'record', associatedData: 'place', output: hex(sealed) },
    franking: {
      key: hex(message.frankingKey),
      common: 'common',
      conversationId: message.conversationId,
      messageId: message.messageId,
      sender: 'alice',
      output: hex(frankingCommitment(provider, message)),
    },
    proofs: {
      signer: 'alice',
      socket: {
        challenge: '02'.repeat(32),
        accessToken: 'access-token',
        output: hex(signSocketProof(provider, { signing, challenge: new Uint8Array(32).fill(2), accessToken: 'access-token' })),
      },
      request: {
        operation: 'mailbox.send',
        body: hex(bytesOf('body')),
        accessToken: 'access-token',
        issuedAt: START,
        nonce: hex(nonce),
        output: hex(
          signRequestProof(provider, { signing, operation: 'mailbox.send', body: bytesOf('body'), accessToken: 'access-token', issuedAt: START, nonce }),
        ),
      },
      refresh: {
        refreshToken: 'refresh-token',
        issuedAt: START,
        nonce: hex(nonce),
        output: hex(signRefreshProof(provider, { signing, refreshToken: 'refresh-token', issuedAt: START, nonce })),
      },
    },
  }
}

if (process.env.SECURECHAT_WRITE_VECTORS === '1') {
  mkdirSync(dirname(FILE), { recursive: true })
  writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)
}

test.each(providers)('$name reproduces the published vectors of suite 01', (provider) => {
  expect(compute(provider)).toEqual(JSON.parse(readFileSync(FILE, 'utf8')))
})

test('T is what the document says', () => {
  const label = new TextEncoder().encode('SC1/pqxdh/sk')
  expect(T(LABELS.handshakeSecret, Uint8Array.of(0xff, 0xee))).toEqual(
    concatBytes(Uint8Array.of(label.length), label, Uint8Array.of(0, 1), Uint8Array.of(0, 0, 0, 2, 0xff, 0xee)),
  )
})
