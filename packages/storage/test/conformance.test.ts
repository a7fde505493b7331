import { describe, expect, test } from 'vitest'
import { casesFor, storageConformance } from '../src/conformance/index.js'
import { type ClientStorage, MemoryDisk, memoryStorage, sealedStorage } from '../src/index.js'
import { chachaSealer } from './chacha-sealer.js'

const ALL = ['reopen', 'several', 'remote-watch'] as const

function memoryContext(wrap: (inner: ClientStorage) => Promise<ClientStorage> = async (inner) => inner) {
  const disks = new Map<string, MemoryDisk>()
  return {
    open: async (name = 'main') => {
      const disk = disks.get(name) ?? new MemoryDisk()
      disks.set(name, disk)
      return wrap(memoryStorage({ disk }))
    },
  }
}

describe('memoryStorage', () => {
  for (const { name, run } of casesFor(ALL)) test(name, () => run(memoryContext()))
})

describe('sealedStorage over memoryStorage', () => {
  const key = new Uint8Array(32).fill(7)
  for (const { name, run } of casesFor(ALL)) test(name, () => run(memoryContext((inner) => sealedStorage(inner, chachaSealer(key)))))
})

describe('the suite', () => {
  test('runs the core for an adapter without any capability', () => {
    const core = casesFor([])
    expect(core).toEqual(storageConformance.filter((one) => one.requires === undefined))
    expect(core.length).toBeGreaterThan(25)
    expect(casesFor(ALL)).toEqual(storageConformance)
  })
  test('has a name of its own for every case', () => {
    expect(new Set(storageConformance.map((one) => one.name)).size).toBe(storageConformance.length)
  })
})
