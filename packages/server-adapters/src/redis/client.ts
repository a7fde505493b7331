import { SecureChatError } from '@securechat/protocol'

/** What the adapters use of `ioredis` (5.4 or 6): a `Redis` fits. Structural, so that this package needs neither ioredis nor its types. */
export interface RedisClient {
  /** `ready` where commands are answered at once. */
  readonly status: string
  call(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>
  /** A further connection with the same settings. */
  duplicate(override?: RedisOverride): RedisSubscriber
  on(event: 'ready', listener: () => void): unknown
  off(event: 'ready', listener: () => void): unknown
}

export interface RedisOverride {
  readonly autoResubscribe?: boolean
  readonly maxRetriesPerRequest?: null
}

export interface RedisSubscriber {
  subscribe(channel: string): Promise<unknown>
  on(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown
  on(event: 'ready', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  disconnect(): void
}

const unavailable = (): SecureChatError => new SecureChatError('server/unavailable', { detail: 'redis' })

/** A command that fails at once where Redis is not there, and after `timeoutMs` where it does not answer; ioredis alone would queue it and wait. */
export function askRedis(client: RedisClient, timeoutMs: number, ...command: [string, ...(string | Buffer | number)[]]): Promise<unknown> {
  if (client.status !== 'ready') return Promise.reject(unavailable())
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unavailable()), timeoutMs)
    client.call(...command).then(
      (answer) => {
        clearTimeout(timer)
        resolve(answer)
      },
      (error: unknown) => {
        clearTimeout(timer)
        // The server's own text may quote keys; which kind of error it is stands in front.
        reject(isNoScript(error) ? error : unavailable())
      },
    )
  })
}

export const isNoScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT')
