import { type AccountId, type DeviceId, equalPublicBytes } from '@securechat/protocol'
import { type AccountStore, type ManifestOutcome, type RegisterOutcome, type StoredManifest, swapLease } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { AccountRow, AccountRows } from './account-rows.js'
import type { Batch } from './batch.js'
import { accountBytes, accountText, type Devices } from './devices.js'
import type { PublishPreKeys } from './prekeys.js'
import { sqliteRegistrationLocks } from './registration-locks.js'

const continues = (account: AccountRow, { version, prevHash }: StoredManifest): boolean =>
  account.manifest_version === 0
    ? version === 1 && prevHash.length === 0
    : version === account.manifest_version + 1 && equalPublicBytes(prevHash, account.manifest_hash!)

interface Parts {
  readonly batch: Batch
  readonly accounts: AccountRows
  readonly devices: Devices
  readonly publish: PublishPreKeys
  /** Called after every change of an account's manifest or devices. */
  readonly changed: (accountId: AccountId) => void
}

export function sqliteAccounts(database: SqlDriver, { batch, accounts, devices, publish, changed }: Parts): AccountStore {
  const registration = database.prepare<{ account_id: Uint8Array; device_id: DeviceId | null; unlocked: number }>(
    'SELECT account_id, device_id, unlocked FROM registrations WHERE hash = ? AND expires_at > ?',
  )
  const locks = sqliteRegistrationLocks(database, batch, (accountId) => registered(accounts.byId(accountId)) !== undefined)
  const setUnlocked = database.prepare('UPDATE registrations SET unlocked = 1 WHERE hash = ?')
  const markSeen = database.prepare('UPDATE devices SET seen_at = max(coalesce(seen_at, 0), ?) WHERE device_row = ?')
  const seen = database.prepare<{ device_id: DeviceId; seen_at: number | null }>(
    'SELECT device_id, seen_at FROM devices WHERE account_id = ? ORDER BY device_id',
  )
  const lease = database.prepare<{ current: Uint8Array; before: Uint8Array; kept: number }>('SELECT current, before, kept FROM leases WHERE device_row = ?')
  const setLease = database.prepare('INSERT OR REPLACE INTO leases (device_row, current, before, kept) VALUES (?, ?, ?, ?)')
  const invite = database.prepare('INSERT INTO registrations (hash, account_id, device_id, expires_at) VALUES (?, ?, ?, ?)')
  const addManifest = database.prepare('INSERT INTO manifests (account_id, version, bytes) VALUES (?, ?, ?)')
  const setManifest = database.prepare(
    'UPDATE accounts SET manifest_version = ?, manifest_hash = ?, next_device_id = max(next_device_id, ?) WHERE account_id = ?',
  )
  const addDevice = database.prepare('INSERT INTO devices (account_id, device_id, signing_key) VALUES (?, ?, ?)')
  const addSession = database.prepare('INSERT INTO sessions (session_id, device_row) VALUES (?, ?)')
  const addToken = database.prepare('INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES (?, ?, ?)')
  const manifests = database.prepare<{ bytes: Uint8Array }>('SELECT bytes FROM manifests WHERE account_id = ? AND version > ? ORDER BY version LIMIT ?')
  const profile = database.prepare<{ version: number; bytes: Uint8Array }>(
    'SELECT profile_version AS version, profile AS bytes FROM accounts WHERE account_id = ? AND manifest_version > 0 AND profile IS NOT NULL',
  )
  const setProfile = database.prepare('UPDATE accounts SET profile_version = ?, profile = ? WHERE account_id = ?')
  const eraseRows = ['archive_segments', 'history_transfers', 'backup_manifests', 'manifests', 'registrations', 'registration_locks', 'accounts'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE account_id = ?`),
  )
  const eraseLogins = database.prepare('DELETE FROM logins WHERE phone_hash = ?')

  const registered = (row: AccountRow | undefined): AccountRow | undefined => (row && row.manifest_version > 0 ? row : undefined)

  /** Adds the manifest and drops the devices that it does not list with the same key. */
  const adopt = (account: AccountRow, manifest: StoredManifest): DeviceId[] => {
    const accountId = accountText(account.account_id)
    const gone: DeviceId[] = []
    const kept = new Set<DeviceId>()
    for (const device of devices.list(accountId)) {
      const listed = manifest.devices.find(({ deviceId }) => deviceId === device.device_id)
      if (listed && equalPublicBytes(listed.signingKey, device.signing_key)) {
        kept.add(device.device_id)
        continue
      }
      gone.push(device.device_id)
      devices.drop(device.device_row)
    }
    let next = 0
    for (const { deviceId, signingKey } of manifest.devices) {
      next = Math.max(next, deviceId + 1)
      if (!kept.has(deviceId)) addDevice.run(account.account_id, deviceId, signingKey)
    }
    addManifest.run(account.account_id, manifest.version, manifest.bytes)
    setManifest.run(manifest.version, manifest.hash, next, account.account_id)
    changed(accountId)
    return gone
  }

  return {
    ...locks.store,

    markSeen: (accountId, deviceId, time) =>
      batch.write(() => {
        const device = devices.find(accountId, deviceId)
        if (device) markSeen.run(time, device.device_row)
      }),

    swapLease: (accountId, deviceId, swap) =>
      batch.write(() => {
        const device = devices.find(accountId, deviceId)
        if (!device) return undefined
        const row = lease.get(device.device_row)
        const { current, before, kept } = swapLease(row && { ...row, kept: row.kept === 1 }, swap)
        setLease.run(device.device_row, current, before, kept ? 1 : 0)
        return kept
      }),

    seen: async (accountId) =>
      batch.read(() =>
        seen.all(accountBytes(accountId)).map(({ device_id: deviceId, seen_at }) => ({ deviceId, ...(seen_at !== null && { lastSeen: seen_at }) })),
      ),

    findRegistration: async (registrationHash, now) =>
      batch.read(() => {
        const found = registration.get(registrationHash, now)
        const account = found && accounts.byId(accountText(found.account_id))
        return account && { ...accounts.state(account), ...(found.device_id !== null && { deviceId: found.device_id }) }
      }),

    invite: ({ registrationHash, accountId, deviceId, expiresAt }) =>
      batch.write(() => {
        const account = registered(accounts.byId(accountId))
        if (!account) return false
        invite.run(registrationHash, account.account_id, deviceId, expiresAt)
        return true
      }),

    register: ({ registrationHash, accountId, deviceId, manifest, preKeys, replaceKeys, session, now, ...input }) =>
      batch.write((): RegisterOutcome => {
        const found = registration.get(registrationHash, now)
        const account = accounts.byId(accountId)
        if (!found || !account || !equalPublicBytes(found.account_id, account.account_id)) return { kind: 'expired' }
        const locked = (locks.activeAt(account.account_id) ?? 0) > input.lockedSince
        if (locked && found.device_id === null && found.unlocked === 0 && !input.recovered) return { kind: 'locked' }
        const repeated = account.manifest_hash !== null && equalPublicBytes(account.manifest_hash, manifest.hash)
        if (found.device_id !== null && (!repeated || found.device_id !== deviceId)) return { kind: 'conflict' }
        if (!repeated && account.manifest_version > 0 && !replaceKeys) return { kind: 'exists' }
        if (!repeated && !continues(account, manifest)) return { kind: 'conflict' }
        if (!manifest.devices.some((device) => device.deviceId === deviceId)) return { kind: 'conflict' }
        const revokedDeviceIds = repeated ? [] : adopt(account, manifest)
        const device = devices.find(accountId, deviceId)
        if (!device) return { kind: 'conflict' }
        if (!locked) locks.remove(account.account_id)
        // Else its answer, if it was lost, could not be asked for again.
        if (input.recovered) setUnlocked.run(registrationHash)
        markSeen.run(input.seenAt, device.device_row)
        publish(device.device_row, preKeys)
        addSession.run(session.sessionId, device.device_row)
        addToken.run(session.tokenHash, session.sessionId, session.expiresAt)
        return { kind: repeated ? 'repeated' : 'stored', revokedDeviceIds }
      }),

    updateManifest: ({ accountId, manifest }) =>
      batch.write((): ManifestOutcome => {
        const account = registered(accounts.byId(accountId))
        if (!account) return { kind: 'absent' }
        if (equalPublicBytes(account.manifest_hash!, manifest.hash)) return { kind: 'repeated', revokedDeviceIds: [] }
        if (!continues(account, manifest)) return { kind: 'conflict' }
        return { kind: 'stored', revokedDeviceIds: adopt(account, manifest) }
      }),

    manifests: async ({ accountId, after, limit }) =>
      batch.read(() => {
        if (!registered(accounts.byId(accountId))) return undefined
        const found = manifests.all(accountBytes(accountId), after, limit + 1)
        return { manifests: found.slice(0, limit).map(({ bytes }) => bytes), more: found.length > limit }
      }),

    account: async (accountId) =>
      batch.read(() => {
        const account = registered(accounts.byId(accountId))
        return account && accounts.state(account)
      }),

    device: async (accountId, deviceId) =>
      batch.read(() => {
        const device = devices.find(accountId, deviceId)
        return device && { deviceId, signingKey: device.signing_key }
      }),

    accountByPhone: async (phoneHash) =>
      batch.read(() => {
        const account = registered(accounts.byPhone(phoneHash))
        return account && accountText(account.account_id)
      }),

    setProfile: (accountId, { version, bytes }) =>
      batch.write(() => {
        const account = registered(accounts.byId(accountId))
        if (!account) return 'absent' as const
        const stored = profile.get(account.account_id)
        if (stored && (version < stored.version || (version === stored.version && !equalPublicBytes(bytes, stored.bytes)))) return 'conflict' as const
        setProfile.run(version, bytes, account.account_id)
        return 'stored' as const
      }),

    profile: async (accountId) => batch.read(() => profile.get(accountBytes(accountId))),

    erase: (accountId) =>
      batch.write(() => {
        const account = accounts.byId(accountId)
        if (!account) return false
        for (const { device_row } of devices.list(accountId)) devices.drop(device_row)
        for (const erase of eraseRows) erase.run(account.account_id)
        eraseLogins.run(account.phone_hash)
        changed(accountId)
        return true
      }),
  }
}
