import { type AccountId, type DeviceId, SecureChatError } from '@securechat/protocol/core'
import type { RemoteDevice } from '../identity/devices.js'

const MINT = Symbol('pairwise sender')

/**
 * The device that a pairwise message was authenticated to come from. Only `decryptMessage` makes one (the private field makes the type nominal, the
 * symbol keeps others from the constructor), so whatever asks for it cannot be given a name that merely a server or a message claims.
 */
export class PairwiseSender {
  readonly #authenticated = true
  readonly accountId: AccountId
  readonly deviceId: DeviceId

  constructor(mint: symbol, { accountId, deviceId }: Pick<RemoteDevice, 'accountId' | 'deviceId'>) {
    if (mint !== MINT) throw new SecureChatError('client/invalid-argument', { detail: 'pairwise sender' })
    this.accountId = accountId
    this.deviceId = deviceId
  }

  static is(value: unknown): value is PairwiseSender {
    return typeof value === 'object' && value !== null && #authenticated in value && value.#authenticated
  }
}

/** Not exported by the package: for `decryptMessage`, once a message of `remote` has been authenticated. */
export const pairwiseSender = (remote: Pick<RemoteDevice, 'accountId' | 'deviceId'>): PairwiseSender => new PairwiseSender(MINT, remote)
