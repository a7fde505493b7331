import {
  type AccountKeys,
  acceptDevice,
  type CryptoDeps,
  type CryptoProvider,
  createManifest,
  DEVICE_FLAGS,
  type DecryptResult,
  type DeviceKeys,
  decryptMessage,
  encryptMessage,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  localDevice,
  type Manifest,
  type PreKeyBatch,
  type PreKeyBundle,
  type RemoteDevice,
  remoteDevice,
  requiredPreKeys,
  type SessionRecord,
  signRefreshProof,
  signSocketProof,
  verifyManifest,
} from '@securechat/crypto'
import {
  type AccountId,
  type Clock,
  type ConversationId,
  type DeviceId,
  idFromBytes,
  idToBytes,
  LABELS,
  type MailboxRow,
  type MessageId,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  type Random,
  T,
} from '@securechat/protocol'
import { CONTENT_VERSION, type Content, encodeMessageBody, type UnknownContent } from '@securechat/protocol/content'
import { type Connection, createConnection, type LoginContext, type LoginProof, type Transport } from '@securechat/transport'

const DAY = 86_400_000
const MANIFEST_DAYS = 30
const ONE_TIME_KEYS = 20
const MARGIN_MS = 30_000

/** What is encrypted: a content for the conversation with the recipient, or any bytes at all. */
export type PeerMessage = Content | UnknownContent | Uint8Array

export interface PeerEncryptOptions {
  /** For the first message, or to start another session with `newSession`. Default: fetched when there is no session. */
  readonly bundle?: PreKeyBundle
  readonly newSession?: boolean
  /** What only this copy says; nothing unless given. */
  readonly perSession?: Uint8Array
  readonly id?: MessageId
  readonly conversation?: ConversationId
}

/**
 * An account of the network without a client: real keys, in the open, and no rule that it keeps. Whatever an attacker with an account could
 * upload, sign or send, a test writes with these parts. Its calls need the clock: `net.drive(peer.call(…))`.
 */
export interface MaliciousPeer {
  readonly name: string
  readonly phone: string
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly accountKeys: AccountKeys
  readonly deviceKeys: DeviceKeys
  /** Private halves included. */
  readonly preKeys: PreKeyBatch
  /** The newest that it has published with `publish`. */
  readonly manifest: Manifest
  readonly connection: Connection
  /** Rows that came for it, oldest first; never acknowledged. */
  readonly rows: readonly MailboxRow[]
  deps(): CryptoDeps
  call<Name extends OperationName>(name: Name, input: OperationInput<Name>): Promise<OperationOutput<Name>>
  /** A device of a first or only manifest, as the server shows it. */
  device(accountId: AccountId, deviceId?: DeviceId): Promise<RemoteDevice>
  bundle(device: RemoteDevice): Promise<PreKeyBundle>
  /** The bytes of a message body. */
  body(to: AccountId, content: Content | UnknownContent, options?: Pick<PeerEncryptOptions, 'id' | 'conversation'>): Uint8Array
  /** Moves its own session with the device forward; nothing is sent. */
  encrypt(to: RemoteDevice, message: PeerMessage, options?: PeerEncryptOptions): Promise<Uint8Array>
  /** Reads an envelope of the device with its own session, which moves. Throws as `decryptMessage`. */
  decrypt(from: RemoteDevice, envelope: Uint8Array): DecryptResult
  /** Its sessions with the device; null before the first message. */
  session(device: RemoteDevice): SessionRecord | null
  /** Puts others in their place: older ones, changed ones, none. */
  setSession(device: RemoteDevice, record: SessionRecord | null): void
  /** Any envelopes to any devices. `manifestVersion` is the one of `to`. */
  send(envelopes: readonly { readonly to: RemoteDevice; readonly envelope: Uint8Array }[]): Promise<void>
  /** Signs the next manifest with changes and makes the server take it. */
  publish(changes?: Partial<Parameters<typeof createManifest>[1]>): Promise<Manifest>
}

export interface PeerNetwork {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly provider: CryptoProvider
  readonly codeOf: (phone: string) => string
}

interface Tokens {
  readonly accessToken: string
  readonly accessExpiresAt: number
  readonly refreshToken: string
}

/** As `directConversationId` of the client. */
function conversationOf(provider: Pick<CryptoProvider, 'blake2b'>, a: AccountId, b: AccountId): ConversationId {
  const [first, second] = a < b ? [a, b] : [b, a]
  return idFromBytes<ConversationId>(provider.blake2b(16, T(LABELS.directConversation, idToBytes(first), idToBytes(second))))
}

