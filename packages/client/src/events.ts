import { isSecureChatError, type Logger } from '@securechat/protocol'
import { EventEmitter } from 'eventemitter3'
import type { ClientEvents } from './types.js'

export interface Events {
  on<Name extends keyof ClientEvents>(event: Name, listener: ClientEvents[Name]): () => void
  /** Never throws: a listener's failure is its own and is logged. */
  emit<Name extends keyof ClientEvents>(event: Name, ...values: Parameters<ClientEvents[Name]>): void
}

export function createEvents(
  logger: Logger,
  onEmit?: (event: keyof ClientEvents, values: readonly unknown[]) => void,
): Events & { hear(event: string, values: readonly unknown[]): void } {
  const emitter = new EventEmitter()
  const failed = (event: string, error: unknown): void =>
    logger.error('client.listener-failed', { event, code: isSecureChatError(error) ? error.code : 'unknown' })
  return {
    on(event, listener) {
      // An own function each time: the same listener twice is two subscriptions, each with its own end.
      const entry = (...values: unknown[]): void => {
        try {
          const result: unknown = (listener as (...values: unknown[]) => unknown)(...values)
          // An async listener's rejection must not become the process' unhandled one.
          if (result instanceof Promise) result.catch((error: unknown) => failed(event, error))
        } catch (error) {
          failed(event, error)
        }
      }
      emitter.on(event, entry)
      return () => void emitter.off(event, entry)
    },
    emit(event, ...values) {
      emitter.emit(event, ...values)
      onEmit?.(event, values)
    },
    hear: (event, values) => void emitter.emit(event, ...values),
  }
}
