import { SecureChatError, toBase64Url } from '@securechat/protocol/core'
import type { BackupDeps, BackupKeys } from './container.js'
import type { BackupKind, BackupRecord } from './records.js'
import { openSegment } from './segment.js'
import type { BackupEntry } from './state.js'

export interface RestoreInput extends BackupKeys {
  /** Of an opened manifest. */
  readonly entries: readonly BackupEntry[]
  /** The segment's bytes as the server gives them, null where it has none. */
  readonly fetch: (entry: BackupEntry) => Promise<Uint8Array | null>
  /** Only these, for a restore in stages: the account first, messages later. */
  readonly kinds?: readonly BackupKind[]
}

export interface RestoredSegment {
  readonly entry: BackupEntry
  /** Newest first, each name once in the whole restore; deleted ones are left out. */
  readonly records: readonly (BackupRecord & { readonly value: Uint8Array })[]
}

/**
 * Newest segment first, so that recent conversations are there early and an older record never overwrites a newer one. All or an error: throws `backup/damaged`
 * where a segment is missing or exchanged, and as `openSegment`; what was given out before is genuine and may be kept.
 */
export async function* restoreSegments(
  provider: BackupDeps['provider'],
  { entries, fetch, kinds, ...keys }: RestoreInput,
): AsyncGenerator<RestoredSegment, void> {
  const seen = new Set<string>()
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i] as BackupEntry
    if (kinds && !kinds.includes(entry.kind)) continue
    const bytes = await fetch(entry)
    if (!bytes) throw new SecureChatError('backup/damaged', { detail: 'missing segment' })
    const records: (BackupRecord & { value: Uint8Array })[] = []
    for (const { name, value } of openSegment(provider, { ...keys, entry, bytes }).reverse()) {
      const key = `${entry.kind}/${toBase64Url(name)}`
      if (seen.has(key)) continue
      seen.add(key)
      if (value) records.push({ name, value })
    }
    yield { entry, records }
  }
}
