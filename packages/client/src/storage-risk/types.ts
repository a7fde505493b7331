import type { LiveQuery } from '../calls.js'

/**
 * not-persistent: the browser may delete the store when space is short or the app was not used for long. quota-low: something could not be stored, or little of what the browser grants is left, below 64 MiB and a tenth of
 * it (Chromium does not say how much that is). lost: an account was here, and the browser or the person has deleted its store; keys and messages of this device are gone.
 */
export type StorageRisk = 'not-persistent' | 'quota-low' | 'lost'

export interface StorageState {
  /** Empty: nothing threatens the store, as far as the platform says. */
  readonly risks: readonly StorageRisk[]
  /** Of all stores of the origin, where the browser says. */
  readonly usageBytes?: number
  readonly quotaBytes?: number
}

/** `client.storage`: whether what this device stores is safe from its browser. Elsewhere there are no risks. */
export interface StorageWatch {
  /** Asks nobody, and works before the sign-in, where `lost` matters. Throws `storage/unavailable`. */
  state(): Promise<StorageState>
  live(): LiveQuery<StorageState>
  /** Asks the browser to keep the store: call it in answer to a click. Resolves to the state afterwards; the browser may have refused. Throws `storage/unavailable`. */
  keep(): Promise<StorageState>
}
