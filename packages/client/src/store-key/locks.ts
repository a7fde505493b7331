import type { Secret } from '@securechat/crypto'
import { type Clock, isSecureChatError, SecureChatError } from '@securechat/protocol'
import type { ClientStorage, StoreLock, Write } from '@securechat/storage'
import { encodeStoreKey, STORE_KEY } from '../open-store.js'
import type { StoreLockInfo } from '../types.js'
import { KEYRING_KEY, type KeyringDeps, keyring, makeSlot, readKeyring, type Slot } from './keyring.js'

export interface StoreLocks {
  list(): Promise<readonly StoreLockInfo[]>
  add(lock: StoreLock, options?: { name?: string }): Promise<StoreLockInfo>
  replace(id: string, lock: StoreLock, options?: { name?: string }): Promise<StoreLockInfo>
  remove(id: string, options?: { leaveOpen?: boolean }): Promise<void>
}

const infoOf = ({ id, kind, name, createdAt }: Slot): StoreLockInfo => Object.freeze({ id, kind, createdAt, ...(name !== undefined && { name }) })

/** The locks of a store that need not be open: what an application asks the person for before `createClient`. Empty: none is needed. */
export async function storeLocks(storage: Pick<ClientStorage, 'get'>): Promise<readonly StoreLockInfo[]> {
  return ((await readKeyring(storage))?.ring.slots ?? []).map(infoOf)
}

/** `storage` is the unsealed store. Every change is one commit: a process that dies leaves the old locks or the new ones. */
export function createStoreLocks(deps: KeyringDeps & { readonly storage: ClientStorage; readonly clock: Clock }, key: Secret): StoreLocks {
  const { storage, clock } = deps
  const change = async (next: (slots: readonly Slot[]) => readonly Slot[]): Promise<void> => {
    for (;;) {
      const [open, locked] = [await storage.get(STORE_KEY), await readKeyring(storage)]
      const slots = next(locked?.ring.slots ?? [])
      const writes: Write[] =
        slots.length > 0
          ? [{ put: KEYRING_KEY, value: keyring.encode({ ...locked?.ring, slots: [...slots] }) }, { delete: STORE_KEY }]
          : [{ put: STORE_KEY, value: encodeStoreKey(key) }, { delete: KEYRING_KEY }]
      const expect = [
        { key: STORE_KEY, version: open?.version ?? null },
        { key: KEYRING_KEY, version: locked?.version ?? null },
      ]
      try {
        await storage.commit(writes, { expect, durability: 'strict' })
        return
      } catch (error) {
        // Another tab has changed the locks: this change is made on top of its.
        if (!isSecureChatError(error, 'storage/conflict')) throw error
      }
    }
  }
  const without = (slots: readonly Slot[], id: string): readonly Slot[] => {
    const left = slots.filter((slot) => slot.id !== id)
    if (left.length === slots.length) throw new SecureChatError('client/not-found', { detail: 'lock' })
    return left
  }

  return {
    list: () => storeLocks(storage),
    async add(lock, { name } = {}) {
      const slot = await makeSlot(deps, key, { lock, name, now: clock.now() })
      await change((slots) => [...slots, slot])
      return infoOf(slot)
    },
    async replace(id, lock, { name } = {}) {
      const slot = await makeSlot(deps, key, { lock, name, now: clock.now() })
      await change((slots) => [...without(slots, id), slot])
      return infoOf(slot)
    },
    remove: (id, { leaveOpen = false } = {}) =>
      change((slots) => {
        const left = without(slots, id)
        if (left.length === 0 && !leaveOpen) throw new SecureChatError('client/invalid-argument', { detail: 'the last lock' })
        return left
      }),
  }
}
