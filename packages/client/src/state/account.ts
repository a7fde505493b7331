import { type AccountKeys, type DeviceKeys, decodeAccountKeys, decodeDeviceKeys, encodeAccountKeys, encodeDeviceKeys } from '@securechat/crypto'
import { type AccountId, type DeviceId, SecureChatError } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { KEYS } from './keys.js'
import { bytes, count, defineRecord, id } from './record.js'

const deviceId = z.custom<DeviceId>((value) => typeof value === 'number')

const account = defineRecord(
  'account',
  z.looseObject({ accountId: id<AccountId>(), deviceId, phone: z.string(), status: z.enum(['signed-in', 'revoked']), registeredAt: count }),
)
export type AccountRecord = ReturnType<typeof account.decode>

const tokens = defineRecord('tokens', z.looseObject({ accessToken: z.string(), accessExpiresAt: count, refreshToken: z.string() }))
export type TokensRecord = ReturnType<typeof tokens.decode>

const registration = defineRecord(
  'registration',
  z.looseObject({
    phone: z.string(),
    registrationToken: z.string(),
    accountId: id<AccountId>(),
    deviceId,
    replaceKeys: z.boolean(),
    /** Signed bytes: a repetition sends the very same. */
    manifest: bytes,
    signed: bytes,
    lastResort: bytes,
    oneTime: z.array(bytes),
    /** Absent where the keys in force are used again (a new session for the same device). */
    deviceKeys: z.optional(bytes),
    /** Absent for a linked device too. */
    accountKeys: z.optional(bytes),
    /** A linked device's: what the primary device believed of the account, and the account's profile. */
    pin: z.optional(bytes),
    profile: z.optional(bytes),
  }),
)
export type RegistrationRecord = ReturnType<typeof registration.decode>

const pendingManifest = defineRecord('pending manifest', z.looseObject({ manifest: bytes }))

export const readAccount = (reader: Reader): Promise<AccountRecord | undefined> => account.read(reader, KEYS.account)
export const decodeAccount = account.decode
export const writeAccount = (tx: Transaction, value: AccountRecord): void => account.write(tx, KEYS.account, value)
export const readTokens = (reader: Reader): Promise<TokensRecord | undefined> => tokens.read(reader, KEYS.tokens)
export const writeTokens = (tx: Transaction, value: TokensRecord): void => tokens.write(tx, KEYS.tokens, value)
export const readRegistration = (reader: Reader): Promise<RegistrationRecord | undefined> => registration.read(reader, KEYS.registration)
export const writeRegistration = (tx: Transaction, value: RegistrationRecord): void => registration.write(tx, KEYS.registration, value)
export const readPendingManifest = async (reader: Reader): Promise<Uint8Array | undefined> =>
  (await pendingManifest.read(reader, KEYS.pendingManifest))?.manifest
export const writePendingManifest = (tx: Transaction, manifest: Uint8Array): void => pendingManifest.write(tx, KEYS.pendingManifest, { manifest })

/** Without `accountKeys`: a linked device, which has none. */
export const writeKeys = (tx: Transaction, keys: { accountKeys: AccountKeys | undefined; deviceKeys: DeviceKeys }): void => {
  if (keys.accountKeys) tx.put(KEYS.accountKeys, encodeAccountKeys(keys.accountKeys))
  else tx.delete(KEYS.accountKeys)
  tx.put(KEYS.deviceKeys, encodeDeviceKeys(keys.deviceKeys))
}
export async function readAccountKeys(reader: Reader): Promise<AccountKeys | undefined> {
  const stored = await reader.get(KEYS.accountKeys)
  return stored && decodeAccountKeys(stored)
}
/** Throws `storage/corrupt` where an account has no device keys. */
export async function readDeviceKeys(reader: Reader): Promise<DeviceKeys> {
  const stored = await reader.get(KEYS.deviceKeys)
  if (!stored) throw new SecureChatError('storage/corrupt', { detail: 'device keys' })
  return decodeDeviceKeys(stored)
}

/** The account that may send and receive. Throws `auth/not-registered` or `auth/revoked`. */
export async function requireAccount(reader: Reader): Promise<AccountRecord> {
  const value = await readAccount(reader)
  if (!value) throw new SecureChatError('auth/not-registered')
  return value
}
