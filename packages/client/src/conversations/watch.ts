import type { AccountId, ConversationId } from '@securechat/protocol'
import type { ClientStorage } from '@securechat/storage'
import { prefixOf } from '../state/keys.js'
import { decodeMessage } from '../state/messages.js'
import type { Message } from '../types.js'
import { Signal } from '../waiting.js'
import { presentMessage } from './present.js'

/** Rows looked through when the store cannot say what another process has changed. */
const UNKNOWN_ROWS = 200

export interface WatchInput {
  readonly storage: ClientStorage
  readonly conversation: ConversationId
  readonly self: () => Promise<AccountId>
  readonly signal: AbortSignal
  readonly onEnd: (end: () => void) => () => void
}

/**
 * New and changed rows, each in its newest state, in the order of their commits. Only keys are remembered between two steps, so a slow reader
 * costs no memory for contents, and a row that changes twice meanwhile comes once.
 */
export async function* watchMessages({ storage, conversation, self, signal, onEnd }: WatchInput): AsyncGenerator<Message, void, undefined> {
  const prefix = prefixOf.messages(conversation)
  const touched = new Set<string>()
  const wake = new Signal()
  const ended = new AbortController()
  const end = (): void => ended.abort()
  const forget = onEnd(end)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  let unknown = false
  const unwatch = storage.watch(prefix, (keys) => {
    unknown ||= keys.length === 0
    for (const key of keys) touched.add(key)
    wake.wake()
  })
  try {
    const [newest] = await storage.list(prefix, { limit: UNKNOWN_ROWS, reverse: true }).then((entries) => [...entries].sort((a, b) => b.version - a.version))
    let last = newest?.version ?? 0
    while (!ended.signal.aborted) {
      const keys = [...touched]
      touched.clear()
      const found = unknown ? await storage.list(prefix, { limit: UNKNOWN_ROWS, reverse: true }) : await storage.getMany(keys)
      unknown = false
      const fresh = found.filter((entry) => entry !== undefined).filter(({ version }) => version > last)
      fresh.sort((a, b) => a.version - b.version || (a.key < b.key ? -1 : 1))
      const account = await self()
      for (const entry of fresh) {
        if (ended.signal.aborted) return
        yield presentMessage(decodeMessage(entry.value), account)
      }
      last = fresh.at(-1)?.version ?? last
      if (touched.size === 0 && !unknown) await wake.wait(ended.signal)
    }
  } finally {
    unwatch()
    forget()
    signal.removeEventListener('abort', end)
  }
}
