import {
  acceptDevice,
  type CryptoDeps,
  createManifest,
  createSuccession,
  DEVICE_FLAGS,
  type DeviceKeys,
  decodeAccountKeys,
  decodeDeviceKeys,
  decodeManifest,
  decodeManifestPin,
  encodeAccountKeys,
  encodeDeviceKeys,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  type KeyPair,
  type Manifest,
  verifyManifest,
  verifyManifestChain,
} from '@securechat/crypto'
import { type AccountId, type DeviceId, equalPublicBytes, LIMITS, type OperationOutput, SecureChatError } from '@securechat/protocol'
import { type Context, cryptoDeps } from '../context.js'
import {
  type RegistrationRecord,
  readAccount,
  readDeviceKeys,
  readRegistration,
  writeAccount,
  writeKeys,
  writeRegistration,
  writeTokens,
} from '../state/account.js'
import type { Transaction } from '../state/database.js'
import { beginHistory } from '../state/history.js'
import { writeCursor } from '../state/inbox.js'
import { KEYS, PREFIX } from '../state/keys.js'
import { readOutbox, writeOutbox } from '../state/outbox.js'
import { readPins, writePins } from '../state/pins.js'
import { deletePreKey, listPreKeys, readPreKey, readPreKeys, writeGenerated, writePreKey, writePreKeys } from '../state/prekeys.js'
import { decodeOwnProfile, writeOwnProfile } from '../state/profile.js'
import { writeWant } from '../state/sync.js'
import { continueWipe, requireUnwiped } from './sign-out.js'

const DAY = 86_400_000
const FIRST_ONE_TIME_KEYS = LIMITS.oneTimePreKeys

export type Confirmed = OperationOutput<'auth.confirmCode'>

export interface RegistrationInput {
  readonly phone: string
  readonly confirmed: Confirmed
  readonly replaceKeys: boolean
  /** Of the account's words: its first manifest names it, or it signs that the new account key follows the old one. */
  readonly recoveryKey?: KeyPair
}

/**
 * Makes everything that registering needs and commits it BEFORE the server hears of it, so that a process that dies at any later point
 * repeats the same call with the same bytes. Throws `auth/account-exists`, `auth/already-registered`, `client/invalid-argument` for a recovery key that is not the account's.
 */
export async function prepareRegistration(context: Context, input: RegistrationInput): Promise<void> {
  const { db, provider } = context
  const { phone, confirmed, recoveryKey } = input
  const { registrationToken, account } = confirmed
  const former = recoveryKey && account.exists ? recoverable(provider, account, recoveryKey) : undefined
  const replaceKeys = input.replaceKeys || former !== undefined
  await continueWipe(context)
  await db.run(async (tx) => {
    await requireUnwiped(tx)
    const pending = await readRegistration(tx)
    const onServer = (manifest: Uint8Array): boolean =>
      account.manifestHash !== undefined && equalPublicBytes(decodeManifest(provider, manifest).hash, account.manifestHash)
    // The same attempt again, or one whose answer was lost: the server has its manifest or will take it.
    if (pending && pending.accountId === account.accountId && (pending.registrationToken === registrationToken || onServer(pending.manifest))) {
      return writeRegistration(tx, { ...pending, registrationToken, replaceKeys: pending.replaceKeys || replaceKeys })
    }
    const present = await readAccount(tx)
    if (present && present.accountId !== account.accountId) throw new SecureChatError('auth/already-registered')
    const own = present && (await readPins(tx, provider, present.accountId))
    if (present && own && onServer(own.pin.manifest.bytes)) {
      const deviceKeys = await readDeviceKeys(tx)
      return writeRegistration(tx, {
        ...(await freshPreKeys(context, tx, { accountId: present.accountId, deviceId: present.deviceId, deviceKeys, count: 0 })),
        phone,
        registrationToken,
        accountId: present.accountId,
        deviceId: present.deviceId,
        replaceKeys: false,
        manifest: own.pin.manifest.bytes,
      })
    }
    if (account.exists && !replaceKeys) throw new SecureChatError('auth/account-exists')
    const made = newDevice(cryptoDeps(context), account, { former, recoveryKey })
    writeRegistration(tx, {
      ...(await freshPreKeys(context, tx, { ...made, count: FIRST_ONE_TIME_KEYS })),
      phone,
      registrationToken,
      accountId: account.accountId,
      deviceId: account.nextDeviceId,
      replaceKeys,
      manifest: made.manifest,
      accountKeys: encodeAccountKeys(made.accountKeys),
      deviceKeys: encodeDeviceKeys(made.deviceKeys),
    })
  })
}

