import { type Clock, equalPublicBytes, type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { Hashes } from '../auth/secrets.js'
import type { DeviceCaller } from '../caller.js'
import type { Bus } from '../ports/bus.js'
import type { AccountStore } from '../ports/store.js'
import type { Verifier } from '../ports/verifier.js'

/** Manifests of one answer: 32 of the largest fit well into a frame. */
const MANIFESTS_PER_PAGE = 32

export interface AccountDeps {
  readonly store: AccountStore
  readonly bus: Bus
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly clock: Clock
}

export interface AccountService {
  lookup(input: OperationInput<'account.lookup'>): Promise<OperationOutput<'account.lookup'>>
  setProfile(input: OperationInput<'account.setProfile'>, caller: DeviceCaller): Promise<void>
  profile(input: OperationInput<'account.profile'>): Promise<OperationOutput<'account.profile'>>
  erase(input: OperationInput<'account.delete'>, caller: DeviceCaller): Promise<void>
  manifests(input: OperationInput<'devices.manifest'>): Promise<OperationOutput<'devices.manifest'>>
  updateManifest(input: OperationInput<'devices.updateManifest'>, caller: DeviceCaller): Promise<void>
}

export function createAccountService({ store, bus, verifier, hashes, clock }: AccountDeps): AccountService {
  return {
    async lookup({ phone }) {
      const accountId = await store.accountByPhone(hashes.phone(phone))
      return accountId ? { accountId } : {}
    },

    async setProfile({ version, profile }, { accountId }) {
      const outcome = await store.setProfile(accountId, { version, bytes: profile })
      if (outcome === 'absent') throw new SecureChatError('auth/revoked')
      if (outcome === 'conflict') throw new SecureChatError('request/conflict', { detail: 'profile version' })
    },

    async profile({ accountId }) {
      const stored = await store.profile(accountId)
      return stored ? { profile: { version: stored.version, profile: stored.bytes } } : {}
    },

    async erase({ accountId }, caller) {
      // The id is asked for so that nobody erases by a slip; another account's is answered like one that is not there.
      if (accountId !== caller.accountId) throw new SecureChatError('request/not-found')
      await store.erase(accountId)
      bus.publish({ type: 'revoked', accountId })
    },

    async manifests({ accountId, after = 0 }) {
      const page = await store.manifests({ accountId, after, limit: MANIFESTS_PER_PAGE })
      if (!page) throw new SecureChatError('request/not-found')
      return page
    },

    async updateManifest({ manifest: bytes }, { accountId }) {
      const account = await store.account(accountId)
      if (!account?.manifest || !account.manifestHash) throw new SecureChatError('auth/revoked')
      const claimed = verifier.verifyManifest(bytes)
      if (claimed.accountId !== accountId) throw new SecureChatError('devices/invalid-manifest', { detail: 'account' })
      if (equalPublicBytes(claimed.hash, account.manifestHash)) return
      if (claimed.version !== account.manifestVersion + 1 || !equalPublicBytes(claimed.prevHash, account.manifestHash)) {
        throw new SecureChatError('request/conflict', { detail: 'manifest' })
      }
      const now = clock.now()
      const manifest = verifier.verifyNextManifest({ current: account.manifest, highestDeviceId: account.nextDeviceId - 1, next: bytes, now })
      const outcome = await store.updateManifest({ accountId, manifest, now })
      if (outcome.kind === 'absent') throw new SecureChatError('auth/revoked')
      if (outcome.kind === 'conflict') throw new SecureChatError('request/conflict', { detail: 'manifest' })
      for (const deviceId of outcome.revokedDeviceIds) bus.publish({ type: 'revoked', accountId, deviceId })
      bus.publish({ type: 'event', accountId, event: { type: 'manifest-changed', accountId, version: manifest.version } })
    },
  }
}
