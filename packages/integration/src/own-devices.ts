import type { DeviceAlert } from '@securechat/client'
import { type KeyPair, Secret } from '@securechat/crypto'
import { deriveRecoveryKeys } from '@securechat/crypto/recovery'
import { sodiumProvider } from '@securechat/crypto/sodium'
import type { DeviceId } from '@securechat/protocol'
import type { TestClient } from '@securechat/testing'

export const DAY = 86_400_000
export const device = (id: number): DeviceId => id as DeviceId
/** Newest first: what happened, and to which device. */
export const alertsOf = async (client: TestClient): Promise<[DeviceAlert['kind'], number | undefined][]> =>
  (await client.devices.alerts.list()).map(({ kind, deviceId }) => [kind, deviceId])
export const idsOf = async (client: TestClient): Promise<number[]> => (await client.devices.list()).map(({ deviceId }) => deviceId)
export const primaryIn = async (client: TestClient): Promise<number[]> =>
  (await client.devices.list()).filter(({ primary }) => primary).map(({ deviceId }) => deviceId)

export const recoveryOf = async (entropy: number): Promise<KeyPair> =>
  deriveRecoveryKeys(await sodiumProvider(), new Secret(new Uint8Array(32).fill(entropy))).signing
