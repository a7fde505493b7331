import type { Logger } from '@securechat/protocol'
import { destination, pino } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines. Callers pass only counts, durations, codes and ids of nothing personal (the port's rule). */
export function jsonLogger(options: { readonly level: LogLevel; readonly stream: 1 | 2 }): Logger {
  const log = pino({ level: options.level, base: null }, destination({ fd: options.stream, sync: true }))
  return {
    debug: (event, fields) => log.debug(fields ?? {}, event),
    info: (event, fields) => log.info(fields ?? {}, event),
    warn: (event, fields) => log.warn(fields ?? {}, event),
    error: (event, fields) => log.error(fields ?? {}, event),
  }
}
