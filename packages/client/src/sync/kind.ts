import type * as z from 'zod/mini'
import type { Context } from '../context.js'
import type { Reader, Transaction } from '../state/database.js'

export interface KeyPage {
  readonly keys: readonly string[]
  /** Where the next page begins; undefined: there is none. */
  readonly after?: string | undefined
}

/** A kind of state that the devices of an account share. Each is a file in `kinds/` and an entry in `registry.ts`; the rest is the same for all. */
export interface SyncKind {
  /** On the wire and in the store; never changes its meaning. */
  readonly name: string
  readonly schema: z.ZodMiniType
  /** False: a value only ever comes to be (something was read), so no stamp decides between two. */
  readonly register: boolean
  /** What is to be told of this key; undefined: nothing any more. */
  read(context: Context, reader: Reader, key: string): Promise<unknown>
  /** Takes what another device says, in the commit of its message. What makes no sense here is dropped. */
  write(context: Context, tx: Transaction, item: { readonly key: string; readonly value: unknown }): Promise<void>
  /** Everything, for a new device; absent: it gets none of it. `after` is '' for the first page. */
  keys?(reader: Reader, page: { readonly after: string; readonly limit: number }): Promise<KeyPage>
}

export interface SyncKindOf<Value> extends Pick<SyncKind, 'name' | 'register' | 'keys'> {
  readonly schema: z.ZodMiniType<Value>
  read(context: Context, reader: Reader, key: string): Promise<Value | undefined>
  write(context: Context, tx: Transaction, item: { readonly key: string; readonly value: Value }): Promise<void>
}

/** The machinery parses a value with the kind's schema before it hands it over. */
export const defineKind = <Value>(kind: SyncKindOf<Value>): SyncKind => ({
  ...kind,
  write: (context, tx, { key, value }) => kind.write(context, tx, { key, value: value as Value }),
})
