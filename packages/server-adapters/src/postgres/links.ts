import { equalPublicBytes } from '@securechat/protocol'
import type { LinkPart, LinkStore } from '@securechat/server'
import type { Database } from './database.js'

type LinkRow = { readonly kem_key: Uint8Array; readonly expires_at: number } & { readonly [Part in LinkPart]: Uint8Array | null }
const PARTS = ['answer', 'confirmation', 'manifest', 'handover'] as const

export function postgresLinks(database: Database): LinkStore {
  const find = database.statement<LinkRow>(
    'link',
    'SELECT kem_key, expires_at, answer, confirmation, manifest, handover FROM {s}.links WHERE link_id = $1 AND expires_at > $2',
  )
  /** One that has ended and is not swept yet gives way; of two that open the same at once the first one counts. */
  const open = database.statement(
    'open_link',
    `INSERT INTO {s}.links AS l (link_id, kem_key, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (link_id) DO UPDATE SET kem_key = excluded.kem_key, expires_at = excluded.expires_at, answer = NULL, confirmation = NULL, manifest = NULL,
       handover = NULL
     WHERE l.expires_at <= $4`,
  )
  const put = Object.fromEntries(
    PARTS.map((part) => [
      part,
      database.statement(`put_link_${part}`, `UPDATE {s}.links SET ${part} = $2 WHERE link_id = $1 AND expires_at > $3 AND ${part} IS NULL`),
    ]),
  ) as Record<LinkPart, ReturnType<Database['statement']>>

  return {
    openLink: ({ linkId, kemKey, now, expiresAt }) =>
      database.transaction(async (session) => {
        if ((await session.run(open, linkId, kemKey, expiresAt, now)) > 0) return true
        const known = await session.row(find, linkId, now)
        return known !== undefined && equalPublicBytes(known.kem_key, kemKey)
      }),

    async link(linkId, now) {
      const row = await database.row(find, linkId, now)
      if (!row) return undefined
      const parts = PARTS.flatMap((part) => (row[part] ? [[part, row[part]] as const] : []))
      return { kemKey: row.kem_key, expiresAt: row.expires_at, ...Object.fromEntries(parts) }
    },

    putLinkPart: ({ linkId, part, bytes, now }) =>
      database.transaction(async (session) => {
        if ((await session.run(put[part], linkId, bytes, now)) > 0) return 'stored' as const
        const known = (await session.row(find, linkId, now))?.[part]
        if (!known) return 'absent' as const
        return equalPublicBytes(known, bytes) ? ('stored' as const) : ('conflict' as const)
      }),
  }
}
