import type { ConversationSnapshot } from '@securechat/client'
import { useConversationActions } from '@securechat/react'
import { useEffect, useMemo, useRef } from 'react'
import { errorText } from '../format/error-text.js'
import { useToast } from '../shell/toast.js'

const SAVE_AFTER_MS = 500

/** Keeps what is being written: after a pause, when the chat is left, and when the page goes away. */
export function useDraft(chat: ConversationSnapshot): { readonly change: (text: string) => void; readonly current: () => string } {
  const { update } = useConversationActions(chat.id)
  const toast = useToast()
  const state = useRef<{ text: string; saved: string; timer: ReturnType<typeof setTimeout> | undefined }>({
    text: chat.draft,
    saved: chat.draft,
    timer: undefined,
  })
  const draft = useMemo(() => {
    const save = (): void => {
      const { text, saved, timer } = state.current
      clearTimeout(timer)
      if (text === saved) return
      state.current.saved = text
      update({ draft: text }).catch((error: unknown) => toast(`The draft was not saved. ${errorText(error)}`))
    }
    return {
      save,
      current: () => state.current.text,
      change(text: string): void {
        clearTimeout(state.current.timer)
        state.current.text = text
        // An empty one is saved at once: after sending, no draft may stay.
        if (text === '') save()
        else state.current.timer = setTimeout(save, SAVE_AFTER_MS)
      },
    }
  }, [update, toast])
  useEffect(() => {
    addEventListener('pagehide', draft.save)
    return () => {
      removeEventListener('pagehide', draft.save)
      draft.save()
    }
  }, [draft])
  return draft
}
