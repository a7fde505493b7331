import { memoryStore } from '@securechat/server'
import { describe, test } from 'vitest'
import { storeAttacks } from './support/attacks.js'

// The same attacks on the stores that keep something: packages/integration/test/attacks/server-stores.test.ts.
describe('in memory', () => {
  for (const { name, run } of storeAttacks)
    test(name, () => run({ open: async () => memoryStore(), another: async (store) => store, kept: async () => Buffer.alloc(0) }))
})
