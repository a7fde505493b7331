import { type DeviceId, equalPublicBytes } from '@securechat/protocol'
import { swapLease } from '../ports/lease.js'
import type { AccountStore, ManifestOutcome, PreKeyCount, PreKeyStore, PreKeyUpload, RegisterOutcome, StoredManifest } from '../ports/store.js'
import { accountState } from './logins.js'
import { activeAt, memoryRegistrationLocks } from './registration-locks.js'
import { type Account, type Device, dropDeviceMutable, endSessionMutable, keyOf, type MemoryState, mailboxKey, requireOpen } from './state.js'

const continues = (account: Account, { version, prevHash }: StoredManifest): boolean => {
  const newest = account.manifests.at(-1)
  return newest ? version === newest.version + 1 && equalPublicBytes(prevHash, newest.hash) : version === 1 && prevHash.length === 0
}

/** Adds the manifest and drops the devices that it does not list with the same key. */
function adoptMutable(state: MemoryState, account: Account, manifest: StoredManifest): DeviceId[] {
  account.manifests.push({ ...manifest, prevHash: manifest.prevHash.slice(), hash: manifest.hash.slice(), bytes: manifest.bytes.slice() })
  const gone: DeviceId[] = []
  for (const [deviceId, { signingKey }] of account.devices) {
    const listed = manifest.devices.find((device) => device.deviceId === deviceId)
    if (!listed || !equalPublicBytes(listed.signingKey, signingKey)) gone.push(deviceId)
  }
  for (const deviceId of gone) dropDeviceMutable(state, account, deviceId)
  for (const { deviceId, signingKey } of manifest.devices) {
    if (account.devices.has(deviceId)) continue
    account.devices.set(deviceId, { signingKey: signingKey.slice(), oneTime: [], highestOneTime: 0 })
    state.mailboxes.set(mailboxKey(account.accountId, deviceId), [])
    account.nextDeviceId = Math.max(account.nextDeviceId, deviceId + 1)
  }
  return gone
}

function publishMutable(device: Device, { signed, lastResort, oneTime, limit }: PreKeyUpload): PreKeyCount {
  if (signed) device.signed = { keyId: signed.keyId, bytes: signed.bytes.slice() }
  if (lastResort) device.lastResort = { keyId: lastResort.keyId, bytes: lastResort.bytes.slice() }
  for (const { keyId, bytes } of [...oneTime].sort((a, b) => a.keyId - b.keyId)) {
    if (keyId <= device.highestOneTime || device.oneTime.length >= limit) continue
    device.oneTime.push({ keyId, bytes: bytes.slice() })
    device.highestOneTime = keyId
  }
  return countOf(device)
}

const countOf = (device: Device): PreKeyCount => ({
  oneTime: device.oneTime.length,
  ...(device.signed && { signedKeyId: device.signed.keyId }),
  ...(device.lastResort && { lastResortKeyId: device.lastResort.keyId }),
})

