import type { BackupState, Client, DeviceAlert, HistoryTransfer, OwnDevice, StorageState, StoreLockInfo } from '@securechat/client'
import { useMemo } from 'react'
import { lookupReloaded } from './lookup-query.js'
import { useOpened } from './provider.js'
import type { Live, Lookup } from './query.js'
import { useActiveQuery, useLiveQuery } from './use-query.js'

/** The devices of the own account, live. */
export function useDevices(): Live<readonly OwnDevice[]> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('devices', () => client.devices.live()))
}

/** What happened to the devices of the own account and nobody has acknowledged here, newest first. */
export function useDeviceAlerts(): Live<readonly DeviceAlert[]> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('device-alerts', () => client.devices.alerts.live()))
}

/** The encrypted backup of the account, and a restore that is under way: live. */
export function useBackup(): Live<BackupState> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('backup', () => client.backups.live()))
}

/** Older messages on their way to a device that was just linked, or from the one that linked this one: live, empty where there are none. */
export function useHistoryTransfers(): Live<readonly HistoryTransfer[]> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('history-transfers', () => client.devices.history.live()))
}

/** Whether what this browser stores is safe from it: live, and before the sign-in too. */
export function useStorageState(): Live<StorageState> {
  const { client, queries } = useOpened()
  return useLiveQuery(queries.get('storage-state', () => client.storage.live()))
}

type Locks = Client['privacy']['locks']

export type StoreLocksLookup = Lookup<readonly StoreLockInfo[]> & Pick<Locks, 'add' | 'replace' | 'remove'>

/** What opens the local store; `add`, `replace` and `remove` reject with the client's error and load the list anew. An empty list: the store opens without any. */
export function useStoreLocks(): StoreLocksLookup {
  const { client, queries } = useOpened()
  const query = queries.get('store-locks', () =>
    lookupReloaded(
      () => client.privacy.locks.list(),
      () => () => undefined,
    ),
  )
  const state = useActiveQuery(query)
  const calls = useMemo(() => {
    const { locks } = client.privacy
    const then = async <R>(change: Promise<R>): Promise<R> => {
      try {
        return await change
      } finally {
        await query.reload()
      }
    }
    return {
      add: (...input: Parameters<Locks['add']>) => then(locks.add(...input)),
      replace: (...input: Parameters<Locks['replace']>) => then(locks.replace(...input)),
      remove: (...input: Parameters<Locks['remove']>) => then(locks.remove(...input)),
    }
  }, [client, query])
  return useMemo(() => ({ ...state, ...calls }), [state, calls])
}
