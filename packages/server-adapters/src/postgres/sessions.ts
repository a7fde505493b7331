import type { AccountId, DeviceId } from '@securechat/protocol'
import { equalPublicBytes } from '@securechat/protocol'
import type { LiveSession, RotateOutcome, SessionStore } from '@securechat/server'
import type { Database, Session } from './database.js'
import { accountText } from './rows.js'

interface SessionRow {
  readonly session_id: string
  readonly account_id: Uint8Array
  readonly device_id: DeviceId
  readonly signing_key: Uint8Array
}
interface TokenRow {
  readonly session_id: string
  readonly expires_at: number
  readonly successor: Uint8Array | null
  readonly sealed_successor: Uint8Array | null
}

const live = (row: SessionRow | undefined): LiveSession | undefined =>
  row && { sessionId: row.session_id, accountId: accountText(row.account_id) as AccountId, deviceId: row.device_id, signingKey: row.signing_key }

export function postgresSessions(database: Database): SessionStore {
  const columns = 's.session_id, d.account_id, d.device_id, d.signing_key'
  const session = database.statement<SessionRow>(
    'session',
    `SELECT ${columns} FROM {s}.sessions s JOIN {s}.devices d USING (device_row) WHERE s.session_id = $1`,
  )
  const byToken = database.statement<SessionRow>(
    'session_by_token',
    `SELECT ${columns} FROM {s}.refresh_tokens t JOIN {s}.sessions s USING (session_id) JOIN {s}.devices d USING (device_row) WHERE t.hash = $1 AND t.expires_at > $2`,
  )
  /** All that happens to the tokens of one session waits for its row. */
  const lock = database.statement<{ session_id: string }>(
    'session_lock',
    'SELECT s.session_id FROM {s}.sessions s WHERE s.session_id = (SELECT t.session_id FROM {s}.refresh_tokens t WHERE t.hash = $1) FOR UPDATE',
  )
  const token = database.statement<TokenRow>('token', 'SELECT session_id, expires_at, successor, sealed_successor FROM {s}.refresh_tokens WHERE hash = $1')
  const use = database.statement('use_token', 'UPDATE {s}.refresh_tokens SET successor = $2, sealed_successor = $3 WHERE hash = $1')
  const add = database.statement('add_token', 'INSERT INTO {s}.refresh_tokens (hash, session_id, expires_at) VALUES ($1, $2, $3)')
  const endSession = database.statement('end_session', 'DELETE FROM {s}.sessions WHERE session_id = $1')
  const endTokens = database.statement('end_tokens', 'DELETE FROM {s}.refresh_tokens WHERE session_id = $1')

  const end = async (work: Session, sessionId: string): Promise<boolean> => {
    const ended = (await work.run(endSession, sessionId)) > 0
    await work.run(endTokens, sessionId)
    return ended
  }

  return {
    session: async (sessionId) => live(await database.row(session, sessionId)),
    findRefresh: async (tokenHash, now) => live(await database.row(byToken, tokenHash, now)),
    rotateRefresh: ({ presentedHash, successorHash, sealedSuccessor, now, expiresAt }) =>
      database.transaction(async (work): Promise<RotateOutcome> => {
        if (!(await work.row(lock, presentedHash))) return { kind: 'absent' }
        const row = await work.row(token, presentedHash)
        if (!row || now >= row.expires_at) return { kind: 'absent' }
        if (row.successor === null) {
          if (equalPublicBytes(presentedHash, successorHash)) return { kind: 'absent' }
          await work.run(use, presentedHash, successorHash, sealedSuccessor)
          await work.run(add, successorHash, row.session_id, expiresAt)
          return { kind: 'rotated' }
        }
        const successor = await work.row(token, row.successor)
        if (successor && successor.successor === null) return { kind: 'repeated', sealedSuccessor: row.sealed_successor! }
        await end(work, row.session_id)
        return { kind: 'reused' }
      }),
    endSession: (sessionId) => database.transaction((work) => end(work, sessionId)),
  }
}
