import { SecureChatError } from '@securechat/protocol'
import { type CommitOptions, type Expectation, type Range, STORAGE_LIMITS, type Write } from './port.js'

const PRINTABLE = /^[\x20-\x7e]*$/

function invalid(detail: string): never {
  throw new SecureChatError('client/invalid-argument', { detail })
}

export function checkPrefix(prefix: unknown): asserts prefix is string {
  if (typeof prefix !== 'string' || prefix.length > STORAGE_LIMITS.keyCharacters || !PRINTABLE.test(prefix)) invalid('storage prefix')
}

export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key.length < 1 || key.length > STORAGE_LIMITS.keyCharacters || !PRINTABLE.test(key)) invalid('storage key')
}

/** A copy of the list, so that the caller may change its own while the read is under way. */
export function checkKeys(keys: readonly string[]): string[] {
  if (!Array.isArray(keys)) invalid('storage keys')
  const copy = [...(keys as readonly string[])]
  for (const key of copy) checkKey(key)
  return copy
}

/** Where a listing begins and ends, by code unit. `lower ≤ upper` always; `upper` is exclusive. */
export interface Bounds {
  readonly lower: string
  readonly lowerExclusive: boolean
  readonly upper: string
  /** Infinity without a limit; never 0. */
  readonly limit: number
  readonly reverse: boolean
}

/** Checks the arguments of `list`. undefined: valid, but no key can lie there. */
export function boundsOf(prefix: string, range: Range = {}): Bounds | undefined {
  checkPrefix(prefix)
  const { after, before, limit, reverse } = range
  if (after !== undefined) checkKey(after)
  if (before !== undefined) checkKey(before)
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) invalid('storage limit')
  if (reverse !== undefined && typeof reverse !== 'boolean') invalid('storage reverse')
  // 0x7f is the first code unit after those that a key may have.
  const end = `${prefix}\x7f`
  const lowerExclusive = after !== undefined && after >= prefix
  const lower = lowerExclusive ? after : prefix
  const upper = before !== undefined && before < end ? before : end
  if (limit === 0 || lower > upper || (lower === upper && lowerExclusive)) return undefined
  return { lower, lowerExclusive, upper, limit: limit ?? Infinity, reverse: reverse ?? false }
}

export interface CheckedCommit {
  /** The last write of each key: a copy of its value, or null to delete it. */
  readonly writes: ReadonlyMap<string, Uint8Array | null>
  readonly expect: readonly Expectation[]
  readonly strict: boolean
}

/** `Buffer` and arrays of another realm pass; other views do not. */
const isBytes = (value: unknown): value is Uint8Array => ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array'

/** Checks a whole commit before anything of it is done, and copies what the caller might change. */
export function checkCommit(writes: readonly Write[], options: CommitOptions = {}): CheckedCommit {
  if (!Array.isArray(writes)) invalid('storage writes')
  const checked = new Map<string, Uint8Array | null>()
  for (const write of writes as readonly Write[]) {
    if (typeof write !== 'object' || write === null || 'put' in write === 'delete' in write) invalid('storage write')
    if ('put' in write) {
      checkKey(write.put)
      if (!isBytes(write.value)) invalid('storage value')
      if (write.value.length > STORAGE_LIMITS.valueBytes) throw new SecureChatError('protocol/too-large', { detail: 'storage value' })
      checked.set(write.put, new Uint8Array(write.value))
    } else {
      checkKey(write.delete)
      checked.set(write.delete, null)
    }
  }
  const { expect = [], durability = 'strict' } = options
  if (!Array.isArray(expect)) invalid('storage expect')
  const expectations = (expect as readonly Expectation[]).map((expectation) => {
    if (typeof expectation !== 'object' || expectation === null) invalid('storage expectation')
    const { key, version } = expectation
    checkKey(key)
    if (version !== null && (!Number.isSafeInteger(version) || version <= 0)) invalid('storage expected version')
    return { key, version }
  })
  if (durability !== 'strict' && durability !== 'relaxed') invalid('storage durability')
  return { writes: checked, expect: expectations, strict: durability === 'strict' }
}