/** Registers a new account with the number. */
export async function createMaliciousPeer(network: PeerNetwork, { name, phone }: { name: string; phone: string }): Promise<MaliciousPeer> {
  const { transport, clock, random, provider, codeOf } = network
  const deps = (): CryptoDeps => ({ provider, random, now: clock.now() })
  const accountKeys = generateAccountKeys(deps())
  const deviceKeys = generateDeviceKeys(deps())
  const rows: MailboxRow[] = []
  const sessions = new Map<string, SessionRecord>()
  let tokens: Tokens | undefined

  const refresh = async ({ call, signal }: LoginContext, { refreshToken }: Tokens): Promise<Tokens> => {
    const [time, nonce] = [clock.now(), random(16)]
    const proof = signRefreshProof(provider, { signing: deviceKeys.signing, refreshToken, issuedAt: time, nonce })
    return call('auth.refresh', { refreshToken, time, nonce, proof }, { signal })
  }
  const login = async (context: LoginContext): Promise<LoginProof | null> => {
    if (!tokens) return null
    if (context.rejected || tokens.accessExpiresAt - MARGIN_MS <= clock.now()) tokens = await refresh(context, tokens)
    const { accessToken } = tokens
    return { accessToken, proof: signSocketProof(provider, { signing: deviceKeys.signing, challenge: context.challenge, accessToken }) }
  }
  const connection = createConnection({ transport, clock, random, login, cursor: async () => 0, onDeliver: (got) => void rows.push(...got), onEvent: () => {} })
  connection.start()

  const { loginId } = await connection.call('auth.requestCode', { phone })
  const { registrationToken, account } = await connection.call('auth.confirmCode', { loginId, code: codeOf(phone) })
  const { accountId, nextDeviceId: deviceId } = account
  const accept = acceptDevice(deps(), { accountId, accountKey: accountKeys.publicKey, deviceId, deviceKeys })
  const { signing, identity } = deviceKeys
  const device = { deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: 1, flags: DEVICE_FLAGS.primary, accept }
  const sign = (input: { version: number; prevHash: Uint8Array; devices: Manifest['devices'] }, changes: Parameters<MaliciousPeer['publish']>[0] = {}) =>
    createManifest(deps(), { accountId, accountKey: accountKeys, notBefore: clock.now(), notAfter: clock.now() + MANIFEST_DAYS * DAY, ...input, ...changes })
      .bytes
  let manifest = verifyManifest(provider, sign({ version: 1, prevHash: new Uint8Array(0), devices: [device] }))
  const preKeys = generatePreKeys(deps(), { accountId, deviceId, deviceKeys, firstKeyId: 1, count: ONE_TIME_KEYS })
  const uploaded = { signed: preKeys.signed.public, lastResort: preKeys.lastResort.public, oneTime: preKeys.oneTime.map((key) => key.public) }
  const answer = await connection.call('account.register', { manifest: manifest.bytes, deviceId, preKeys: uploaded }, { registrationToken })
  tokens = answer.tokens
  connection.reauthenticate()

  const key = (to: RemoteDevice): string => `${to.accountId}/${to.deviceId}`
  const peer: MaliciousPeer = {
    name,
    phone,
    accountId,
    deviceId,
    accountKeys,
    deviceKeys,
    preKeys,
    get manifest() {
      return manifest
    },
    connection,
    rows,
    deps,
    call: (operation, input) => connection.call(operation, input),
    async device(other, otherDevice = 1 as DeviceId) {
      const { manifests } = await connection.call('devices.manifest', { accountId: other })
      return remoteDevice(verifyManifest(provider, manifests.at(-1)!), otherDevice)
    },
    async bundle(to) {
      const { bundles } = await connection.call('prekeys.fetch', { accountId: to.accountId, deviceIds: [to.deviceId] })
      const { signed, lastResort, oneTime } = bundles[0]!
      return { signed, lastResort, ...(oneTime && { oneTime }) }
    },
    body: (to, content, { id = idFromBytes<MessageId>(random(16)), conversation = conversationOf(provider, accountId, to) } = {}) =>
      encodeMessageBody({ v: CONTENT_VERSION, id, conversation, sentAt: clock.now(), content }),
    async encrypt(to, message, { bundle, newSession = false, perSession = new Uint8Array(0), ...named } = {}) {
      const record = sessions.get(key(to)) ?? null
      const common = message instanceof Uint8Array ? message : peer.body(to.accountId, message, named)
      const used = bundle ?? (record && !newSession ? undefined : await peer.bundle(to))
      const plaintext = { common, perSession }
      const local = localDevice(manifest, deviceId, deviceKeys)
      const result = encryptMessage(deps(), { record, local, remote: to, plaintext, newSession, ...(used && { bundle: used }) })
      sessions.set(key(to), result.record)
      return result.envelope
    },
    decrypt(from, envelope) {
      const needed = requiredPreKeys(envelope)
      const privateKey = (id: number | undefined) => [preKeys.signed, preKeys.lastResort, ...preKeys.oneTime].find(({ keyId }) => keyId === id)?.private
      const [signed, kem] = [privateKey(needed?.signedPreKeyId), privateKey(needed?.kemId)]
      const local = localDevice(manifest, deviceId, deviceKeys)
      const lookup = { ...(signed && { signed }), ...(kem && { kem }) }
      const result = decryptMessage(deps(), { record: sessions.get(key(from)) ?? null, local, remote: from, envelope, preKeys: lookup })
      sessions.set(key(from), result.record)
      return result
    },
    session: (device) => sessions.get(key(device)) ?? null,
    setSession(device, record) {
      if (record) sessions.set(key(device), record)
      else sessions.delete(key(device))
    },
    async send(envelopes) {
      const recipients = envelopes.map(({ to, envelope }) => ({
        accountId: to.accountId,
        deviceId: to.deviceId,
        manifestVersion: to.manifest.version,
        envelope,
      }))
      await connection.send({ sendId: idFromBytes<MessageId>(random(16)), recipients })
    },
    async publish(changes) {
      const bytes = sign({ version: manifest.version + 1, prevHash: manifest.hash, devices: manifest.devices }, changes)
      await connection.call('devices.updateManifest', { manifest: bytes })
      manifest = verifyManifest(provider, bytes)
      return manifest
    },
  }
  return peer
}
