import type { NetworkHints } from '../port.js'

interface EventHost {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

const isEventHost = (host: unknown): host is EventHost => typeof (host as Partial<EventHost>).addEventListener === 'function'

/** The `online` and `offline` events of a browser window or worker. Where there are none (Node), it never calls. */
export const browserNetworkHints: NetworkHints = (listener) => {
  const host: unknown = globalThis
  if (!isEventHost(host)) return () => {}
  const online = (): void => listener(true)
  const offline = (): void => listener(false)
  host.addEventListener('online', online)
  host.addEventListener('offline', offline)
  return () => {
    host.removeEventListener('online', online)
    host.removeEventListener('offline', offline)
  }
}
