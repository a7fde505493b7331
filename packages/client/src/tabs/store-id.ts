import { asSecureChatError, type Random } from '@securechat/protocol'
import type { ClientStorage } from '@securechat/storage'
import { KEYS } from '../state/keys.js'

/** Names the lock of this very store: the same for every tab that has it open. */
export async function storeId(storage: ClientStorage, random: Random): Promise<Uint8Array> {
  for (;;) {
    const row = await storage.get(KEYS.storeId)
    if (row) return row.value
    try {
      await storage.commit([{ put: KEYS.storeId, value: random(16) }], { expect: [{ key: KEYS.storeId, version: null }] })
    } catch (error) {
      // Another tab was first.
      if (asSecureChatError(error, 'storage/unavailable').code !== 'storage/conflict') throw error
    }
  }
}
