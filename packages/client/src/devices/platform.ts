interface Globals {
  readonly document?: unknown
  readonly process?: { readonly versions?: { readonly node?: string } }
  readonly navigator?: { readonly product?: string; readonly storage?: { persist?(): Promise<boolean> } }
  readonly Deno?: unknown
  readonly Bun?: unknown
}

/** What this runs on, as far as it shows; an application that knows better says so. `globals`: `globalThis`. */
export function platformOf(globals: unknown): string {
  const { document, process, navigator, Deno, Bun } = globals as Globals
  if (navigator?.product === 'ReactNative') return 'react-native'
  if (document !== undefined) return 'browser'
  if (Deno !== undefined) return 'deno'
  if (Bun !== undefined) return 'bun'
  return process?.versions?.node === undefined ? 'browser' : 'node'
}

/** Asks the browser to keep the store; true where there is no browser that would clean it up. */
export async function storagePersists(globals: unknown): Promise<boolean> {
  const storage = (globals as Globals).navigator?.storage
  if (!storage?.persist) return platformOf(globals) !== 'browser'
  return storage.persist().catch(() => false)
}
