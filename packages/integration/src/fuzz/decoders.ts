import * as crypto from '@securechat/crypto'
import * as attachment from '@securechat/crypto/attachment'
import * as backup from '@securechat/crypto/backup'
import * as discovery from '@securechat/crypto/discovery'
import * as discoveryServer from '@securechat/crypto/discovery/server'
import * as frankingServer from '@securechat/crypto/franking/server'
import * as group from '@securechat/crypto/group'
import * as linking from '@securechat/crypto/linking'
import * as recovery from '@securechat/crypto/recovery'
import * as protocol from '@securechat/protocol'
import * as content from '@securechat/protocol/content'
import { accountDecoders } from './account-decoders.js'
import { type Decoder, decoder } from './decoder.js'
import { groupDecoders } from './group-decoders.js'
import { End, registered, seededDeps } from './people.js'

const id = <Id extends protocol.AccountId | protocol.MessageId | protocol.ConversationId>(byte: number): Id =>
  protocol.idFromBytes<Id>(new Uint8Array(16).fill(byte))

/** What both sides say while a connection is made, and what the server says later: msgpack that has to fit a schema. */
function schemaDecoders(time: number): Record<string, Decoder> {
  const capabilities: protocol.Capabilities = { versions: [1], features: ['lookup'], limits: { frameBytes: 10 } }
  const values = [
    ['challenge', protocol.challengeSchema, { challenge: new Uint8Array(32), time }],
    [
      'hello',
      protocol.helloSchema,
      { versions: [1], client: 'test', login: { accessToken: 'header.payload.signature', proof: new Uint8Array(64) }, cursor: 4 },
    ],
    ['welcome', protocol.welcomeSchema, { version: 1, time, capabilities, account: { accountId: id(1), deviceId: 1 } }],
    ['capabilities', protocol.capabilitiesSchema, capabilities],
    ['error', protocol.errorBodySchema, { code: 'rate/limited', retryAfterSeconds: 5 }],
    ['event', protocol.eventBodySchema, { type: 'draining' }],
  ] as const
  return Object.fromEntries(
    values.map(([name, schema, value]) => [
      `decodeAs, ${name}`,
      decoder({ decode: (bytes) => protocol.decodeAs(schema, bytes), sample: protocol.encodeValue(value) }),
    ]),
  )
}

