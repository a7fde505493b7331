import { useEffect, useRef } from 'react'
import type { Route } from './route.js'

/** The control that was pressed often goes away with its screen: then the focus goes where the person went, and back to the row they came from. */
export function useFocusHandover({ pane, chat }: Route): void {
  const before = useRef({ pane, chat })
  useEffect(() => {
    const last = before.current
    before.current = { pane, chat }
    if (last.pane === pane && last.chat === chat) return
    if (document.activeElement !== null && document.activeElement !== document.body) return
    const row = chat === undefined && last.chat !== undefined ? document.querySelector<HTMLElement>(`[data-chat="${last.chat}"]`) : null
    const screen = chat !== undefined && last.chat !== chat ? '[data-screen=conversation]' : '[data-screen=pane]'
    const target = row ?? document.querySelector<HTMLElement>(screen)
    target?.focus({ preventScroll: true })
  }, [pane, chat])
}
