import { DEVICE_FLAGS } from '@securechat/crypto'
import { type DeviceId, SecureChatError } from '@securechat/protocol'
import type { Registrar } from '../account/registration.js'
import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { readAccountKeys, readPendingManifest } from '../state/account.js'
import { keyOf } from '../state/keys.js'
import { readPins } from '../state/pins.js'
import type { AccountState, Client, OwnDevice } from '../types.js'
import type { Manifests } from './manifests.js'
import { publishPending, signNext } from './renewal.js'

type OwnDevices = Pick<Client['devices'], 'list' | 'live' | 'requestLink' | 'scanLink' | 'revoke'>

export interface OwnDevicesDeps {
  readonly context: Context
  readonly manifests: Manifests
  readonly registrar: Registrar
  readonly accountState: () => Promise<AccountState>
}

/** The account's own devices: what its manifest lists, and what changes it. */
export function createOwnDevices({ context, manifests, registrar, accountState }: OwnDevicesDeps): OwnDevices {
  const { db, storage, provider, identity, network, logger } = context

  const list = async (): Promise<readonly OwnDevice[]> => {
    const self = await identity.self()
    const pins = await readPins(db, provider, self.accountId)
    return Object.freeze(
      (pins?.pin.manifest.devices ?? []).map(({ deviceId, flags, addedVersion }) =>
        Object.freeze({ deviceId, addedVersion, primary: (flags & DEVICE_FLAGS.primary) !== 0, current: deviceId === self.deviceId }),
      ),
    )
  }

  const revoke = async (deviceId: DeviceId): Promise<void> => {
    const self = await identity.self()
    if (deviceId === self.deviceId) throw new SecureChatError('client/invalid-argument', { detail: 'this device: sign out instead' })
    await network.open()
    await manifests.refresh(self.accountId)
    await db.run(async (tx) => {
      const [keys, pins] = [await readAccountKeys(tx), await readPins(tx, provider, self.accountId)]
      if (!keys || !pins) throw new SecureChatError('devices/not-primary')
      const { manifest: current } = pins.pin
      const devices = current.devices.filter((device) => device.deviceId !== deviceId)
      if (devices.length === current.devices.length) throw new SecureChatError('client/not-found', { detail: 'device' })
      if (await readPendingManifest(tx)) throw new SecureChatError('request/conflict', { detail: 'manifest' })
      signNext(context, tx, { keys, current, devices })
    })
    await publishPending(context, manifests)
  }

  return {
    list,
    revoke,
    live: () =>
      createLiveQuery({
        logger,
        watch(onChange) {
          let end = (): void => {}
          let ended = false
          identity.self().then(
            ({ accountId }) => {
              if (!ended) end = storage.watch(keyOf.pin(accountId), onChange)
            },
            () => {},
          )
          return () => {
            ended = true
            end()
          }
        },
        load: list,
      }),
    // Loaded when somebody links: most starts do not.
    requestLink: async (options) => (await import('./link/request.js')).requestLink({ context, registrar, state: accountState }, options),
    scanLink: async (code, options) => (await import('./link/scan.js')).scanLink(context, manifests, code, options),
  }
}
