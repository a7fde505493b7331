import { type Clock, LIMITS, type OperationInput, type OperationOutput, SecureChatError } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { ArchiveStore } from '../ports/store.js'

const HOUR = 3_600_000

export interface ArchiveDeps {
  readonly store: ArchiveStore
  readonly clock: Clock
}

export interface ArchiveService {
  manifest(caller: DeviceCaller): Promise<OperationOutput<'backups.manifest'>>
  putManifest(input: OperationInput<'backups.putManifest'>, caller: DeviceCaller): Promise<OperationOutput<'backups.putManifest'>>
  putSegment(input: OperationInput<'backups.putSegment'>, caller: DeviceCaller): Promise<void>
  segment(input: OperationInput<'backups.segment'>, caller: DeviceCaller): Promise<OperationOutput<'backups.segment'>>
  segments(input: OperationInput<'backups.segments'>, caller: DeviceCaller): Promise<OperationOutput<'backups.segments'>>
  deleteSegments(input: OperationInput<'backups.deleteSegments'>, caller: DeviceCaller): Promise<void>
  erase(caller: DeviceCaller): Promise<void>
  openTransfer(input: OperationInput<'history.open'>, caller: DeviceCaller): Promise<OperationOutput<'history.open'>>
  putPart(input: OperationInput<'history.put'>, caller: DeviceCaller): Promise<void>
  readPart(input: OperationInput<'history.read'>, caller: DeviceCaller): Promise<OperationOutput<'history.read'>>
  closeTransfer(input: OperationInput<'history.close'>, caller: DeviceCaller): Promise<void>
}

/**
 * Sealed blobs of the caller's own account (docs/protocol/11-recovery-and-backup.md, "On the server"): no operation names another account. The server knows
 * lengths, times and, from the container's head, kinds.
 */
export function createArchiveService({ store, clock }: ArchiveDeps): ArchiveService {
  const put = async (
    segment: { readonly archiveId: Uint8Array; readonly number: number; readonly bytes: Uint8Array; readonly transfer: boolean },
    caller: DeviceCaller,
  ): Promise<void> => {
    const { accountId } = caller
    const limits = { maxBytes: LIMITS.archiveBytes, maxSegments: LIMITS.archiveSegments }
    const outcome = await store.putSegment({ ...segment, ...limits, accountId, now: clock.now() })
    if (outcome === 'absent') throw new SecureChatError(segment.transfer ? 'request/not-found' : 'auth/revoked')
    if (outcome === 'conflict') throw new SecureChatError('request/conflict', { detail: 'segment' })
    if (outcome === 'full') throw new SecureChatError('backup/full')
  }
  return {
    async manifest({ accountId }) {
      const [stored, usage] = await Promise.all([store.backupManifest(accountId), store.archiveUsage(accountId)])
      return { ...(stored && { manifest: stored }), ...usage }
    },

    async putManifest({ expected, manifest }, { accountId }) {
      const outcome = await store.putBackupManifest({ accountId, expected, bytes: manifest })
      if (outcome.kind === 'absent') throw new SecureChatError('auth/revoked')
      if (outcome.kind === 'conflict') throw new SecureChatError('request/conflict', { detail: 'backup manifest' })
      return { version: outcome.version }
    },

    putSegment: ({ backupId: archiveId, number, segment }, caller) => put({ archiveId, number, bytes: segment, transfer: false }, caller),

    async segment({ backupId: archiveId, number }, { accountId }) {
      const segment = await store.segment({ accountId, archiveId, number, transfer: false })
      return segment ? { segment } : {}
    },

    async segments({ after, limit }, { accountId }) {
      const { segments, more } = await store.segments({ accountId, limit, ...(after && { after: { archiveId: after.backupId, number: after.number } }) })
      return { segments: segments.map(({ archiveId: backupId, number, length }) => ({ backupId, number, length })), more }
    },

    deleteSegments: ({ segments }, { accountId }) =>
      store.deleteSegments(
        accountId,
        segments.map(({ backupId: archiveId, number }) => ({ archiveId, number })),
      ),

    erase: ({ accountId }) => store.eraseBackup(accountId),

    async openTransfer({ transferId }, { accountId }) {
      const now = clock.now()
      const expiresAt = now + LIMITS.historyHours * HOUR
      const opened = await store.openTransfer({ accountId, transferId, now, expiresAt, maxTransfers: LIMITS.historyTransfers })
      if (opened.kind === 'absent') throw new SecureChatError('auth/revoked')
      if (opened.kind === 'full') throw new SecureChatError('backup/full', { detail: 'history transfers' })
      return { expiresAt: opened.expiresAt }
    },

    putPart: ({ transferId: archiveId, number, segment }, caller) => put({ archiveId, number, bytes: segment, transfer: true }, caller),

    async readPart({ transferId, number }, { accountId }) {
      const expiresAt = await store.transfer(accountId, transferId, clock.now())
      if (expiresAt === undefined) throw new SecureChatError('request/not-found')
      const segment = await store.segment({ accountId, archiveId: transferId, number, transfer: true })
      return { expiresAt, ...(segment && { segment }) }
    },

    closeTransfer: ({ transferId }, { accountId }) => store.closeTransfer(accountId, transferId),
  }
}
