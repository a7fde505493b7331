import type { Conversation } from '@securechat/client'
import { useConversationActions } from '@securechat/react'
import { useEffect, useMemo, useRef } from 'react'

/** The other side's indicator expires by itself; within this time it is told again. */
const REPEAT_MS = 3_000
const IDLE_MS = 5_000

/** Tells the other side that somebody types, at most every three seconds, and when it stops. */
export function useTypingSignal(id: Conversation['id']): { readonly typed: (active: boolean) => void } {
  const { setTyping } = useConversationActions(id)
  const state = useRef<{ toldAt: number; idle: ReturnType<typeof setTimeout> | undefined }>({ toldAt: 0, idle: undefined })
  const signal = useMemo(() => {
    // Best effort: whoever is offline is not told, and need not be told that.
    const tell = (active: boolean): void => void setTyping(active).catch(() => undefined)
    const typed = (active: boolean): void => {
      clearTimeout(state.current.idle)
      if (!active) {
        if (state.current.toldAt > 0) tell(false)
        state.current.toldAt = 0
        return
      }
      state.current.idle = setTimeout(() => typed(false), IDLE_MS)
      const now = Date.now()
      if (now - state.current.toldAt < REPEAT_MS) return
      state.current.toldAt = now
      tell(true)
    }
    return { typed }
  }, [setTyping])
  useEffect(() => () => signal.typed(false), [signal])
  return signal
}