export interface LinkedDeviceInput {
  readonly phone: string
  readonly registrationToken: string
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly deviceKeys: DeviceKeys
  /** The manifest that lists this device. */
  readonly manifest: Uint8Array
  readonly pin: Uint8Array
  readonly profile?: Uint8Array | undefined
  readonly history?: { readonly id: Uint8Array; readonly key: Uint8Array } | undefined
}

/** As `prepareRegistration`, for a device that another one has taken into its account's manifest. Throws `auth/already-registered`. */
export async function prepareLinkedDevice(context: Context, { deviceKeys, profile, history, ...input }: LinkedDeviceInput): Promise<void> {
  const { accountId, deviceId } = input
  await continueWipe(context)
  await context.db.run(async (tx) => {
    await requireUnwiped(tx)
    if (await readAccount(tx)) throw new SecureChatError('auth/already-registered')
    const preKeys = await freshPreKeys(context, tx, { accountId, deviceId, deviceKeys, count: FIRST_ONE_TIME_KEYS })
    writeRegistration(tx, { ...input, ...preKeys, replaceKeys: false, deviceKeys: encodeDeviceKeys(deviceKeys), ...(profile && { profile }) })
    // Whether there is any, the server says once this device is signed in.
    if (history?.id.length === 16 && history.key.length === 32) await beginHistory(tx, { id: history.id, key: history.key, direction: 'receiving' })
  })
}

/** What the recovery key can succeed: the newest manifest, if it names this key. */
function recoverable(provider: CryptoDeps['provider'], account: Confirmed['account'], recoveryKey: KeyPair): Manifest {
  const former = account.manifest && verifyManifest(provider, account.manifest)
  if (
    former?.accountId !== account.accountId ||
    former.version !== account.manifestVersion ||
    !equalPublicBytes(former.hash, account.manifestHash ?? new Uint8Array(0))
  )
    throw new SecureChatError('protocol/malformed', { detail: 'manifest of the account' })
  if (!equalPublicBytes(former.recoveryKey, recoveryKey.publicKey)) throw new SecureChatError('client/invalid-argument', { detail: 'recovery key' })
  return former
}

/** A new account key and a device that is alone under it, continuing the versions that the server has. */
function newDevice(
  deps: CryptoDeps,
  { accountId, nextDeviceId: deviceId, manifestVersion, manifestHash }: Confirmed['account'],
  { former, recoveryKey }: { readonly former: Manifest | undefined; readonly recoveryKey: KeyPair | undefined },
) {
  const accountKeys = generateAccountKeys(deps)
  const deviceKeys = generateDeviceKeys(deps)
  const accept = acceptDevice(deps, { accountId, accountKey: accountKeys.publicKey, deviceId, deviceKeys })
  const version = manifestVersion + 1
  const { signing, identity } = deviceKeys
  const { bytes: manifest } = createManifest(deps, {
    accountId,
    accountKey: accountKeys,
    version,
    prevHash: manifestHash ?? new Uint8Array(0),
    notBefore: deps.now,
    notAfter: deps.now + LIMITS.manifestDays * DAY,
    devices: [{ deviceId, signingKey: signing.publicKey, identityKey: identity.publicKey, addedVersion: version, flags: DEVICE_FLAGS.primary, accept }],
    ...(recoveryKey && { recoveryKey: recoveryKey.publicKey }),
    ...(former && recoveryKey && { succession: succession(deps, { former, recoveryKey, newAccountKey: accountKeys.publicKey }) }),
  })
  return { accountId, deviceId, accountKeys, deviceKeys, manifest }
}

const succession = (
  { provider }: Pick<CryptoDeps, 'provider'>,
  { former, recoveryKey, newAccountKey }: { readonly former: Manifest; readonly recoveryKey: KeyPair; readonly newAccountKey: Uint8Array },
): Uint8Array => {
  const { accountId, accountKey: oldAccountKey, version: lastVersion, hash: lastHash } = former
  return createSuccession(provider, { accountId, oldAccountKey, newAccountKey, lastVersion, lastHash, recoveryKey })
}

