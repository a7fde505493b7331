import { equalPublicBytes, ID_BYTES, type Logger, type Random, silentLogger, systemRandom } from '@securechat/protocol'
import { type Bus, type BusMessage, inProcessBus } from '@securechat/server'
import { decodeBatch, encodeBatch } from './bus-codec.js'
import type { RedisClient } from './client.js'

/** Messages of one publish. */
const MAX_BATCH = 1_000
/** Publishes that wait for an answer; beyond it they are dropped, which costs latency alone. */
const MAX_UNANSWERED = 200

export interface RedisBusOptions {
  /** An ioredis client of your own; the bus makes one further connection from it, to listen, and ends that. */
  readonly client: RedisClient
  /** Servers that share a Redis need different ones. Default: `securechat:bus`. */
  readonly channel?: string
  /** Default: silent. */
  readonly logger?: Logger
  readonly random?: Random
}

export interface RedisBus extends Bus {
  /** Resolves when this node hears the others for the first time; does not reject, it waits for Redis. */
  ready(): Promise<void>
  /** Stops listening. Again: no effect. */
  close(): Promise<void>
}

/**
 * The bus of several nodes, over publish and subscribe of Redis 7 or Valkey. What is published in one turn of the event loop leaves as one message. The
 * node's own listeners hear it at once and without Redis, so one node works as without it; while Redis is away the other nodes are not woken, and
 * when it is back every node looks at everything again (`missed`).
 */
export function redisBus({ client, channel = 'securechat:bus', logger = silentLogger, random = systemRandom }: RedisBusOptions): RedisBus {
  const node = Buffer.from(random(ID_BYTES))
  const local = inProcessBus({ logger })
  let batch: BusMessage[] = []
  let planned: NodeJS.Immediate | undefined
  let unanswered = 0
  /** Others were not told something; they are told that as soon as they can be. */
  let dropped = false
  let closed = false
  let heard = false
  let onReady = (): void => {}
  const ready = new Promise<void>((done) => {
    onReady = done
  })

  const flush = (): void => {
    clearImmediate(planned)
    planned = undefined
    const messages = batch
    batch = []
    if (messages.length === 0) return
    if (client.status !== 'ready' || unanswered >= MAX_UNANSWERED) {
      dropped = true
      return
    }
    unanswered++
    client
      .call('PUBLISH', channel, encodeBatch(node, messages))
      .catch(() => {
        dropped = true
        logger.warn('bus-publish-failed', { messages: messages.length })
      })
      .finally(() => {
        unanswered--
        tellDropped()
      })
  }
  const tellDropped = (): void => {
    if (!dropped || closed || client.status !== 'ready' || unanswered >= MAX_UNANSWERED) return
    dropped = false
    batch.unshift({ type: 'missed' })
    flush()
  }
  const receive = (bytes: Buffer): void => {
    const received = decodeBatch(bytes)
    if (!received) {
      logger.warn('bus-message-refused')
      return
    }
    if (equalPublicBytes(received.node, node)) return
    for (const message of received.messages) local.publish(message)
  }

  client.on('ready', tellDropped)
  // Subscribed anew by hand: only then is it known from when on nothing is missed.
  const subscriber = client.duplicate({ autoResubscribe: false, maxRetriesPerRequest: null })
  subscriber.on('error', () => logger.warn('bus-connection-lost'))
  subscriber.on('messageBuffer', (_, bytes) => {
    if (!closed) receive(bytes)
  })
  subscriber.on('ready', () => {
    subscriber.subscribe(channel).then(
      () => {
        if (heard) local.publish({ type: 'missed' })
        heard = true
        onReady()
      },
      () => logger.warn('bus-subscribe-failed'),
    )
  })

  return {
    publish(message) {
      local.publish(message)
      if (closed) return
      batch.push(message)
      if (batch.length >= MAX_BATCH) flush()
      else planned ??= setImmediate(flush)
    },
    subscribe: (listener) => local.subscribe(listener),
    ready: () => ready,
    async close() {
      if (closed) return
      flush()
      closed = true
      client.off('ready', tellDropped)
      subscriber.disconnect()
    },
  }
}
