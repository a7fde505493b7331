import { type Logger, silentLogger } from '@securechat/protocol'
import type { Bus, BusMessage } from './ports/bus.js'

/** The bus of a server that is one process: calls its listeners at once. */
export function inProcessBus({ logger = silentLogger }: { readonly logger?: Logger } = {}): Bus {
  const listeners = new Set<(message: BusMessage) => void>()
  return {
    publish(message) {
      for (const listener of listeners) {
        try {
          listener(message)
        } catch {
          logger.error('bus-listener-failed', { type: message.type })
        }
      }
    },
    subscribe(listener) {
      const own = (message: BusMessage): void => listener(message)
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
