import { SecureChatError } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'

const NOTHING = new Uint8Array(0)

/** Opens with 32 random bytes that the application keeps: an operating system's keystore, a secret of the deployment. Throws `client/invalid-argument`. */
export function keyLock(key: Uint8Array): StoreLock {
  if (key.length !== 32) throw new SecureChatError('client/invalid-argument', { detail: 'a lock’s key has 32 bytes' })
  const own = key.slice()
  return {
    kind: 'key',
    create: async () => ({ parameters: NOTHING, key: own.slice() }),
    open: async () => own.slice(),
  }
}