/** All of them, each with a well-formed input; the names are those of the exported functions. */
export async function decoders(): Promise<Record<string, Decoder>> {
  const deps = await seededDeps(7)
  const { provider } = deps
  const [a, b] = [registered(deps), registered(deps)]
  const [alice, bob] = [new End(deps, a, b), new End(deps, b, a)]
  const first = alice.write('hello')
  bob.read(first)
  alice.read(bob.write('hi'))
  const skipped = alice.write('comes later')
  const message = alice.write('again')
  const { sender: pairwise } = bob.decrypt(message)
  bob.read(message)
  const known = protocol.parseEnvelope(first) as protocol.KnownEnvelope
  const pin = crypto.verifyManifestChain(provider, { pinned: null, chain: [a.manifest.bytes], now: deps.now }).pin
  const sealer = crypto.createSealer(deps, new Uint8Array(32))
  const place = protocol.text('place')
  const profile = { accountId: a.accountId, version: 1, profileKey: new Uint8Array(32).fill(5) }
  const shared = crypto.sealSharedBody(deps, protocol.text('for many'))
  const sender = { accountId: a.accountId, deviceId: 1 as protocol.DeviceId }
  const audience = { kind: 'account', accountId: b.accountId } as const
  const cipher = attachment.webCryptoChunkCipher()
  const descriptor = await attachment.encryptAttachment(
    { ...deps, cipher },
    { content: new Uint8Array(1000), to: attachment.memorySink(100_000), mediaType: 'image/png', thumbnail: new Uint8Array(9), chunkBits: 8 },
  )
  const row: protocol.MailboxRow = { sequence: 3, time: deps.now, envelope: message, sender }
  const send: protocol.SendFrame = { sendId: id<protocol.MessageId>(2), recipients: [{ ...sender, manifestVersion: 1, envelope: message }] }
  const body: content.MessageBody = {
    v: 1,
    id: id<protocol.MessageId>(3),
    conversation: id<protocol.ConversationId>(4),
    sentAt: deps.now,
    content: { type: 'text', text: 'hello' },
  }
  const record = bob.record as crypto.SessionRecord
  const value = { list: [1, 2.5, 2 ** 40, 'text', null, true], bytes: new Uint8Array(5), nested: { deeper: { still: -7 } } }
  const about = { common: protocol.text('content'), conversationId: id<protocol.ConversationId>(5), messageId: id<protocol.MessageId>(6) }
  const franked = { ...about, frankingKey: new Uint8Array(32).fill(8) }
  const commitment = crypto.frankingCommitment(provider, { ...franked, ...sender })
  const franking = { provider, keys: { current: 1, keys: new Map([[1, new frankingServer.Secret(new Uint8Array(32).fill(9))]]) } }
  const stamp = frankingServer.frankingStamp(franking, { sender, audience, commitment, time: deps.now })
  const report = crypto.encodeFrankingReport({ ...franked, sender, audience, commitment, stamp })
  const audited = { reporter: b.accountId, wasMember: false, now: deps.now, maxAge: 1 }

  return {
    decodeValue: decoder({ decode: (bytes) => protocol.decodeValue(bytes), encode: protocol.encodeValue, sample: protocol.encodeValue(value) }),
    scanMessagePack: decoder({ decode: protocol.scanMessagePack, sample: protocol.encodeValue(value) }),
    ...schemaDecoders(deps.now),
    decodeFrame: decoder({
      decode: protocol.decodeFrame,
      encode: ({ kind, id: number, body: rest }) => protocol.encodeFrame(kind, number, rest),
      sample: protocol.encodeFrame('ping', 7, new Uint8Array(3)),
    }),
    decodeSend: decoder({ decode: protocol.decodeSend, encode: protocol.encodeSend, sample: protocol.encodeSend(send) }),
    decodeDeliver: decoder({ decode: protocol.decodeDeliver, encode: protocol.encodeDeliver, sample: protocol.encodeDeliver([row]) }),
    decodeCounter: decoder({ decode: protocol.decodeCounter, encode: protocol.encodeCounter, sample: protocol.encodeCounter(2 ** 40) }),
    decodeHandshakeHeader: decoder({ decode: protocol.decodeHandshakeHeader, encode: protocol.encodeHandshakeHeader, sample: known.handshakeBytes }),
    parseEnvelope: decoder({
      decode: protocol.parseEnvelope,
      encode: (envelope) =>
        envelope.kind === 'unknown'
          ? envelope.bytes
          : protocol.joinEnvelope(
              protocol.encodeEnvelopeHeader(envelope.ratchet, envelope.handshake ? protocol.encodeHandshakeHeader(envelope.handshake) : null),
              envelope.keyCommitment,
              envelope.ciphertext,
            ),
      sample: first,
    }),
    parseSharedBody: decoder({ decode: protocol.parseSharedBody, sample: shared.body }),
    parseT: decoder({
      decode: (bytes) => protocol.parseT(bytes, protocol.LABELS.plaintext),
      encode: (fields) => protocol.T(protocol.LABELS.plaintext, ...fields),
      sample: protocol.T(protocol.LABELS.plaintext, new Uint8Array(3), new Uint8Array(0)),
    }),
    decodeMessageBody: decoder({ decode: content.decodeMessageBody, encode: content.encodeMessageBody, sample: content.encodeMessageBody(body) }),
    peekEnvelope: decoder({ decode: crypto.peekEnvelope, sample: first }),
    requiredPreKeys: decoder({ decode: crypto.requiredPreKeys, sample: first }),
    decryptMessage: decoder({ decode: (bytes) => bob.decrypt(bytes), sample: skipped }),
    'decryptMessage, first message': decoder({ decode: (bytes) => new End(deps, b, a).decrypt(bytes), sample: first }),
    decodeManifest: decoder({ decode: (bytes) => crypto.decodeManifest(provider, bytes), encode: ({ bytes }) => bytes, sample: a.manifest.bytes }),
    verifyManifest: decoder({ decode: (bytes) => crypto.verifyManifest(provider, bytes), encode: ({ bytes }) => bytes, sample: a.manifest.bytes }),
    verifyManifestChain: decoder({
      decode: (bytes) => crypto.verifyManifestChain(provider, { pinned: null, chain: [bytes], now: deps.now }),
      sample: a.manifest.bytes,
    }),
    decodeManifestPin: decoder({
      decode: (bytes) => crypto.decodeManifestPin(provider, bytes),
      encode: crypto.encodeManifestPin,
      sample: crypto.encodeManifestPin(pin),
    }),
    decodePreKey: decoder({ decode: crypto.decodePreKey, sample: a.preKeys.signed.public }),
    verifyPreKey: decoder({ decode: (bytes) => crypto.verifyPreKey(provider, bytes, a.remote), sample: a.preKeys.lastResort.public }),
    verifyPreKeyBundle: decoder({
      decode: (bytes) =>
        crypto.verifyPreKeyBundle(provider, { remote: a.remote, bundle: { signed: a.preKeys.signed.public, lastResort: bytes }, now: deps.now }),
      sample: a.preKeys.lastResort.public,
    }),
    verifyDeviceAccept: decoder({
      decode: (signature) =>
        crypto.verifyDeviceAccept(
          provider,
          {
            ...sender,
            accountKey: a.account.publicKey,
            signingKey: a.deviceKeys.signing.publicKey,
            identityKey: a.deviceKeys.identity.publicKey,
          },
          { transcript: new Uint8Array(0), signature },
        ),
      sample: new Uint8Array(64),
    }),
    ...groupDecoders({ writer: alice, reader: bob, sender: pairwise }),
    ...accountDecoders(deps, a),
    decodeSession: decoder({ decode: crypto.decodeSession, encode: crypto.encodeSession, sample: crypto.encodeSession(record) }),
    decodeAccountKeys: decoder({ decode: crypto.decodeAccountKeys, encode: crypto.encodeAccountKeys, sample: crypto.encodeAccountKeys(a.account) }),
    decodeDeviceKeys: decoder({ decode: crypto.decodeDeviceKeys, encode: crypto.encodeDeviceKeys, sample: crypto.encodeDeviceKeys(a.deviceKeys) }),
    unpad: decoder({ decode: crypto.unpad, encode: crypto.pad, sample: crypto.pad(new Uint8Array(300)) }),
    'sealer.open': decoder({ decode: (bytes) => sealer.open(bytes, place), sample: sealer.seal(new Uint8Array(100), place) }),
    openProfile: decoder({
      decode: (sealed) => crypto.openProfile(deps, { ...profile, sealed }),
      sample: crypto.sealProfile(deps, { ...profile, plaintext: new Uint8Array(30) }),
    }),
    decodeSharedBodyReference: decoder({
      decode: crypto.decodeSharedBodyReference,
      encode: crypto.encodeSharedBodyReference,
      sample: crypto.encodeSharedBodyReference(shared.reference),
    }),
    openSharedBody: decoder({
      decode: (bytes) => crypto.openSharedBody(deps, { reference: shared.reference, headerId: shared.reference.id, body: bytes }),
      sample: shared.body,
    }),
    decodeFrankingStamp: decoder({ decode: frankingServer.decodeFrankingStamp, sample: stamp }),
    decodeFrankingReport: decoder({ decode: frankingServer.decodeFrankingReport, encode: crypto.encodeFrankingReport, sample: report }),
    verifyFrankingReport: decoder({
      decode: (bytes) => frankingServer.verifyFrankingReport(franking, { ...audited, report: frankingServer.decodeFrankingReport(bytes) }),
      sample: report,
    }),
    verifyFrankingCommitment: decoder({
      decode: (bytes) => crypto.verifyFrankingCommitment(provider, { ...franked, ...sender, commitment: bytes }),
      sample: commitment,
    }),
    decodeAttachmentDescriptor: decoder({
      decode: attachment.decodeAttachmentDescriptor,
      encode: attachment.encodeAttachmentDescriptor,
      sample: attachment.encodeAttachmentDescriptor(descriptor),
    }),
  }
}

/** Every exported function that reads bytes from outside, by its name: what `decoders` must list. */
export const exportedReaders = (): string[] =>
  [
    ...new Set(
      [protocol, content, crypto, attachment, backup, discovery, discoveryServer, frankingServer, group, linking, recovery].flatMap((module) =>
        Object.keys(module),
      ),
    ),
  ]
    .filter((name) => /^(decode|parse|open|unpad|scan|peek|required|verify|decrypt)/.test(name))
    .sort()