export function memoryAccounts(state: MemoryState): AccountStore & PreKeyStore {
  const registered = (accountId: Account['accountId']): Account | undefined => {
    requireOpen(state)
    const account = state.accounts.get(accountId)
    return account && account.manifests.length > 0 ? account : undefined
  }
  return {
    ...memoryRegistrationLocks(state, registered),

    async markSeen(accountId, deviceId, time) {
      const device = registered(accountId)?.devices.get(deviceId)
      if (device) device.seenAt = Math.max(device.seenAt ?? 0, time)
    },

    async swapLease(accountId, deviceId, swap) {
      const device = registered(accountId)?.devices.get(deviceId)
      if (!device) return undefined
      device.lease = swapLease(device.lease, { held: swap.held.slice(), next: swap.next.slice() })
      return device.lease.kept
    },

    async seen(accountId) {
      const devices = [...(registered(accountId)?.devices ?? [])].sort(([a], [b]) => a - b)
      return devices.map(([deviceId, { seenAt }]) => ({ deviceId, ...(seenAt !== undefined && { lastSeen: seenAt }) }))
    },

    async findRegistration(registrationHash, now) {
      requireOpen(state)
      const registration = state.registrations.get(keyOf(registrationHash))
      const account = registration && now < registration.expiresAt ? state.accounts.get(registration.accountId) : undefined
      return account && { ...accountState(account), ...(registration?.deviceId !== undefined && { deviceId: registration.deviceId }) }
    },

    async invite({ registrationHash, accountId, deviceId, expiresAt }) {
      if (!registered(accountId)) return false
      state.registrations.set(keyOf(registrationHash), { accountId, deviceId, expiresAt })
      return true
    },

    async register({ registrationHash, accountId, deviceId, manifest, preKeys, replaceKeys, session, now, ...input }): Promise<RegisterOutcome> {
      requireOpen(state)
      const registration = state.registrations.get(keyOf(registrationHash))
      const account = state.accounts.get(accountId)
      if (!registration || now >= registration.expiresAt || registration.accountId !== accountId || !account) return { kind: 'expired' }
      const newest = account.manifests.at(-1)
      const locked = account.lock !== undefined && activeAt(account, account.lock) > input.lockedSince
      if (locked && registration.deviceId === undefined && !registration.unlocked && !input.recovered) return { kind: 'locked' }
      const repeated = newest !== undefined && equalPublicBytes(newest.hash, manifest.hash)
      if (registration.deviceId !== undefined && (!repeated || registration.deviceId !== deviceId)) return { kind: 'conflict' }
      if (!repeated && newest && !replaceKeys) return { kind: 'exists' }
      if (!repeated && !continues(account, manifest)) return { kind: 'conflict' }
      const revokedDeviceIds = repeated ? [] : adoptMutable(state, account, manifest)
      const device = account.devices.get(deviceId)
      if (!device) return { kind: 'conflict' }
      if (!locked) delete account.lock
      // Else its answer, if it was lost, could not be asked for again.
      if (input.recovered) registration.unlocked = true
      device.seenAt = Math.max(device.seenAt ?? 0, input.seenAt)
      publishMutable(device, preKeys)
      state.sessions.set(session.sessionId, { accountId, deviceId })
      state.refreshTokens.set(keyOf(session.tokenHash), { sessionId: session.sessionId, expiresAt: session.expiresAt })
      return { kind: repeated ? 'repeated' : 'stored', revokedDeviceIds }
    },

    async updateManifest({ accountId, manifest }): Promise<ManifestOutcome> {
      const account = registered(accountId)
      if (!account) return { kind: 'absent' }
      if (equalPublicBytes(account.manifests.at(-1)!.hash, manifest.hash)) return { kind: 'repeated', revokedDeviceIds: [] }
      if (!continues(account, manifest)) return { kind: 'conflict' }
      return { kind: 'stored', revokedDeviceIds: adoptMutable(state, account, manifest) }
    },

    async manifests({ accountId, after, limit }) {
      const found = registered(accountId)?.manifests.filter(({ version }) => version > after)
      return found && { manifests: found.slice(0, limit).map(({ bytes }) => bytes.slice()), more: found.length > limit }
    },

    async account(accountId) {
      const account = registered(accountId)
      return account && accountState(account)
    },

    async device(accountId, deviceId) {
      const device = registered(accountId)?.devices.get(deviceId)
      return device && { deviceId, signingKey: device.signingKey.slice() }
    },

    async accountByPhone(phoneHash) {
      requireOpen(state)
      const accountId = state.phones.get(keyOf(phoneHash))
      return accountId && registered(accountId)?.accountId
    },

    async setProfile(accountId, { version, bytes }) {
      const account = registered(accountId)
      if (!account) return 'absent'
      const stored = account.profile
      if (stored && (version < stored.version || (version === stored.version && !equalPublicBytes(bytes, stored.bytes)))) return 'conflict'
      account.profile = { version, bytes: bytes.slice() }
      return 'stored'
    },

    async profile(accountId) {
      const profile = registered(accountId)?.profile
      return profile && { version: profile.version, bytes: profile.bytes.slice() }
    },

    async erase(accountId) {
      requireOpen(state)
      const account = state.accounts.get(accountId)
      if (!account) return false
      for (const deviceId of [...account.devices.keys()]) dropDeviceMutable(state, account, deviceId)
      for (const [sessionId, session] of state.sessions) if (session.accountId === accountId) endSessionMutable(state, sessionId)
      for (const [key, registration] of state.registrations) if (registration.accountId === accountId) state.registrations.delete(key)
      for (const [loginId, login] of state.logins) if (keyOf(login.phoneHash) === account.phone) state.logins.delete(loginId)
      state.phones.delete(account.phone)
      state.archives.delete(accountId)
      return state.accounts.delete(accountId)
    },

    async publishPreKeys(accountId, deviceId, upload) {
      const device = registered(accountId)?.devices.get(deviceId)
      return device && publishMutable(device, upload)
    },

    async preKeyCount(accountId, deviceId) {
      const device = registered(accountId)?.devices.get(deviceId)
      return device && countOf(device)
    },

    async claimPreKeys({ accountId, deviceIds, oneTime }) {
      const devices = registered(accountId)?.devices
      return [...new Set(deviceIds)].flatMap((deviceId) => {
        const device = devices?.get(deviceId)
        if (!device?.signed || !device.lastResort) return []
        const claimed = oneTime ? device.oneTime.shift() : undefined
        const bundle = { deviceId, signed: device.signed.bytes.slice(), lastResort: device.lastResort.bytes.slice(), remaining: device.oneTime.length }
        return [claimed ? { ...bundle, oneTime: claimed.bytes } : bundle]
      })
    },
  }
}
