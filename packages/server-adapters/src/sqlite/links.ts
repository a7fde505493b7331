import { equalPublicBytes } from '@securechat/protocol'
import type { LinkPart, LinkStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'

type LinkRow = { readonly kem_key: Uint8Array; readonly expires_at: number } & { readonly [Part in LinkPart]: Uint8Array | null }
const PARTS = ['answer', 'confirmation', 'manifest', 'handover'] as const

export function sqliteLinks(database: SqlDriver, batch: Batch): LinkStore {
  const find = database.prepare<LinkRow>('SELECT kem_key, expires_at, answer, confirmation, manifest, handover FROM links WHERE link_id = ? AND expires_at > ?')
  const remove = database.prepare('DELETE FROM links WHERE link_id = ?')
  const add = database.prepare('INSERT INTO links (link_id, kem_key, expires_at) VALUES (?, ?, ?)')
  const put = Object.fromEntries(PARTS.map((part) => [part, database.prepare(`UPDATE links SET ${part} = ? WHERE link_id = ?`)]))

  return {
    openLink: ({ linkId, kemKey, now, expiresAt }) =>
      batch.write(() => {
        const known = find.get(linkId, now)
        if (known) return equalPublicBytes(known.kem_key, kemKey)
        // One that has ended and is not swept yet.
        remove.run(linkId)
        add.run(linkId, kemKey, expiresAt)
        return true
      }),

    async link(linkId, now) {
      const row = find.get(linkId, now)
      if (!row) return undefined
      const parts = PARTS.flatMap((part) => (row[part] ? [[part, row[part]] as const] : []))
      return { kemKey: row.kem_key, expiresAt: row.expires_at, ...Object.fromEntries(parts) }
    },

    putLinkPart: ({ linkId, part, bytes, now }) =>
      batch.write(() => {
        const row = find.get(linkId, now)
        if (!row) return 'absent' as const
        const known = row[part]
        if (known) return equalPublicBytes(known, bytes) ? ('stored' as const) : ('conflict' as const)
        put[part]!.run(bytes, linkId)
        return 'stored' as const
      }),
  }
}
