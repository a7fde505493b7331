import { type DeviceId, equalPublicBytes } from '@securechat/protocol'
import type { LiveSession, RotateOutcome, SessionStore } from '@securechat/server'
import type { SqlDriver } from '@securechat/storage-sqlite/driver'
import type { Batch } from './batch.js'
import { accountText, type Devices } from './devices.js'

interface TokenRow {
  readonly session_id: string
  readonly expires_at: number
  readonly successor: Uint8Array | null
  readonly sealed_successor: Uint8Array | null
}

export function sqliteSessions(database: SqlDriver, batch: Batch, devices: Devices): SessionStore {
  const session = database.prepare<{ account_id: Uint8Array; device_id: DeviceId; signing_key: Uint8Array }>(
    'SELECT account_id, device_id, signing_key FROM sessions JOIN devices USING (device_row) WHERE session_id = ?',
  )
  const token = database.prepare<TokenRow>('SELECT session_id, expires_at, successor, sealed_successor FROM refresh_tokens WHERE hash = ?')
  const use = database.prepare('UPDATE refresh_tokens SET successor = ?, sealed_successor = ? WHERE hash = ?')
  const add = database.prepare('INSERT INTO refresh_tokens (hash, session_id, expires_at) VALUES (?, ?, ?)')

  const live = (sessionId: string): LiveSession | undefined => {
    const row = session.get(sessionId)
    return row && { sessionId, accountId: accountText(row.account_id), deviceId: row.device_id, signingKey: row.signing_key }
  }

  return {
    session: async (sessionId) => batch.read(() => live(sessionId)),
    findRefresh: async (tokenHash, now) =>
      batch.read(() => {
        const row = token.get(tokenHash)
        return row && now < row.expires_at ? live(row.session_id) : undefined
      }),
    rotateRefresh: ({ presentedHash, successorHash, sealedSuccessor, now, expiresAt }) =>
      batch.write((): RotateOutcome => {
        const row = token.get(presentedHash)
        if (!row || now >= row.expires_at) return { kind: 'absent' }
        if (row.successor === null) {
          if (equalPublicBytes(presentedHash, successorHash)) return { kind: 'absent' }
          use.run(successorHash, sealedSuccessor, presentedHash)
          add.run(successorHash, row.session_id, expiresAt)
          return { kind: 'rotated' }
        }
        const successor = token.get(row.successor)
        if (successor && successor.successor === null) return { kind: 'repeated', sealedSuccessor: row.sealed_successor! }
        devices.endSession(row.session_id)
        return { kind: 'reused' }
      }),
    endSession: (sessionId) => batch.write(() => devices.endSession(sessionId)),
  }
}
