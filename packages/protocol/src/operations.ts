import * as z from 'zod/mini'
import { LIMITS } from './limits.js'
import { accountId, bytes, counter, deviceId, messageId, object, opaqueId, phoneNumber, shortText, timestamp, token } from './schema.js'
import { capabilities } from './wire/hello.js'

/** none: anybody. registration: the token of a confirmed code. device: an access token and a proof by the device key. */
export type AuthKind = 'none' | 'registration' | 'device'
/** Which budget a call is charged to; the server's configuration gives each its rate. */
export type LimitClass = 'cheap' | 'read' | 'write' | 'send' | 'lookup' | 'login' | 'code'

export interface Operation<Input extends z.ZodMiniType = z.ZodMiniType, Output extends z.ZodMiniType = z.ZodMiniType> {
  readonly auth: AuthKind
  readonly limit: LimitClass
  readonly summary: string
  readonly input: Input
  readonly output: Output
  /** Bytes of the encoded input; `LIMITS.frameBytes` unless given. Every operation without a device has one: what strangers send costs little room. */
  readonly maxBytes?: number
}

const operation = <I extends z.ZodMiniType, O extends z.ZodMiniType>(definition: Operation<I, O>): Operation<I, O> => definition

const nothing = object({})
const tokens = object({
  accessToken: token,
  accessExpiresAt: timestamp,
  /** Opaque, used once; its successor comes with the next refresh. */
  refreshToken: token,
})
const signedPreKey = bytes(64, 4096)
const uploadedPreKeys = object({
  /** Each is what crypto's `generatePreKeys` gives as `public`: self-describing and signed by the device key. */
  signed: z.optional(signedPreKey),
  lastResort: z.optional(signedPreKey),
  oneTime: z.optional(z.array(signedPreKey).check(z.maxLength(LIMITS.preKeysPerUpload))),
})
const manifest = bytes(64, LIMITS.manifestBytes)
/** How the key is made from the PIN (docs/protocol/13-linking.md, "Registration lock"): format 1 and its salt. */
const lockFormat = object({ format: z.literal(1), salt: bytes(16) })
const envelope = bytes(1, LIMITS.envelopeBytes)
/** A sealed segment or backup manifest (docs/protocol/11, "Container"). */
const container = bytes(1, LIMITS.archiveContainerBytes)
const backupId = bytes(16)
const segmentNumber = z.int().check(z.minimum(1), z.maximum(0xffff_ffff))
const segmentName = object({ backupId, number: segmentNumber })

/**
 * Every operation, once. The server serves this table over WebSocket frames and over HTTP (POST /v1/{name}), the OpenAPI
 * document is generated from it and the client's calls are typed by it. A route that is not here does not exist.
 */
