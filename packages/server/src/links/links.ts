import {
  type Clock,
  equalPublicBytes,
  LIMITS,
  type OperationInput,
  type OperationOutput,
  type Random,
  SecureChatError,
  toBase64Url,
} from '@securechat/protocol'
import type { Hashes } from '../auth/secrets.js'
import type { DeviceCaller } from '../caller.js'
import type { AccountStore, LinkPart, LinkStore } from '../ports/store.js'

export interface LinkDeps {
  readonly store: LinkStore & AccountStore
  readonly hashes: Hashes
  readonly clock: Clock
  readonly random: Random
}

export interface LinkService {
  open(input: OperationInput<'links.open'>): Promise<OperationOutput<'links.open'>>
  read(input: OperationInput<'links.read'>): Promise<OperationOutput<'links.read'>>
  put(part: LinkPart, input: { readonly linkId: string; readonly bytes: Uint8Array }): Promise<void>
  finish(input: OperationInput<'links.finish'>, caller: DeviceCaller): Promise<void>
  invite(input: OperationInput<'devices.invite'>, caller: DeviceCaller): Promise<OperationOutput<'devices.invite'>>
}

/**
 * Where two devices meet while one links the other (docs/protocol/13-linking.md). Everything that lies here is sealed for, or signed by, the devices; the server can
 * withhold it, no more.
 */
export function createLinkService({ store, hashes, clock, random }: LinkDeps): LinkService {
  const end = (): number => clock.now() + LIMITS.linkMeetingSeconds * 1000
  const gone = (): never => {
    throw new SecureChatError('devices/link-expired')
  }
  const put: LinkService['put'] = async (part, { linkId, bytes }) => {
    const outcome = await store.putLinkPart({ linkId, part, bytes, now: clock.now() })
    if (outcome === 'absent') gone()
    if (outcome === 'conflict') throw new SecureChatError('request/conflict', { detail: 'link' })
  }
  return {
    put,

    async open({ linkId, kemKey }) {
      const expiresAt = end()
      if (!(await store.openLink({ linkId, kemKey, now: clock.now(), expiresAt }))) throw new SecureChatError('request/conflict', { detail: 'link' })
      return { expiresAt }
    },

    async read({ linkId }) {
      return (await store.link(linkId, clock.now())) ?? gone()
    },

    async finish({ linkId, manifest }, { accountId }) {
      // Only what the account has: whoever knows a code cannot make a new device believe something else.
      const account = await store.account(accountId)
      if (!account?.manifest) throw new SecureChatError('auth/revoked')
      if (!equalPublicBytes(account.manifest, manifest)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
      await put('manifest', { linkId, bytes: manifest })
    },

    async invite({ deviceId }, { accountId }) {
      const registrationToken = toBase64Url(random(32))
      const expiresAt = end()
      if (!(await store.invite({ registrationHash: hashes.token(registrationToken), accountId, deviceId, expiresAt })))
        throw new SecureChatError('auth/revoked')
      return { registrationToken, expiresAt }
    },
  }
}
