import {
  type Clock,
  equalSecretBytes,
  fromBase64Url,
  LIMITS,
  type OperationInput,
  type OperationOutput,
  type Random,
  SecureChatError,
  toBase64Url,
} from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { Bus } from '../ports/bus.js'
import type { LiveSession, NewSession, SessionStore } from '../ports/store.js'
import type { RequestProof, Verifier } from '../ports/verifier.js'
import type { AccessTokens } from './access-tokens.js'
import type { Hashes } from './secrets.js'

const DAY = 86_400_000

export interface SessionDeps {
  readonly store: SessionStore
  readonly bus: Bus
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly accessTokens: AccessTokens
  readonly clock: Clock
  readonly random: Random
}
/** A session that is about to be stored, and the refresh token that only its owner gets. */
export interface PreparedSession {
  readonly stored: NewSession
  readonly refreshToken: string
}
export type Tokens = OperationOutput<'auth.refresh'>

export interface SessionService {
  prepare(): PreparedSession
  tokens(session: LiveSession, refreshToken: string): Promise<Tokens>
  refresh(input: OperationInput<'auth.refresh'>): Promise<Tokens>
  logout(device: DeviceCaller): Promise<void>
  /** The live session of an access token, its device key and the token's binding checked. Throws `auth/…`. A proof must still follow. */
  authenticate(accessToken: string): Promise<LiveSession>
  /** Freshness and signature of a request's proof; that the nonce is new is the caller's to check. */
  checkRequestProof(proof: RequestProof): void
}

export function createSessionService({ store, bus, verifier, hashes, accessTokens, clock, random }: SessionDeps): SessionService {
  const expiresAt = (): number => clock.now() + LIMITS.refreshTokenDays * DAY
  const requireFresh = (issuedAt: number): void => {
    if (Math.abs(clock.now() - issuedAt) > LIMITS.proofSkewSeconds * 1000) throw new SecureChatError('auth/invalid-proof', { detail: 'time' })
  }
  const tokens = async (session: LiveSession, refreshToken: string): Promise<Tokens> => ({ ...(await accessTokens.issue(session)), refreshToken })

  return {
    tokens,
    prepare() {
      const refreshToken = toBase64Url(random(32))
      return { refreshToken, stored: { sessionId: toBase64Url(random(16)), tokenHash: hashes.token(refreshToken), expiresAt: expiresAt() } }
    },

    async refresh({ refreshToken, time, nonce, proof }) {
      const now = clock.now()
      requireFresh(time)
      const presentedHash = hashes.token(refreshToken)
      const session = await store.findRefresh(presentedHash, now)
      if (!session) throw new SecureChatError('auth/revoked')
      // Before anything changes: a stolen token without the device key neither rotates nor ends a session.
      verifier.verifyRefreshProof({ signingKey: session.signingKey, refreshToken, issuedAt: time, nonce, proof })
      const successor = random(32)
      const outcome = await store.rotateRefresh({
        presentedHash,
        successorHash: hashes.token(toBase64Url(successor)),
        sealedSuccessor: hashes.maskSuccessor(refreshToken, successor),
        now,
        expiresAt: expiresAt(),
      })
      if (outcome.kind === 'rotated') return tokens(session, toBase64Url(successor))
      if (outcome.kind === 'repeated') return tokens(session, toBase64Url(hashes.maskSuccessor(refreshToken, outcome.sealedSuccessor)))
      if (outcome.kind === 'absent') throw new SecureChatError('auth/revoked')
      bus.publish({ type: 'revoked', accountId: session.accountId, deviceId: session.deviceId, sessionId: session.sessionId })
      throw new SecureChatError('auth/refresh-reused')
    },

    async logout({ accountId, deviceId, sessionId }) {
      await store.endSession(sessionId)
      bus.publish({ type: 'revoked', accountId, deviceId, sessionId })
    },

    async authenticate(accessToken) {
      const claims = await accessTokens.verify(accessToken)
      const session = await store.session(claims.sessionId)
      if (!session) throw new SecureChatError('auth/revoked')
      const bound = fromBase64Url(await accessTokens.thumbprint(session.signingKey))
      const same =
        session.accountId === claims.accountId && session.deviceId === claims.deviceId && equalSecretBytes(bound, thumbprintBytes(claims.keyThumbprint))
      if (!same) throw new SecureChatError('auth/invalid-token')
      return session
    },

    checkRequestProof(proof) {
      requireFresh(proof.issuedAt)
      verifier.verifyRequestProof(proof)
    },
  }
}

function thumbprintBytes(thumbprint: string): Uint8Array {
  try {
    return fromBase64Url(thumbprint)
  } catch (cause) {
    throw new SecureChatError('auth/invalid-token', { cause })
  }
}
