import type { LiveSession, RotateOutcome, SessionStore } from '../ports/store.js'
import { endSessionMutable, keyOf, type MemoryState, requireOpen } from './state.js'

export function memorySessions(state: MemoryState): SessionStore {
  const live = (sessionId: string): LiveSession | undefined => {
    requireOpen(state)
    const session = state.sessions.get(sessionId)
    const device = session && state.accounts.get(session.accountId)?.devices.get(session.deviceId)
    return session && device && { sessionId, ...session, signingKey: device.signingKey.slice() }
  }
  return {
    session: async (sessionId) => live(sessionId),

    async findRefresh(tokenHash, now) {
      const token = state.refreshTokens.get(keyOf(tokenHash))
      return token && now < token.expiresAt ? live(token.sessionId) : undefined
    },

    async rotateRefresh({ presentedHash, successorHash, sealedSuccessor, now, expiresAt }): Promise<RotateOutcome> {
      requireOpen(state)
      const token = state.refreshTokens.get(keyOf(presentedHash))
      if (!token || now >= token.expiresAt) return { kind: 'absent' }
      if (token.used) {
        const successor = state.refreshTokens.get(token.used.successor)
        if (successor && !successor.used) return { kind: 'repeated', sealedSuccessor: token.used.sealedSuccessor.slice() }
        endSessionMutable(state, token.sessionId)
        return { kind: 'reused' }
      }
      token.used = { successor: keyOf(successorHash), sealedSuccessor: sealedSuccessor.slice() }
      state.refreshTokens.set(token.used.successor, { sessionId: token.sessionId, expiresAt })
      return { kind: 'rotated' }
    },

    async endSession(sessionId) {
      requireOpen(state)
      return endSessionMutable(state, sessionId)
    },
  }
}
