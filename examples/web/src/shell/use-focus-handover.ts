import { useEffect, useRef } from 'react'
import type { Route } from './route.js'

const ROWS_MS = 120

/** The control that was pressed often goes away with its screen: then the focus goes where the person went, and back to the row they came from. */
export function useFocusHandover({ pane, chat }: Route): void {
  const before = useRef({ pane, chat })
  useEffect(() => {
    const last = before.current
    before.current = { pane, chat }
    if (last.pane === pane && last.chat === chat) return
    if (document.activeElement !== null && document.activeElement !== document.body) return
    const screen = document.querySelector<HTMLElement>(chat !== undefined && last.chat !== chat ? '[data-screen=conversation]' : '[data-screen=pane]')
    screen?.focus({ preventScroll: true })
    if (chat !== undefined || last.chat === undefined) return
    // The rows of a virtual list are there a moment after the list.
    const timer = setTimeout(() => {
      if (document.activeElement === screen) screen?.querySelector<HTMLElement>(`[data-chat="${last.chat}"]`)?.focus({ preventScroll: true })
    }, ROWS_MS)
    return () => clearTimeout(timer)
  }, [pane, chat])
}
