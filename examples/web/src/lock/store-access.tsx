import type { Client, StoreLockInfo } from '@securechat/client'
import { createContext, useContext } from 'react'
import type { MadeLock } from './make-lock.js'

/** How the local store is opened; the app decides, screens ask. */
export interface StoreAccess {
  /** The name of the store, for erasing one that cannot be opened any more. */
  readonly name: string
  /** Throws what `createClient` throws: `storage/unlock-needed` without the lock that is on the store. */
  readonly open: (lock?: MadeLock) => Promise<Client>
  /** What could open it; it need not be open for that. */
  readonly locks: () => Promise<readonly StoreLockInfo[]>
}

const StoreAccessContext = createContext<StoreAccess | undefined>(undefined)
export const StoreAccessProvider = StoreAccessContext

export function useStoreAccess(): StoreAccess {
  const access = useContext(StoreAccessContext)
  if (!access) throw new Error('Outside of the app.')
  return access
}
