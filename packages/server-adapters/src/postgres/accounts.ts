import { type DeviceId, equalPublicBytes } from '@securechat/protocol'
import { type AccountStore, type ManifestOutcome, type RegisterOutcome, type StoredLease, type StoredManifest, swapLease } from '@securechat/server'
import type { AccountRow, AccountRows } from './account-rows.js'
import type { Database, Session } from './database.js'
import type { Devices } from './devices.js'
import type { LockPhone } from './logins.js'
import type { PublishPreKeys } from './prekeys.js'
import { postgresRegistrationLocks } from './registration-locks.js'
import { accountBytes, accountText } from './rows.js'

const continues = (account: AccountRow, { version, prevHash }: StoredManifest): boolean =>
  account.manifest_version === 0
    ? version === 1 && prevHash.length === 0
    : version === account.manifest_version + 1 && equalPublicBytes(prevHash, account.manifest_hash!)

const registered = (row: AccountRow | undefined): AccountRow | undefined => (row && row.manifest_version > 0 ? row : undefined)

interface Parts {
  readonly accounts: AccountRows
  readonly devices: Devices
  readonly publish: PublishPreKeys
  readonly lockPhone: LockPhone
}

/** Whatever changes an account locks its number (where that is concerned), then its row, then its mailboxes. */
export function postgresAccounts(database: Database, { accounts, devices, publish, lockPhone }: Parts): AccountStore {
  const registration = database.statement<{ account_id: Uint8Array; device_id: DeviceId | null; unlocked: boolean }>(
    'registration',
    'SELECT account_id, device_id, unlocked FROM {s}.registrations WHERE hash = $1 AND expires_at > $2',
  )
  const locks = postgresRegistrationLocks(database, accounts)
  const setUnlocked = database.statement('registered_by_recovery', 'UPDATE {s}.registrations SET unlocked = true WHERE hash = $1')
  const markSeen = database.statement(
    'mark_seen',
    'UPDATE {s}.devices SET seen_at = $3 WHERE account_id = $1 AND device_id = $2 AND (seen_at IS NULL OR seen_at < $3)',
  )
  const seen = database.statement<{ device_id: DeviceId; seen_at: number | null }>(
    'seen',
    'SELECT device_id, seen_at FROM {s}.devices WHERE account_id = $1 ORDER BY device_id',
  )
  const lease = database.statement<StoredLease>('lease', 'SELECT current, before, kept FROM {s}.leases WHERE device_row = $1')
  const setLease = database.statement(
    'set_lease',
    `INSERT INTO {s}.leases (device_row, current, before, kept) VALUES ($1, $2, $3, $4)
     ON CONFLICT (device_row) DO UPDATE SET current = excluded.current, before = excluded.before, kept = excluded.kept`,
  )
  const invite = database.statement('invite', 'INSERT INTO {s}.registrations (hash, account_id, device_id, expires_at) VALUES ($1, $2, $3, $4)')
  const addManifest = database.statement('add_manifest', 'INSERT INTO {s}.manifests (account_id, version, bytes) VALUES ($1, $2, $3)')
  const setManifest = database.statement(
    'set_manifest',
    'UPDATE {s}.accounts SET manifest_version = $2, manifest_hash = $3, next_device_id = greatest(next_device_id, $4) WHERE account_id = $1',
  )
  const addSession = database.statement(
    'add_session',
    `WITH session AS (INSERT INTO {s}.sessions (session_id, device_row) VALUES ($1, $2))
     INSERT INTO {s}.refresh_tokens (hash, session_id, expires_at) VALUES ($3, $1, $4)`,
  )
  const manifests = database.statement<{ bytes: Uint8Array }>(
    'manifests',
    'SELECT bytes FROM {s}.manifests WHERE account_id = $1 AND version > $2 ORDER BY version LIMIT $3',
  )
  const byPhone = database.statement<{ account_id: Uint8Array }>(
    'account_by_phone',
    'SELECT account_id FROM {s}.accounts WHERE phone_hash = $1 AND manifest_version > 0',
  )
  const profile = database.statement<{ version: number; bytes: Uint8Array }>(
    'profile',
    'SELECT profile_version AS version, profile AS bytes FROM {s}.accounts WHERE account_id = $1 AND manifest_version > 0 AND profile IS NOT NULL',
  )
  const setProfile = database.statement('set_profile', 'UPDATE {s}.accounts SET profile_version = $2, profile = $3 WHERE account_id = $1')
  const eraseRows = ['archive_segments', 'history_transfers', 'backup_manifests', 'manifests', 'registrations', 'registration_locks', 'accounts'].map((table) =>
    database.statement(`erase_${table}`, `DELETE FROM {s}.${table} WHERE account_id = $1`),
  )
  const eraseLogins = database.statement('erase_logins', 'DELETE FROM {s}.logins WHERE phone_hash = $1')

  /** Adds the manifest and drops the devices that it does not list with the same key. */
  const adopt = async (session: Session, account: AccountRow, manifest: StoredManifest): Promise<DeviceId[]> => {
    const known = await devices.lockAll(session, account.account_id)
    const kept = new Set<DeviceId>()
    for (const { device_id, signing_key } of known) {
      const listed = manifest.devices.find(({ deviceId }) => deviceId === device_id)
      if (listed && equalPublicBytes(listed.signingKey, signing_key)) kept.add(device_id)
    }
    const gone = known.filter(({ device_id }) => !kept.has(device_id))
    await devices.drop(
      session,
      gone.map(({ device_row }) => device_row),
    )
    for (const device of manifest.devices) if (!kept.has(device.deviceId)) await devices.add(session, account.account_id, device)
    const next = Math.max(0, ...manifest.devices.map(({ deviceId }) => deviceId + 1))
    await session.run(addManifest, account.account_id, manifest.version, manifest.bytes)
    await session.run(setManifest, account.account_id, manifest.version, manifest.hash, next)
    return gone.map(({ device_id }) => device_id)
  }

  return {
    ...locks.store,

    async markSeen(accountId, deviceId, time) {
      await database.transaction((session) => session.run(markSeen, accountBytes(accountId), deviceId, time))
    },

    swapLease: (accountId, deviceId, swap) =>
      database.transaction(async (session) => {
        // Holds the account, so that two at once are judged one after the other.
        if (!(await accounts.lock(session, accountId))) return undefined
        const device = await devices.find(session, accountId, deviceId)
        if (!device) return undefined
        const { current, before, kept } = swapLease(await session.row(lease, device.device_row), swap)
        await session.run(setLease, device.device_row, current, before, kept)
        return kept
      }),

    async seen(accountId) {
      const rows = await database.rows(seen, accountBytes(accountId))
      return rows.map(({ device_id: deviceId, seen_at }) => ({ deviceId, ...(seen_at !== null && { lastSeen: seen_at }) }))
    },

    async findRegistration(registrationHash, now) {
      const found = await database.row(registration, registrationHash, now)
      const account = found && (await accounts.byId(database, accountText(found.account_id)))
      return account && { ...(await accounts.state(database, account)), ...(found.device_id !== null && { deviceId: found.device_id }) }
    },

    invite: ({ registrationHash, accountId, deviceId, expiresAt }) =>
      database.transaction(async (session) => {
        const account = registered(await accounts.lock(session, accountId))
        if (!account) return false
        await session.run(invite, registrationHash, account.account_id, deviceId, expiresAt)
        return true
      }),

    register: ({ registrationHash, accountId, deviceId, manifest, preKeys, replaceKeys, session: next, now, ...input }) =>
      database.transaction(async (session): Promise<RegisterOutcome> => {
        const account = await accounts.lock(session, accountId)
        const found = await session.row(registration, registrationHash, now)
        if (!found || !account || !equalPublicBytes(found.account_id, account.account_id)) return { kind: 'expired' }
        const locked = ((await locks.activeAt(session, account.account_id)) ?? 0) > input.lockedSince
        if (locked && found.device_id === null && !found.unlocked && !input.recovered) return { kind: 'locked' }
        const repeated = account.manifest_hash !== null && equalPublicBytes(account.manifest_hash, manifest.hash)
        if (found.device_id !== null && (!repeated || found.device_id !== deviceId)) return { kind: 'conflict' }
        if (!repeated && account.manifest_version > 0 && !replaceKeys) return { kind: 'exists' }
        if (!repeated && !continues(account, manifest)) return { kind: 'conflict' }
        if (!manifest.devices.some((device) => device.deviceId === deviceId)) return { kind: 'conflict' }
        const revokedDeviceIds = repeated ? [] : await adopt(session, account, manifest)
        const device = await devices.find(session, accountId, deviceId)
        if (!device) return { kind: 'conflict' }
        if (!locked) await locks.remove(session, account.account_id)
        // Else its answer, if it was lost, could not be asked for again.
        if (input.recovered) await session.run(setUnlocked, registrationHash)
        await session.run(markSeen, account.account_id, deviceId, input.seenAt)
        await publish(session, device.device_row, preKeys)
        await session.run(addSession, next.sessionId, device.device_row, next.tokenHash, next.expiresAt)
        return { kind: repeated ? 'repeated' : 'stored', revokedDeviceIds }
      }),

    updateManifest: ({ accountId, manifest }) =>
      database.transaction(async (session): Promise<ManifestOutcome> => {
        const account = registered(await accounts.lock(session, accountId))
        if (!account) return { kind: 'absent' }
        if (equalPublicBytes(account.manifest_hash!, manifest.hash)) return { kind: 'repeated', revokedDeviceIds: [] }
        if (!continues(account, manifest)) return { kind: 'conflict' }
        return { kind: 'stored', revokedDeviceIds: await adopt(session, account, manifest) }
      }),

    async manifests({ accountId, after, limit }) {
      const found = await database.rows(manifests, accountBytes(accountId), after, limit + 1)
      if (found.length === 0 && !registered(await accounts.byId(database, accountId))) return undefined
      return { manifests: found.slice(0, limit).map(({ bytes }) => bytes), more: found.length > limit }
    },

    async account(accountId) {
      const account = registered(await accounts.byId(database, accountId))
      return account && accounts.state(database, account)
    },

    async device(accountId, deviceId) {
      const device = await devices.find(database, accountId, deviceId)
      return device && { deviceId, signingKey: device.signing_key }
    },

    async accountByPhone(phoneHash) {
      const account = await database.row(byPhone, phoneHash)
      return account && accountText(account.account_id)
    },

    setProfile: (accountId, { version, bytes }) =>
      database.transaction(async (session) => {
        const account = registered(await accounts.lock(session, accountId))
        if (!account) return 'absent' as const
        const stored = await session.row(profile, account.account_id)
        if (stored && (version < stored.version || (version === stored.version && !equalPublicBytes(bytes, stored.bytes)))) return 'conflict' as const
        await session.run(setProfile, account.account_id, version, bytes)
        return 'stored' as const
      }),

    async profile(accountId) {
      return database.row(profile, accountBytes(accountId))
    },

    erase: (accountId) =>
      database.transaction(async (session) => {
        const known = await accounts.byId(session, accountId)
        if (!known) return false
        await lockPhone(session, known.phone_hash)
        const account = await accounts.lock(session, accountId)
        if (!account) return false
        const all = await devices.lockAll(session, account.account_id)
        await devices.drop(
          session,
          all.map(({ device_row }) => device_row),
        )
        for (const erase of eraseRows) await session.run(erase, account.account_id)
        await session.run(eraseLogins, account.phone_hash)
        return true
      }),
  }
}
