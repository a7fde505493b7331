import { useSyncExternalStore } from 'react'

export type Pane = 'chats' | 'archived' | 'requests' | 'settings' | 'devices' | 'lock' | 'backup'

/** What is shown: the left pane and, if any, the open conversation. It lives in the fragment, which no server ever sees. */
export interface Route {
  readonly pane: Pane
  readonly chat: string | undefined
}

const PANES: readonly Pane[] = ['chats', 'archived', 'requests', 'settings', 'devices', 'lock', 'backup']
const CHAT_ID = /^[\w-]{1,64}$/

export function parseRoute(hash: string): Route {
  const [, pane, chat] = hash.replace(/^#/, '').split('/')
  return { pane: PANES.find((known) => known === pane) ?? 'chats', chat: chat !== undefined && CHAT_ID.test(chat) ? chat : undefined }
}

export const formatRoute = ({ pane, chat }: Route): string => (chat === undefined ? (pane === 'chats' ? '#/' : `#/${pane}`) : `#/${pane}/${chat}`)

const subscribe = (onChange: () => void): (() => void) => {
  addEventListener('popstate', onChange)
  addEventListener('hashchange', onChange)
  return () => {
    removeEventListener('popstate', onChange)
    removeEventListener('hashchange', onChange)
  }
}

export const useRoute = (): Route => parseRoute(useSyncExternalStore(subscribe, () => location.hash))

const tell = (): void => {
  dispatchEvent(new PopStateEvent('popstate'))
}

const current = (): Route => parseRoute(location.hash)

/** Goes deeper: the browser's back leads here again. From one chat to the next of the same pane it does not pile up. */
export function open(route: Route): void {
  const target = formatRoute(route)
  const { pane, chat } = current()
  const from = formatRoute({ pane, chat })
  if (target === from) return
  const sideways = route.chat !== undefined && chat !== undefined && route.pane === pane
  if (sideways) history.replaceState(history.state, '', target)
  else history.pushState({ from }, '', target)
  tell()
}

/** Goes up: the browser's own back if that leads there, so that the history does not grow. */
export function leave(route: Route): void {
  const target = formatRoute(route)
  if ((history.state as { from?: string } | null)?.from === target) return history.back()
  history.replaceState(null, '', target)
  tell()
}

export function replace(route: Route): void {
  history.replaceState(history.state, '', formatRoute(route))
  tell()
}
