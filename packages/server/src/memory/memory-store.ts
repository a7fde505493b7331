import type { ServerStore } from '../ports/store.js'
import { memoryAccounts } from './accounts.js'
import { dropTransferMutable, memoryArchives } from './archives.js'
import { memoryLinks } from './links.js'
import { memoryLogins } from './logins.js'
import { memoryMailboxes } from './mailboxes.js'
import { memorySessions } from './sessions.js'
import { emptyState, type MemoryState, requireOpen } from './state.js'

/** A store in this process's memory, for tests and embedding: passes the suite, forgets everything when the process ends. */
export function memoryStore(): ServerStore {
  const state = emptyState()
  return {
    ...memoryLogins(state),
    ...memoryLinks(state),
    ...memoryArchives(state),
    ...memoryAccounts(state),
    ...memorySessions(state),
    ...memoryMailboxes(state),
    async keepOnce(name, value) {
      requireOpen(state)
      const kept = state.kept.get(name) ?? value.slice()
      state.kept.set(name, kept)
      return kept.slice()
    },
    check: async () => requireOpen(state),
    async sweep(expiry) {
      requireOpen(state)
      return sweepMutable(state, expiry)
    },
    async close() {
      state.closed = true
    },
  }
}

function sweepMutable(
  state: MemoryState,
  { now, mailboxBefore, limit }: { readonly now: number; readonly mailboxBefore: number; readonly limit: number },
): number {
  let swept = 0
  const prune = <K, V>(map: Map<K, V>, expired: (value: V) => boolean, drop: (key: K) => void = (key) => void map.delete(key)): void => {
    let left = limit
    for (const [key, value] of map) {
      if (left === 0) return
      if (!expired(value)) continue
      drop(key)
      swept++
      left--
    }
  }
  prune(state.logins, ({ expiresAt }) => expiresAt <= now)
  prune(state.sendings, (times) => times.every((time) => time <= now - 86_400_000))
  prune(state.links, ({ expiresAt }) => expiresAt <= now)
  for (const archive of state.archives.values()) {
    prune(
      archive.transfers,
      (expiresAt) => expiresAt <= now,
      (transferId) => dropTransferMutable(archive, transferId),
    )
  }
  prune(state.registrations, ({ expiresAt }) => expiresAt <= now)
  prune(state.refreshTokens, ({ expiresAt }) => expiresAt <= now)
  prune(state.sends, (time) => time < mailboxBefore)
  prune(
    state.accounts,
    ({ manifests, reservedUntil }) => manifests.length === 0 && reservedUntil <= now,
    (accountId) => {
      state.phones.delete(state.accounts.get(accountId)!.phone)
      state.accounts.delete(accountId)
    },
  )
  const tokens = new Set([...state.refreshTokens.values()].map(({ sessionId }) => sessionId))
  for (const sessionId of state.sessions.keys()) {
    if (tokens.has(sessionId)) continue
    state.sessions.delete(sessionId)
    swept++
  }
  for (const rows of state.mailboxes.values()) {
    let expired = 0
    while (expired < rows.length && expired < limit && rows[expired]!.time < mailboxBefore) expired++
    rows.splice(0, expired)
    swept += expired
  }
  return swept
}
