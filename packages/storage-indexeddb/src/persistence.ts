import { asSecureChatError } from '@securechat/protocol'

export interface Persistence {
  /** false: this browser or context (not a secure one, a worker of some browsers) cannot say. */
  readonly supported: boolean
  /** true: the browser will not evict the origin's data by itself. The user still can clear it. */
  readonly persisted: boolean
  /** Bytes used by and granted to the whole origin, as the browser estimates; undefined if it does not say. */
  readonly usageBytes: number | undefined
  readonly quotaBytes: number | undefined
}

/**
 * Whether the browser may throw this origin's stores away under pressure, keys included. `request: true` asks it not to: some browsers decide by
 * themselves, Firefox asks the user, so call it from a click. Throws `storage/unavailable` if the browser fails to answer.
 */
export async function persistence(options: { readonly request?: boolean; readonly manager?: Partial<StorageManager> } = {}): Promise<Persistence> {
  const manager = options.manager ?? (typeof navigator === 'undefined' ? undefined : (navigator.storage as Partial<StorageManager> | undefined))
  try {
    const supported = typeof manager?.persisted === 'function'
    let persisted = supported ? await manager.persisted!() : false
    if (!persisted && options.request && typeof manager?.persist === 'function') persisted = await manager.persist()
    const estimate = typeof manager?.estimate === 'function' ? await manager.estimate() : {}
    return { supported, persisted, usageBytes: estimate.usage, quotaBytes: estimate.quota }
  } catch (error) {
    throw asSecureChatError(error, 'storage/unavailable')
  }
}
