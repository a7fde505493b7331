import { DEVICE_FLAGS } from '@securechat/crypto'
import { type DeviceId, SecureChatError } from '@securechat/protocol'
import type { Registrar } from '../account/registration.js'
import type { Context } from '../context.js'
import { createLiveQuery } from '../live/live-query.js'
import { readPendingManifest } from '../state/account.js'
import { keyOf, PREFIX } from '../state/keys.js'
import { listOwnDevices } from '../state/own-devices.js'
import { readPins } from '../state/pins.js'
import type { AccountState, Client } from '../types.js'
import { createAlerts } from './alerts.js'
import type { Manifests } from './manifests.js'
import { publishPending, signNext } from './renewal.js'
import { signer } from './signer.js'
import type { OwnDevice } from './types.js'
import { renameDevice } from './upkeep.js'

type OwnDevices = Omit<Client['devices'], 'safetyNumber' | 'setVerified' | 'acceptIdentity' | 'history'>

export interface OwnDevicesDeps {
  readonly context: Context
  readonly manifests: Manifests
  readonly registrar: Registrar
  readonly accountState: () => Promise<AccountState>
  /** Whether the store outlives a browser's cleaning up. */
  readonly persistence: () => Promise<boolean>
}

/** The account's own devices: what its manifest lists, and what changes it. */
export function createOwnDevices({ context, manifests, registrar, accountState, persistence }: OwnDevicesDeps): OwnDevices {
  const { db, storage, provider, identity, network, logger } = context

  const list = async (): Promise<readonly OwnDevice[]> => {
    const self = await identity.self()
    const pins = await readPins(db, provider, self.accountId)
    const known = await listOwnDevices(db)
    return Object.freeze(
      (pins?.pin.manifest.devices ?? []).map(({ deviceId, flags, addedVersion }) => {
        const { name, platform, linkedAt, lastSeen } = known.get(deviceId) ?? {}
        return Object.freeze({
          deviceId,
          addedVersion,
          primary: (flags & DEVICE_FLAGS.primary) !== 0,
          current: deviceId === self.deviceId,
          ...(name !== undefined && { name }),
          ...(platform !== undefined && { platform }),
          ...(linkedAt !== undefined && { linkedAt }),
          ...(lastSeen !== undefined && { lastSeen }),
        })
      }),
    )
  }

  const revoke = async (deviceId: DeviceId): Promise<void> => {
    const self = await identity.self()
    if (deviceId === self.deviceId) throw new SecureChatError('client/invalid-argument', { detail: 'this device: sign out instead' })
    await network.open()
    await manifests.refresh(self.accountId)
    await db.run(async (tx) => {
      const found = await signer(context, tx)
      if (!found) throw new SecureChatError('devices/not-primary')
      const { keys } = found
      const { manifest: current } = found.pin
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
              if (ended) return
              const ends = [keyOf.pin(accountId), PREFIX.ownDevice].map((prefix) => storage.watch(prefix, onChange))
              end = () => {
                for (const each of ends) each()
              }
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
    alerts: createAlerts(context),
    rename: (deviceId, name) => renameDevice(context, deviceId, name),
    idle: async () => {
      const seen = ({ lastSeen = 0, linkedAt = 0 }: OwnDevice): number => Math.max(lastSeen, linkedAt)
      return Object.freeze((await list()).filter(({ primary }) => !primary).sort((a, b) => seen(a) - seen(b)))
    },
    requestPromotion: async (options = {}) => (await import('./promotion/request.js')).requestPromotion(context, manifests, { ...options, persistence }),
  }
}
