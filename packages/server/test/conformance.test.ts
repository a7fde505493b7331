import { inProcessBus, memoryStore } from '@securechat/server'
import { busSuite, storeSuite } from '@securechat/server/conformance'
import { describe, expect, test } from 'vitest'

describe('memory store', () => {
  for (const { name, requires, run } of storeSuite) if (!requires) test(name, () => expect(run({ open: async () => memoryStore() })).resolves.toBeUndefined())
})

describe('in-process bus', () => {
  for (const { name, run } of busSuite) {
    test(name, () => {
      const open = async () => {
        const bus = inProcessBus()
        return { a: bus, b: bus }
      }
      return expect(run({ open, settle: async () => {} })).resolves.toBeUndefined()
    })
  }
})
