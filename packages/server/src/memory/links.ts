import { equalPublicBytes } from '@securechat/protocol'
import type { LinkStore } from '../ports/store.js'
import { type MemoryState, requireOpen } from './state.js'

export function memoryLinks(state: MemoryState): LinkStore {
  const living = (linkId: string, now: number) => {
    requireOpen(state)
    const link = state.links.get(linkId)
    return link && now < link.expiresAt ? link : undefined
  }
  return {
    async openLink({ linkId, kemKey, now, expiresAt }) {
      const known = living(linkId, now)
      if (known) return equalPublicBytes(known.kemKey, kemKey)
      state.links.set(linkId, { kemKey: kemKey.slice(), expiresAt })
      return true
    },

    async link(linkId, now) {
      return structuredClone(living(linkId, now))
    },

    async putLinkPart({ linkId, part, bytes, now }) {
      const link = living(linkId, now)
      if (!link) return 'absent'
      const known = link[part]
      if (known) return equalPublicBytes(known, bytes) ? 'stored' : 'conflict'
      state.links.set(linkId, { ...link, [part]: bytes.slice() })
      return 'stored'
    },
  }
}
