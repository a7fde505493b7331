import type { Context } from '../context.js'
import type { Reader, Transaction } from '../state/database.js'
import { readPins } from '../state/pins.js'
import { writeDue } from '../state/sync.js'

/** Whether the account has another device than this one. */
export async function hasOthers({ provider, identity }: Context, reader: Reader): Promise<boolean> {
  const accountId = await identity.accountId()
  const pins = accountId && (await readPins(reader, provider, accountId))
  return pins ? pins.pin.manifest.devices.length > 1 : false
}

/** In the commit of a change that the user has made here: the other devices will be told of these keys. */
export async function shareSoon(context: Context, tx: Transaction, changes: { readonly kind: string; readonly keys: readonly string[] }): Promise<void> {
  if (changes.keys.length === 0 || !(await hasOthers(context, tx))) return
  for (const key of changes.keys) writeDue(tx, changes.kind, key)
}
