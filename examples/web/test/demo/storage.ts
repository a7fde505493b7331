import type { Client, StorageRisk, StorageState } from '@securechat/client'
import type { DemoState } from './live.js'

export const DEMO_RISKS: Readonly<Record<string, readonly StorageRisk[]>> = {
  'login-lost': ['lost', 'not-persistent'],
  'low-space': ['quota-low'],
  'not-persistent': ['not-persistent'],
}

/** A browser that agrees when it is asked. */
export function demoStorage(state: DemoState, risks: readonly StorageRisk[] = []): Client['storage'] {
  let storage: StorageState = { risks, usageBytes: 48_200_000, quotaBytes: 2_147_000_000 }
  return {
    state: async () => storage,
    live: () => state.live(() => storage),
    async keep() {
      storage = { ...storage, risks: storage.risks.filter((risk) => risk !== 'not-persistent') }
      state.changed()
      return storage
    },
  }
}
