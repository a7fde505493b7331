import { type Clock, SecureChatError } from '@securechat/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { storageError } from '../src/dom-errors.js'
import { deleteIndexedDbStorage, indexedDbStorage, persistence } from '../src/index.js'

const clock: Clock & { fire(): void } = (() => {
  let waiting: (() => void)[] = []
  return {
    now: () => 0,
    after(_: number, callback: () => void) {
      waiting.push(callback)
      return () => {
        waiting = waiting.filter((one) => one !== callback)
      }
    },
    fire() {
      for (const callback of waiting.splice(0)) callback()
    },
  }
})()

interface ScriptedRequest {
  result?: unknown
  error?: unknown
  onsuccess?: () => void
  onerror?: () => void
}
/** An `indexedDB` whose requests the test answers. */
function scriptedIndexedDb(): { readonly requests: ScriptedRequest[] } {
  const requests: ScriptedRequest[] = []
  const make = (): ScriptedRequest => {
    const request: ScriptedRequest = {}
    requests.push(request)
    return request
  }
  Object.assign(globalThis, { indexedDB: { open: make, deleteDatabase: make } })
  return { requests }
}
afterEach(() => Reflect.deleteProperty(globalThis, 'indexedDB'))
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('where there is no IndexedDB', () => {
  test('importing and making a store works, its calls throw storage/unavailable, close works', async () => {
    const storage = indexedDbStorage({ name: 'app', clock })
    const unavailable = { code: 'storage/unavailable', detail: 'no IndexedDB here' }
    await expect(storage.get('a')).rejects.toMatchObject(unavailable)
    await expect(storage.getMany(['a'])).rejects.toMatchObject(unavailable)
    await expect(storage.list('')).rejects.toMatchObject(unavailable)
    await expect(storage.commit([{ put: 'a', value: Uint8Array.of(1) }])).rejects.toMatchObject(unavailable)
    await expect(deleteIndexedDbStorage({ name: 'app', clock })).rejects.toMatchObject(unavailable)
    await storage.close()
    await storage.close()
    await expect(storage.get('a')).rejects.toMatchObject({ code: 'storage/closed' })
  })

  test('arguments are checked before the browser is asked', async () => {
    for (const name of ['', 'a/b', 'é', 'x'.repeat(65), 5]) {
      expect(() => indexedDbStorage({ name: name as string })).toThrow(expect.objectContaining({ code: 'client/invalid-argument' }))
      await expect(deleteIndexedDbStorage({ name: name as string })).rejects.toMatchObject({ code: 'client/invalid-argument' })
    }
    const storage = indexedDbStorage({ name: 'app', clock })
    await expect(storage.get('')).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await expect(storage.commit([{ put: 'é', value: Uint8Array.of(1) }])).rejects.toMatchObject({ code: 'client/invalid-argument' })
    expect(await storage.list('a', { limit: 0 })).toEqual([])
    await storage.close()
  })
})

describe('an opening that fails', () => {
  test('is the call’s error, and the next call tries again', async () => {
    const { requests } = scriptedIndexedDb()
    const storage = indexedDbStorage({ name: 'app', clock })
    for (const [name, code] of [
      ['QuotaExceededError', 'storage/full'],
      ['UnknownError', 'storage/unavailable'],
      ['VersionError', 'protocol/unsupported-version'],
    ] as const) {
      const read = storage.get('a')
      const together = storage.list('')
      await turn()
      expect(requests).toHaveLength(1)
      const [request] = requests.splice(0)
      request!.error = new DOMException('', name)
      request!.onerror?.()
      await expect(read).rejects.toMatchObject({ code })
      await expect(together).rejects.toMatchObject({ code })
    }
    await storage.close()
  })

  test('or is never answered is storage/locked, and a connection that comes too late is closed', async () => {
    const { requests } = scriptedIndexedDb()
    const storage = indexedDbStorage({ name: 'app', clock })
    const read = storage.get('a')
    await turn()
    clock.fire()
    await expect(read).rejects.toMatchObject({ code: 'storage/locked', retry: 'later' })
    let closed = 0
    const database = { transaction: () => ({ objectStore: () => ({ transaction: { db: database } }) }), close: () => closed++ }
    requests[0]!.result = database
    requests[0]!.onsuccess?.()
    await turn()
    expect(closed).toBe(1)
    await storage.close()
  })

  test('a deletion that fails or is never answered has its typed error', async () => {
    const { requests } = scriptedIndexedDb()
    const failing = deleteIndexedDbStorage({ name: 'app', clock })
    requests[0]!.error = new DOMException('', 'UnknownError')
    requests[0]!.onerror?.()
    await expect(failing).rejects.toMatchObject({ code: 'storage/unavailable' })
    const blocked = deleteIndexedDbStorage({ name: 'app', clock })
    clock.fire()
    await expect(blocked).rejects.toMatchObject({ code: 'storage/locked' })
  })
})

describe('errors of the browser', () => {
  test('become typed ones by their name; typed ones stay', () => {
    expect(storageError(new DOMException('', 'QuotaExceededError')).code).toBe('storage/full')
    expect(storageError(new DOMException('', 'NotFoundError')).code).toBe('storage/corrupt')
    expect(storageError(new DOMException('', 'NotReadableError')).code).toBe('storage/corrupt')
    expect(storageError(new DOMException('', 'AbortError')).code).toBe('storage/unavailable')
    expect(storageError(null).code).toBe('storage/unavailable')
    expect(storageError(new DOMException('', 'constructor')).code).toBe('storage/unavailable')
    const typed = new SecureChatError('storage/conflict')
    expect(storageError(typed)).toBe(typed)
  })
})

describe('persistence', () => {
  test('says unsupported where nobody can say', async () => {
    expect(await persistence({ manager: {} })).toEqual({ supported: false, persisted: false, usageBytes: undefined, quotaBytes: undefined })
  })
  test('asks only on request and only if it is not granted yet', async () => {
    let asked = 0
    const manager = (granted: boolean) => ({
      persisted: async () => granted,
      persist: async () => {
        asked++
        return true
      },
      estimate: async () => ({ usage: 5, quota: 10 }),
    })
    expect(await persistence({ manager: manager(false) })).toEqual({ supported: true, persisted: false, usageBytes: 5, quotaBytes: 10 })
    expect(asked).toBe(0)
    expect(await persistence({ manager: manager(true), request: true })).toMatchObject({ persisted: true })
    expect(asked).toBe(0)
    expect(await persistence({ manager: manager(false), request: true })).toMatchObject({ persisted: true })
    expect(asked).toBe(1)
  })
  test('a browser that fails to answer is storage/unavailable', async () => {
    await expect(persistence({ manager: { persisted: () => Promise.reject(new TypeError('no')) } })).rejects.toMatchObject({ code: 'storage/unavailable' })
  })
})
