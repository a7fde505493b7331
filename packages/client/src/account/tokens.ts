import { signRefreshProof, signSocketProof } from '@securechat/crypto'
import { isSecureChatError, type SecureChatError, type Timestamp } from '@securechat/protocol'
import type { LoginContext, LoginProof } from '@securechat/transport'
import type { Context, Self } from '../context.js'
import { readAccount, readTokens, type TokensRecord, writeTokens } from '../state/account.js'
import { markRevoked } from './sign-out.js'

/** Milliseconds before its end from which an access token is not offered any more. */
const MARGIN_MS = 30_000

/** The session is over for good, here and on the server. */
const endsSession = (error: unknown): error is SecureChatError => isSecureChatError(error, 'auth/refresh-reused') || isSecureChatError(error, 'auth/revoked')

/**
 * Signs in a socket: an access token that is good for a while, and the proof that this device has the key it is bound to. Without an
 * account, or after the session's end, the socket stays anonymous.
 */
export async function signIn(context: Context, login: LoginContext): Promise<LoginProof | null> {
  const { db, clock, provider, network } = context
  if ((await readAccount(db))?.status !== 'signed-in') return null
  const self = await context.identity.self()
  const tokens = await readTokens(db)
  if (!tokens) return null
  const serverNow = clock.now() + network.connection.state().serverTimeOffset
  const stale = login.rejected !== undefined || tokens.accessExpiresAt - MARGIN_MS <= serverNow
  try {
    const { accessToken } = stale ? await refresh(context, { login, self, tokens, serverNow }) : tokens
    return { accessToken, proof: signSocketProof(provider, { signing: self.deviceKeys.signing, challenge: login.challenge, accessToken }) }
  } catch (error) {
    if (!endsSession(error)) throw error
    await markRevoked(context)
    return null
  }
}

interface Refresh {
  readonly login: LoginContext
  readonly self: Self
  readonly tokens: TokensRecord
  readonly serverNow: Timestamp
}

/** A refresh token is used once: its successor is on the disk before anything else is done with it. */
async function refresh(context: Context, { login, self, tokens, serverNow }: Refresh): Promise<TokensRecord> {
  const ask = async (time: Timestamp) => {
    const nonce = context.random(16)
    const proof = signRefreshProof(context.provider, { signing: self.deviceKeys.signing, refreshToken: tokens.refreshToken, issuedAt: time, nonce })
    return login.call('auth.refresh', { refreshToken: tokens.refreshToken, time, nonce, proof }, { signal: login.signal })
  }
  let next: TokensRecord
  try {
    next = await ask(serverNow)
  } catch (error) {
    if (!isSecureChatError(error, 'auth/invalid-proof')) throw error
    // Before the first welcome the server's time is not known, and this clock may be wrong.
    const { time } = await login.call('server.capabilities', {}, { signal: login.signal })
    next = await ask(time)
  }
  await context.db.run(async (tx) => writeTokens(tx, next))
  return next
}