export const OPERATIONS = {
  'server.capabilities': operation({
    auth: 'none',
    limit: 'cheap',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Protocol versions, features, limits and the time of this server.',
    input: nothing,
    output: object({ time: timestamp, capabilities }),
  }),
  'auth.requestCode': operation({
    auth: 'none',
    limit: 'code',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Sends a one-time code to a phone number. The answer is the same for known and unknown numbers.',
    input: object({ phone: phoneNumber }),
    output: object({ loginId: opaqueId, codeDigits: z.int(), expiresAt: timestamp, resendAt: timestamp }),
  }),
  'auth.confirmCode': operation({
    auth: 'none',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Exchanges a one-time code for a registration token. `account` tells the state that a first manifest must continue.',
    input: object({ loginId: opaqueId, code: z.string().check(z.regex(/^\d{4,10}$/)) }),
    output: object({
      registrationToken: token,
      expiresAt: timestamp,
      account: object({
        accountId,
        /** True: there are keys already; registering replaces them and every contact sees it. */
        exists: z.boolean(),
        manifestVersion: counter,
        manifestHash: z.optional(bytes(64)),
        /** The newest one: who has the recovery key signs that the next account key follows it. */
        manifest: z.optional(manifest),
        nextDeviceId: deviceId,
      }),
      /** The number has a registration lock: `auth.unlockRegistration` before `account.register`, or a manifest with the recovery key's succession. */
      lock: z.optional(lockFormat),
    }),
  }),
  'auth.unlockRegistration': operation({
    auth: 'registration',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Shows that the registering person has the PIN of the registration lock. Tries are counted for the account, not for the caller.',
    input: object({ key: bytes(32) }),
    output: object({ unlocked: z.boolean(), triesLeft: counter }),
  }),
  'account.setRegistrationLock': operation({
    auth: 'device',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'From the primary device: sets the registration lock to a key that is stretched from a PIN, or takes it away.',
    input: object({ lock: z.nullable(object({ format: z.literal(1), salt: bytes(16), key: bytes(32) })) }),
    output: nothing,
  }),
  'account.registrationLock': operation({
    auth: 'device',
    limit: 'read',
    summary: 'Whether the own account has a registration lock, and since when.',
    input: nothing,
    output: object({ lock: z.optional(object({ since: timestamp })) }),
  }),
  'account.register': operation({
    auth: 'registration',
    limit: 'login',
    maxBytes: LIMITS.registrationBytes,
    summary: 'Creates the account and its first device: signed manifest, first prekeys. Idempotent for the same manifest.',
    input: object({ manifest, deviceId, preKeys: uploadedPreKeys, replaceKeys: z.optional(z.boolean()), client: z.optional(shortText) }),
    output: object({ accountId, deviceId, tokens }),
  }),
  'account.lookup': operation({
    auth: 'device',
    limit: 'lookup',
    summary: 'Finds the account of a phone number. Tells the server which number this account looks for, and the caller whether it is registered.',
    input: object({ phone: phoneNumber }),
    output: object({ accountId: z.optional(accountId) }),
  }),
  'account.setProfile': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Stores the encrypted profile (name, avatar). The server has no key for it. A lower version than the stored one is a conflict.',
    input: object({ version: counter, profile: bytes(1, LIMITS.profileBytes) }),
    output: nothing,
  }),
  'account.profile': operation({
    auth: 'device',
    limit: 'read',
    summary: 'The encrypted profile of an account, absent where none was stored.',
    input: object({ accountId }),
    output: object({ profile: z.optional(object({ version: counter, profile: bytes(1, LIMITS.profileBytes) })) }),
  }),
  'account.delete': operation({
    auth: 'device',
    limit: 'login',
    summary: 'Erases the account: devices, prekeys, queued messages, profile, number. Cannot be undone.',
    input: object({ accountId }),
    output: nothing,
  }),
  'auth.refresh': operation({
    auth: 'none',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Rotates the refresh token and gives a new access token. `proof` is a DSK signature over T("SC1/auth/refresh", hash of the token, time, nonce).',
    input: object({ refreshToken: token, time: timestamp, nonce: bytes(16), proof: bytes(64) }),
    output: tokens,
  }),
  'auth.logout': operation({
    auth: 'device',
    limit: 'login',
    summary: 'Ends this device’s session: its tokens and sockets are dead, its queue stays.',
    input: nothing,
    output: nothing,
  }),
  'devices.manifest': operation({
    auth: 'device',
    limit: 'read',
    summary: 'The signed manifests of an account above a version, oldest first, so that the chain can be followed.',
    input: object({ accountId, after: z.optional(counter) }),
    output: object({ manifests: z.array(manifest), more: z.boolean() }),
  }),
  'devices.updateManifest': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Stores the next manifest of the own account if it continues the current one, else a conflict.',
    input: object({ manifest }),
    output: nothing,
  }),
  'devices.invite': operation({
    auth: 'device',
    limit: 'login',
    summary: 'A registration token for one further device of the own account: good for `account.register` with a manifest that is stored already and lists it.',
    input: object({ deviceId }),
    output: object({ registrationToken: token, expiresAt: timestamp }),
  }),
  'devices.seen': operation({
    auth: 'device',
    limit: 'read',
    summary: 'On which day (UTC) each device of the own account was last connected; absent for one that never was.',
    input: nothing,
    output: object({ devices: z.array(object({ deviceId, lastSeen: z.optional(timestamp) })) }),
  }),
  'devices.renewLease': operation({
    auth: 'device',
    limit: 'cheap',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Exchanges the lease of this device’s store for the next. `kept` is false where `held` is not the last one: the store was put back or copied.',
    input: object({ held: z.optional(bytes(16)), next: bytes(16) }),
    output: object({ kept: z.boolean() }),
  }),
  'links.open': operation({
    auth: 'none',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'Opens a meeting place for a new device that shows a linking code. `linkId` is a hash of the code, so only who has seen it finds the place.',
    input: object({ linkId: opaqueId, kemKey: bytes(1184) }),
    output: object({ expiresAt: timestamp }),
  }),
  'links.read': operation({
    auth: 'none',
    limit: 'cheap',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'What lies at a meeting place so far.',
    input: object({ linkId: opaqueId }),
    output: object({
      kemKey: bytes(1184),
      answer: z.optional(bytes(1, LIMITS.linkAnswerBytes)),
      confirmation: z.optional(bytes(98)),
      manifest: z.optional(manifest),
      handover: z.optional(bytes(1, LIMITS.linkHandoverBytes)),
      expiresAt: timestamp,
    }),
  }),
  'links.answer': operation({
    auth: 'device',
    limit: 'write',
    summary: 'The primary device’s sealed answer, once. Another one is a conflict.',
    input: object({ linkId: opaqueId, answer: bytes(1, LIMITS.linkAnswerBytes) }),
    output: nothing,
  }),
  'links.confirm': operation({
    auth: 'none',
    limit: 'login',
    maxBytes: LIMITS.smallInputBytes,
    summary: 'The new device’s confirmation, once. Another one is a conflict.',
    input: object({ linkId: opaqueId, confirmation: bytes(98) }),
    output: nothing,
  }),
  'links.finish': operation({
    auth: 'device',
    limit: 'write',
    summary: 'The manifest that lists the new device, once, after it was stored.',
    input: object({ linkId: opaqueId, manifest }),
    output: nothing,
  }),
  'links.handover': operation({
    auth: 'device',
    limit: 'write',
    summary: 'What an old primary device hands to the new one, sealed, once. Another one is a conflict.',
    input: object({ linkId: opaqueId, handover: bytes(1, LIMITS.linkHandoverBytes) }),
    output: nothing,
  }),
  'backups.manifest': operation({
    auth: 'device',
    limit: 'read',
    summary:
      'The newest backup manifest of the own account, sealed; absent where there is none. `bytes` and `segments`: what lies on the server, of limits that `server.capabilities` tells.',
    input: nothing,
    output: object({ manifest: z.optional(object({ version: counter, bytes: container })), bytes: counter, segments: counter }),
  }),
  'backups.putManifest': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Replaces the backup manifest if the stored one has version `expected` (0: none), else a conflict. The stored bytes again change nothing.',
    input: object({ expected: counter, manifest: container }),
    output: object({ version: counter }),
  }),
  'backups.putSegment': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Stores a segment of the own backup. The same bytes again change nothing, others under its name are a conflict.',
    input: object({ backupId, number: segmentNumber, segment: container }),
    output: nothing,
  }),
  'backups.segment': operation({
    auth: 'device',
    limit: 'read',
    summary: 'A segment of the own backup, absent where there is none.',
    input: segmentName,
    output: object({ segment: z.optional(container) }),
  }),
  'backups.segments': operation({
    auth: 'device',
    limit: 'read',
    summary: 'Names and lengths of the stored segments, ordered by backup id and number, above `after`.',
    input: object({ after: z.optional(segmentName), limit: z.int().check(z.minimum(1), z.maximum(LIMITS.archivePage)) }),
    output: object({ segments: z.array(object({ backupId, number: segmentNumber, length: counter })), more: z.boolean() }),
  }),
  'backups.deleteSegments': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Deletes segments of the own backup; those that are not there are passed over.',
    input: object({ segments: z.array(segmentName).check(z.minLength(1), z.maxLength(LIMITS.archivePage)) }),
    output: nothing,
  }),
  'backups.erase': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Deletes the backup of the own account: manifest and all segments. Cannot be undone.',
    input: nothing,
    output: nothing,
  }),
  'history.open': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Opens a place for history between two devices of the own account. It ends after a day, with all that lies there. Again: no effect.',
    input: object({ transferId: backupId }),
    output: object({ expiresAt: timestamp }),
  }),
  'history.put': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Puts a sealed part there. The same bytes again change nothing, others under its number are a conflict.',
    input: object({ transferId: backupId, number: segmentNumber, segment: container }),
    output: nothing,
  }),
  'history.read': operation({
    auth: 'device',
    limit: 'read',
    summary: 'A part, absent until it is there. `request/not-found`: there is no such place (any more).',
    input: object({ transferId: backupId, number: segmentNumber }),
    output: object({ segment: z.optional(container), expiresAt: timestamp }),
  }),
  'history.close': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Deletes the place and all that lies there, whether or not it was there.',
    input: object({ transferId: backupId }),
    output: nothing,
  }),
  'prekeys.publish': operation({
    auth: 'device',
    limit: 'write',
    summary: 'Adds one-time pairs and replaces the signed and the last-resort prekey of this device. Idempotent by key id.',
    input: uploadedPreKeys,
    output: object({ oneTime: counter }),
  }),
  'prekeys.count': operation({
    auth: 'device',
    limit: 'read',
    summary: 'How many one-time pairs of this device the server still has.',
    input: nothing,
    output: object({ oneTime: counter, signedKeyId: z.optional(counter), lastResortKeyId: z.optional(counter) }),
  }),
  'prekeys.fetch': operation({
    auth: 'device',
    limit: 'read',
    summary: 'A bundle for each asked device of an account; each one-time pair is given to one caller only. Exhausted: none, and the last-resort key serves.',
    input: object({ accountId, deviceIds: z.array(deviceId).check(z.minLength(1), z.maxLength(LIMITS.devicesPerAccount)) }),
    output: object({
      bundles: z.array(object({ deviceId, signed: signedPreKey, lastResort: signedPreKey, oneTime: z.optional(signedPreKey) })),
    }),
  }),
  'mailbox.send': operation({
    auth: 'device',
    limit: 'send',
    summary:
      'Stores envelopes in mailboxes, all or none, durably before the answer. Repeating a sendId stores nothing again. Over a socket the send frame does the same.',
    input: object({
      sendId: messageId,
      body: z.optional(envelope),
      recipients: z.array(object({ accountId, deviceId, manifestVersion: counter, envelope })).check(z.minLength(1), z.maxLength(LIMITS.recipientsPerSend)),
    }),
    output: object({ time: timestamp }),
  }),
  'mailbox.fetch': operation({
    auth: 'device',
    limit: 'read',
    summary: 'Rows of this device’s mailbox above a sequence, oldest first.',
    input: object({ after: counter, limit: z.optional(z.int().check(z.minimum(1), z.maximum(LIMITS.deliveryBatch))) }),
    output: object({
      rows: z.array(object({ sequence: counter, time: timestamp, sender: z.optional(object({ accountId, deviceId })), envelope, body: z.optional(envelope) })),
    }),
  }),
  'mailbox.acknowledge': operation({
    auth: 'device',
    limit: 'send',
    summary: 'Deletes the rows of this device’s mailbox up to and including a sequence.',
    input: object({ upTo: counter }),
    output: nothing,
  }),
} as const

export type Operations = typeof OPERATIONS
export type OperationName = keyof Operations
export type OperationInput<Name extends OperationName> = z.input<Operations[Name]['input']>
export type OperationOutput<Name extends OperationName> = z.output<Operations[Name]['output']>

export const isOperationName = (name: unknown): name is OperationName => typeof name === 'string' && Object.hasOwn(OPERATIONS, name)

/** Bytes that the encoded input of an operation may have. */
export function maxInputBytes(name: OperationName): number {
  const { maxBytes }: Operation = OPERATIONS[name]
  return maxBytes ?? LIMITS.frameBytes
}