async function freshPreKeys(
  context: Context,
  tx: Transaction,
  device: { accountId: AccountId; deviceId: DeviceId; deviceKeys: DeviceKeys; count: number },
): Promise<Pick<RegistrationRecord, 'signed' | 'lastResort' | 'oneTime'>> {
  const deps = cryptoDeps(context)
  const before = await readPreKeys(tx)
  const made = generatePreKeys(deps, { ...device, firstKeyId: before?.nextKeyId ?? 1 })
  writeGenerated(tx, [made.signed], { type: 'signed', created: deps.now })
  writeGenerated(tx, [made.lastResort], { type: 'last-resort', created: deps.now })
  writeGenerated(tx, made.oneTime, { type: 'one-time', created: deps.now })
  // A device that signs in again keeps the ones it replaces for first messages on their way.
  for (const keyId of before ? [before.signedKeyId, before.lastResortKeyId] : []) {
    const old = await readPreKey(tx, keyId)
    if (old) writePreKey(tx, keyId, { ...old, replacedAt: deps.now })
  }
  writePreKeys(tx, { nextKeyId: made.nextKeyId, signedKeyId: made.signed.keyId, lastResortKeyId: made.lastResort.keyId, rotatedAt: deps.now })
  return { signed: made.signed.public, lastResort: made.lastResort.public, oneTime: made.oneTime.map((key) => key.public) }
}

/** Codes after which a stored registration can never succeed. */
const HOPELESS = ['auth/account-exists', 'request/conflict', 'devices/invalid-manifest', 'prekeys/invalid-bundle']

export interface Registrar {
  /** Sends the stored registration, as often as needed; calls at one time share one. False: there is none. Throws the server's and the network's errors. */
  complete(signal?: AbortSignal): Promise<boolean>
}

export function createRegistrar(context: Context): Registrar {
  let running: Promise<boolean> | undefined
  return {
    complete(signal) {
      running ??= completeRegistration(context, signal).finally(() => {
        running = undefined
      })
      return running
    },
  }
}

async function completeRegistration(context: Context, signal: AbortSignal | undefined): Promise<boolean> {
  const { db, network } = context
  const pending = await readRegistration(db)
  if (!pending) return false
  const { accountId, deviceId, manifest, signed, lastResort, oneTime, replaceKeys, registrationToken } = pending
  let answer: OperationOutput<'account.register'>
  try {
    const input = {
      manifest,
      deviceId,
      preKeys: { signed, lastResort, ...(oneTime.length > 0 && { oneTime }) },
      replaceKeys,
    }
    answer = await network.call('account.register', input, { registrationToken, ...(signal && { signal }) })
  } catch (error) {
    if (error instanceof SecureChatError && HOPELESS.includes(error.code)) await db.run(async (tx) => tx.delete(KEYS.registration))
    throw error
  }
  if (answer.accountId !== accountId || answer.deviceId !== deviceId) throw new SecureChatError('protocol/malformed', { detail: 'registered account' })
  await db.run((tx) => adopt(context, tx, { pending, tokens: answer.tokens }))
  context.identity.forget()
  return true
}

/** From the server's answer on this is the account: one commit. */
async function adopt(
  context: Context,
  tx: Transaction,
  { pending, tokens }: { pending: RegistrationRecord; tokens: OperationOutput<'account.register'>['tokens'] },
): Promise<void> {
  const { accountId, deviceId, phone, accountKeys, deviceKeys, manifest, profile } = pending
  const { clock, provider } = context
  if (deviceKeys) {
    await forgetFormerDevice(tx)
    writeKeys(tx, { accountKeys: accountKeys && decodeAccountKeys(accountKeys), deviceKeys: decodeDeviceKeys(deviceKeys) })
    const pinned = pending.pin ? decodeManifestPin(provider, pending.pin) : null
    writePins(tx, accountId, { pin: verifyManifestChain(provider, { pinned, chain: [manifest], now: clock.now() }).pin })
  }
  if (profile) writeOwnProfile(tx, decodeOwnProfile(profile))
  // A linked device: the others know what it does not.
  if (pending.pin) writeWant(tx)
  writeAccount(tx, { accountId, deviceId, phone, status: 'signed-in', registeredAt: clock.now() })
  writeTokens(tx, tokens)
  tx.delete(KEYS.registration)
}

/** A device with new keys has a new mailbox, no sessions, and only its own prekeys. What was encrypted and not sent is encrypted anew. */
async function forgetFormerDevice(tx: Transaction): Promise<void> {
  const current = await readPreKeys(tx)
  for (const { key } of await tx.list(PREFIX.session)) tx.delete(key)
  for (const { key } of await tx.list(PREFIX.outbox)) {
    const record = await readOutbox(tx, key)
    if (!record?.recipients) continue
    const { recipients: _, ...plain } = record
    writeOutbox(tx, { key, record: plain })
  }
  for (const { keyId } of await listPreKeys(tx)) if (current && keyId < current.signedKeyId) deletePreKey(tx, keyId)
  tx.delete(KEYS.pendingManifest)
  writeCursor(tx, 0)
}
