import { type MouseEvent, type PointerEvent, useEffect, useRef } from 'react'

const PRESS_MS = 450
const MOVED_PX = 10

/** A right click, or a finger that stays: not every browser makes the second into the first. */
export function useLongPress(onPress: () => void, enabled: boolean) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const start = useRef({ x: 0, y: 0 })
  const cancel = (): void => clearTimeout(timer.current)
  useEffect(() => () => clearTimeout(timer.current), [])
  if (!enabled) return {}
  return {
    onContextMenu: (event: MouseEvent) => {
      // A link keeps the browser's own menu, and so does a selection.
      if ((event.target as Element).closest('a') || getSelection()?.isCollapsed === false) return
      event.preventDefault()
      cancel()
      onPress()
    },
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== 'touch') return
      start.current = { x: event.clientX, y: event.clientY }
      timer.current = setTimeout(onPress, PRESS_MS)
    },
    onPointerMove: (event: PointerEvent) => {
      if (Math.hypot(event.clientX - start.current.x, event.clientY - start.current.y) > MOVED_PX) cancel()
    },
    onPointerUp: cancel,
    onPointerCancel: cancel,
  }
}
