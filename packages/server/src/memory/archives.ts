import { type AccountId, equalPublicBytes, type Timestamp } from '@securechat/protocol'
import type { ArchiveStore, SegmentName } from '../ports/store.js'
import { type AccountArchive, keyOf, type MemoryState, requireOpen } from './state.js'

/** Ordered as the port orders segments. */
const segmentKey = ({ archiveId, number }: SegmentName): string =>
  `${[...archiveId].map((byte) => byte.toString(16).padStart(2, '0')).join('')}/${String(number).padStart(10, '0')}`

export function memoryArchives(state: MemoryState): ArchiveStore {
  const archiveOf = (accountId: AccountId): AccountArchive | undefined => {
    requireOpen(state)
    if (!state.accounts.get(accountId)?.manifests.length) return undefined
    const archive = state.archives.get(accountId) ?? { segments: new Map(), transfers: new Map(), manifestVersion: 0 }
    state.archives.set(accountId, archive)
    return archive
  }
  const usage = (archive: AccountArchive | undefined) => {
    let bytes = 0
    for (const segment of archive?.segments.values() ?? []) bytes += segment.bytes.length
    return { bytes, segments: archive?.segments.size ?? 0 }
  }
  const living = (archive: AccountArchive | undefined, transferId: Uint8Array, now: Timestamp): Timestamp | undefined => {
    const expiresAt = archive?.transfers.get(keyOf(transferId))
    return expiresAt !== undefined && now < expiresAt ? expiresAt : undefined
  }
  return {
    async putSegment({ accountId, archiveId, number, bytes, maxBytes, maxSegments, transfer, now }) {
      const archive = archiveOf(accountId)
      if (!archive || (transfer && living(archive, archiveId, now) === undefined)) return 'absent'
      const key = segmentKey({ archiveId, number })
      const known = archive.segments.get(key)
      if (known) return equalPublicBytes(known.bytes, bytes) && known.transfer === transfer ? 'stored' : 'conflict'
      const used = usage(archive)
      if (used.bytes + bytes.length > maxBytes || used.segments + 1 > maxSegments) return 'full'
      archive.segments.set(key, { archiveId: archiveId.slice(), number, bytes: bytes.slice(), transfer })
      return 'stored'
    },

    async segment({ accountId, transfer, ...name }) {
      const found = archiveOf(accountId)?.segments.get(segmentKey(name))
      return found?.transfer === transfer ? found.bytes.slice() : undefined
    },

    async segments({ accountId, after, limit }) {
      const above = after ? segmentKey(after) : ''
      const found = [...(archiveOf(accountId)?.segments ?? [])]
        .filter(([key, { transfer }]) => !transfer && key > above)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { archiveId, number, bytes }]) => ({ archiveId: archiveId.slice(), number, length: bytes.length }))
      return { segments: found.slice(0, limit), more: found.length > limit }
    },

    async deleteSegments(accountId, names) {
      const segments = archiveOf(accountId)?.segments
      for (const name of names) if (segments?.get(segmentKey(name))?.transfer === false) segments.delete(segmentKey(name))
    },

    async archiveUsage(accountId) {
      return usage(archiveOf(accountId))
    },

    async putBackupManifest({ accountId, expected, bytes }) {
      const archive = archiveOf(accountId)
      if (!archive) return { kind: 'absent' }
      if (archive.manifest && equalPublicBytes(archive.manifest, bytes)) return { kind: 'repeated', version: archive.manifestVersion }
      if (expected !== (archive.manifest ? archive.manifestVersion : 0)) return { kind: 'conflict' }
      archive.manifest = bytes.slice()
      archive.manifestVersion++
      return { kind: 'stored', version: archive.manifestVersion }
    },

    async backupManifest(accountId) {
      const archive = archiveOf(accountId)
      return archive?.manifest && { version: archive.manifestVersion, bytes: archive.manifest.slice() }
    },

    async eraseBackup(accountId) {
      const archive = archiveOf(accountId)
      if (!archive) return
      for (const [key, { transfer }] of archive.segments) if (!transfer) archive.segments.delete(key)
      delete archive.manifest
    },

    async openTransfer({ accountId, transferId, now, expiresAt, maxTransfers }) {
      const archive = archiveOf(accountId)
      if (!archive) return { kind: 'absent' }
      const known = living(archive, transferId, now)
      if (known !== undefined) return { kind: 'open', expiresAt: known }
      if ([...archive.transfers.values()].filter((end) => now < end).length >= maxTransfers) return { kind: 'full' }
      dropTransferMutable(archive, transferId)
      archive.transfers.set(keyOf(transferId), expiresAt)
      return { kind: 'open', expiresAt }
    },

    async transfer(accountId, transferId, now) {
      return living(archiveOf(accountId), transferId, now)
    },

    async closeTransfer(accountId, transferId) {
      const archive = archiveOf(accountId)
      if (archive) dropTransferMutable(archive, transferId)
    },
  }
}

export function dropTransferMutable(archive: AccountArchive, transferId: Uint8Array | string): void {
  const text = typeof transferId === 'string' ? transferId : keyOf(transferId)
  archive.transfers.delete(text)
  for (const [key, segment] of archive.segments) if (segment.transfer && keyOf(segment.archiveId) === text) archive.segments.delete(key)
}
