import { createClient, storeLocks } from '@securechat/client'
import { passkeyLock, passphraseLock } from '@securechat/client/locks'
import { isSecureChatError } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'
import { deviceLock, indexedDbStorage } from '@securechat/storage-indexeddb'
import { webSocketTransport } from '@securechat/transport/websocket'

export type LockName = 'passkey' | 'device' | 'passphrase' | 'none'

/** What the test can call in the page. */
export interface LockKit {
  /** Opens the store with a lock, and puts another on it if one is named: the kinds of the locks that it has then, or the error’s code. */
  open(name: string, lock: LockName, added?: LockName): Promise<readonly string[] | string>
  /** What WebCrypto answers when a script asks for the bytes of the device’s key. */
  exportDeviceKey(name: string): Promise<string>
}

const lockOf = (name: string, lock: LockName): StoreLock | undefined => {
  if (lock === 'passkey') return passkeyLock({ userName: 'Alice' })
  if (lock === 'device') return deviceLock({ name })
  return lock === 'passphrase' ? passphraseLock('correct horse battery staple') : undefined
}

const firstRow = (name: string): Promise<CryptoKey> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const rows = opening.result.transaction('keys').objectStore('keys').getAll()
      rows.onsuccess = () => resolve(rows.result[0] as CryptoKey)
    }
  })

const kit: LockKit = {
  async open(name, lock, added) {
    const storage = indexedDbStorage({ name })
    try {
      const unlock = lockOf(name, lock)
      const client = await createClient({ storage, transport: webSocketTransport({ url: location.origin }), ...(unlock && { unlock }) })
      const more = added && lockOf(name, added)
      if (more) await client.privacy.locks.add(more)
      await client.close()
      return (await storeLocks(storage)).map(({ kind }) => kind)
    } catch (error) {
      return isSecureChatError(error) ? error.code : String(error)
    } finally {
      await storage.close()
    }
  },
  async exportDeviceKey(name) {
    const key = await firstRow(`securechat-key/${name}`)
    return crypto.subtle.exportKey('raw', key).then(
      () => 'given',
      (error: DOMException) => error.name,
    )
  },
}

Object.assign(globalThis, { locks: kit })
