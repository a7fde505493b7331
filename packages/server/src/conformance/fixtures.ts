import { type AccountId, type DeviceId, type MessageId, toBase64Url } from '@securechat/protocol'
import type { Append, PreKeyUpload, Registration, ServerStore, StoredDevice, StoredManifest } from '../ports/store.js'
import { expectThat } from './case.js'

/** A fixed time, so that a suite's run is the same on every day. */
export const NOW = 1_800_000_000_000
export const HOUR = 3_600_000
export const DAY = 24 * HOUR

let counter = 0
/** Bytes that no other call gives; stores do not look into them. */
export function uniqueBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = ++counter * 2_654_435_761
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + counter + i) >>> 0
    bytes[i] = state & 0xff
  }
  return bytes
}
export const uniqueId = <Id extends string = string>(): Id => {
  const bytes = uniqueBytes(16)
  new DataView(bytes.buffer).setUint32(0, ++counter)
  return toBase64Url(bytes) as Id
}
export const device = (id: number): StoredDevice => ({ deviceId: id as DeviceId, signingKey: uniqueBytes(32) })

export const manifestAfter = (previous: StoredManifest | undefined, devices: readonly StoredDevice[]): StoredManifest => ({
  version: (previous?.version ?? 0) + 1,
  prevHash: previous?.hash ?? new Uint8Array(0),
  hash: uniqueBytes(64),
  bytes: uniqueBytes(300),
  devices,
})

export const preKeys = (ids: readonly number[], limit = 100): PreKeyUpload => ({
  signed: { keyId: 1_000_001, bytes: uniqueBytes(80) },
  lastResort: { keyId: 1_000_002, bytes: uniqueBytes(90) },
  oneTime: ids.map((keyId) => ({ keyId, bytes: uniqueBytes(70) })),
  limit,
})
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Of accounts without a lock. */
export const UNLOCKED = { seenAt: NOW - (NOW % DAY), lockedSince: 0, recovered: false }

export const newSession = () => ({ sessionId: uniqueId(), tokenHash: uniqueBytes(32), expiresAt: NOW + 90 * DAY })

export async function openLogin(store: ServerStore, phoneHash: Uint8Array, at = NOW): Promise<{ loginId: string; codeMac: Uint8Array }> {
  const login = { loginId: uniqueId(), codeMac: uniqueBytes(32) }
  const opened = await store.openLogin({ ...login, phoneHash, now: at, expiresAt: at + 600_000 }, () => null)
  expectThat(opened.opened, 'a login opens')
  return login
}

export async function redeem(store: ServerStore, phoneHash: Uint8Array) {
  const { loginId } = await openLogin(store, phoneHash)
  const registrationHash = uniqueBytes(32)
  const account = await store.redeemLogin({
    loginId,
    now: NOW,
    graceUntil: NOW + 60_000,
    newAccountId: uniqueId<AccountId>(),
    registrationHash,
    registrationExpiresAt: NOW + HOUR,
  })
  expectThat(account !== undefined, 'a login is redeemed')
  return { account, registrationHash }
}

export interface TestAccount {
  readonly accountId: AccountId
  readonly phoneHash: Uint8Array
  readonly device: StoredDevice
  readonly manifest: StoredManifest
  readonly registration: Registration
}

/** An account with one device (id 1) and one-time keys 1 to 10. */
export async function newAccount(store: ServerStore, options: { readonly oneTime?: readonly number[] } = {}): Promise<TestAccount> {
  const phoneHash = uniqueBytes(32)
  const { account, registrationHash } = await redeem(store, phoneHash)
  const first = device(1)
  const manifest = manifestAfter(undefined, [first])
  const registration: Registration = {
    registrationHash,
    accountId: account.accountId,
    deviceId: first.deviceId,
    manifest,
    preKeys: preKeys(options.oneTime ?? range(1, 10)),
    replaceKeys: false,
    session: newSession(),
    now: NOW,
    ...UNLOCKED,
  }
  const outcome = await store.register(registration)
  expectThat(outcome.kind === 'stored', 'an account registers')
  return { accountId: account.accountId, phoneHash, device: first, manifest, registration }
}

/** A send of one envelope to the first device of each account. */
export const sendTo = (sender: TestAccount, recipients: readonly TestAccount[], fields: Partial<Append> = {}): Append => ({
  sender: { accountId: sender.accountId, deviceId: sender.device.deviceId },
  sendId: uniqueId<MessageId>(),
  time: NOW,
  recipients: recipients.map(({ accountId, device: { deviceId }, manifest: { version } }) => ({
    accountId,
    deviceId,
    manifestVersion: version,
    envelope: uniqueBytes(120),
  })),
  maxRows: 1_000,
  ...fields,
})

export const mailbox = ({ accountId, device: { deviceId } }: TestAccount, after = 0, limit = 256) => ({
  accountId,
  deviceId,
  after,
  limit,
  maxBytes: 1_000_000,
})
