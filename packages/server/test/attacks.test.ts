import { memoryStore } from '@securechat/server'
import { storeAttacks } from '@securechat/server-testing'
import { describe, test } from 'vitest'

// The same attacks on the stores that keep something: packages/server-adapters/test/attacks.test.ts.
describe('in memory', () => {
  for (const { name, run } of storeAttacks)
    test(name, () => run({ open: async () => memoryStore(), another: async (store) => store, kept: async () => Buffer.alloc(0) }))
})
