import {
  type Capabilities,
  type Clock,
  LIMITS,
  type Logger,
  PROTOCOL_VERSIONS,
  type Random,
  SecureChatError,
  silentLogger,
  systemClock,
  systemRandom,
  toBase64Url,
} from '@securechat/protocol'
import type { ServerSecrets } from './auth/secrets.js'
import { addressKey } from './caller.js'
import { completeConfig, type ServerConfigInput } from './config.js'
import { createHttp } from './http/app.js'
import { InFlight } from './in-flight.js'
import { inProcessBus } from './in-process-bus.js'
import { tokenBucketLimiter } from './limits/token-bucket.js'
import type { Bus } from './ports/bus.js'
import type { Metrics } from './ports/metrics.js'
import type { SharedNonces } from './ports/nonces.js'
import type { OtpSender } from './ports/otp.js'
import type { RateLimiter } from './ports/rate-limiter.js'
import { CLOSE_CODES, type ConnectionInfo, type ServerSocket, type ServerSocketHandlers } from './ports/socket.js'
import type { ServerStore } from './ports/store.js'
import type { Verifier } from './ports/verifier.js'
import { createRuntime, type Runtime, type SocketEnvironment } from './runtime.js'
import { signatureVerifier } from './signature-verifier.js'
import { Connection } from './socket/connection.js'
import { SocketRegistry } from './socket/registry.js'
import { Slab } from './socket/slab.js'
import { startSweeper } from './sweeper.js'

export interface ServerOptions {
  readonly store: ServerStore
  readonly otp: OtpSender
  /** Default: within this process. */
  readonly bus?: Bus
  readonly clock?: Clock
  readonly random?: Random
  /** Default: silent. */
  readonly logger?: Logger
  readonly config?: ServerConfigInput
  /**
   * Default: made at the first start and kept in the store. Then whoever steals the database has the key of its phone hashes
   * too; a production server passes its own.
   */
  readonly secrets?: ServerSecrets
  /** Default: libsodium, loaded at the start. */
  readonly verifier?: Verifier
  /** Default: token buckets in this process. */
  readonly rateLimiter?: RateLimiter
  /** For several nodes. Default: each process remembers its own. */
  readonly nonces?: SharedNonces
  /** Default: nothing is counted. */
  readonly metrics?: Metrics
  /** Added to what this server says of itself. */
  readonly capabilities?: { readonly features?: readonly string[] }
}

export interface Server {
  /** Any HTTP request of the API. Never rejects. */
  fetch(request: Request, info?: ConnectionInfo): Promise<Response>
  /** A new socket; the host passes what happens on it to the returned handlers. Never throws. */
  connect(socket: ServerSocket, info?: ConnectionInfo): ServerSocketHandlers
  /** Loads keys and begins to delete what has expired. The first request or socket does it too; here its failure is seen. */
  start(): Promise<void>
  /**
   * Takes nothing new, tells the sockets ('draining'), waits for calls in progress (`drainMilliseconds`), closes the sockets. The store is
   * its owner's to close, afterwards. Again: the same promise.
   */
  close(): Promise<void>
  /** Open sockets and calls in progress. */
  stats(): { readonly connections: number; readonly draining: boolean }
}

const FEATURES = ['mailbox', 'profiles', 'lookup', 'backups', 'http'] as const
/** Limits that a client can use; the rest is of no use to it. */
const TOLD_LIMITS = [
  'frameBytes',
  'envelopeBytes',
  'recipientsPerSend',
  'deliveryBatch',
  'deliveryWindow',
  'preKeysPerUpload',
  'oneTimePreKeys',
  'profileBytes',
  'manifestBytes',
  'archiveBytes',
  'archiveSegments',
  'heartbeatSeconds',
] as const

function capabilitiesOf(features: readonly string[], mailboxDays: number): Capabilities {
  const limits = Object.fromEntries(TOLD_LIMITS.map((name) => [name, LIMITS[name]]))
  return { versions: [...PROTOCOL_VERSIONS], features: [...FEATURES, ...features], limits: { ...limits, mailboxDays } }
}

/** The relay as a kit: HTTP as `Request → Response`, sockets as plain objects, everything else injected. No import has an effect, no call needs a network. */
export function createServer(options: ServerOptions): Server {
  const { store, otp, clock = systemClock, random = systemRandom, logger = silentLogger, secrets, verifier } = options
  const config = completeConfig(options.config)
  const bus = options.bus ?? inProcessBus({ logger })
  const limiter = options.rateLimiter ?? tokenBucketLimiter({ clock })
  const capabilities = capabilitiesOf(options.capabilities?.features ?? [], config.mailboxDays)
  const registry = new SocketRegistry()
  const { metrics } = options
  const environment: SocketEnvironment = { clock, logger, bus, registry, inFlight: new InFlight(), slab: new Slab(), ...(metrics && { metrics }) }
  const unsubscribe = bus.subscribe(registry.onBus)
  let runtime: Promise<Runtime> | undefined
  let closing: Promise<void> | undefined
  const cancels = new Set<() => void>()

  const ready = (): Promise<Runtime> => {
    runtime ??= begin().catch((error: unknown) => {
      // The next caller tries again: the store may be back by then.
      runtime = undefined
      throw error
    })
    return runtime
  }
  const begin = async (): Promise<Runtime> => {
    const started = await createRuntime({
      ...environment,
      store,
      otp,
      limiter,
      sharedNonces: options.nonces,
      random,
      config,
      capabilities,
      secrets,
      verifier: verifier ? async () => verifier : signatureVerifier,
    })
    if (!closing) {
      cancels.add(startSweeper({ store, clock, logger, intervalSeconds: config.sweepSeconds, mailboxDays: config.mailboxDays }))
      watchSilence()
    }
    return started
  }
  const watchSilence = (): void => {
    const cancel = clock.after(LIMITS.heartbeatSeconds * 1000, () => {
      cancels.delete(cancel)
      for (const connection of [...registry.all]) connection.checkSilence()
      if (!closing) watchSilence()
    })
    cancels.add(cancel)
  }
  const http = createHttp({ environment, config, ready, store, draining: () => closing !== undefined })

  const refuse = (socket: ServerSocket, code: number, reason: string): ServerSocketHandlers => {
    socket.close(code, reason)
    return { onMessage() {}, onClose() {} }
  }

  const drain = async (): Promise<void> => {
    environment.inFlight.stopping = true
    for (const cancel of cancels) cancel()
    registry.notifyAll({ type: 'draining' })
    await new Promise<void>((done) => {
      const cancel = clock.after(config.drainMilliseconds, done)
      void environment.inFlight.idle().then(() => {
        cancel()
        done()
      })
    })
    for (const connection of [...registry.all]) connection.close(CLOSE_CODES.draining, 'draining')
    unsubscribe()
  }

  return {
    fetch: (request, info) => http(request, info),
    connect(socket, info) {
      if (closing) return refuse(socket, CLOSE_CODES.draining, 'draining')
      const address = addressKey(info?.remoteAddress)
      const wait = limiter.take(`connect:${address}`, config.limits.connect)
      // Whoever opens sockets and never signs in must not keep out the devices that do: at the limit his oldest makes room.
      const full = registry.all.size >= config.maxConnections
      if ((typeof wait === 'number' && wait > 0) || (full && !registry.evictAnonymous())) return refuse(socket, CLOSE_CODES.unavailable, 'too many connections')
      const connection = new Connection(toBase64Url(random(16)), socket, { ...environment, challenge: random(32), address })
      registry.add(connection)
      if (typeof wait !== 'number') {
        wait.then(
          (seconds) => seconds > 0 && connection.close(CLOSE_CODES.unavailable, 'too many connections'),
          () => logger.warn('rate-limiter-failed'),
        )
      }
      ready().then(
        (started) => connection.open(started),
        (error: unknown) => {
          logger.error('start-failed', { code: error instanceof SecureChatError ? error.code : 'server/internal' })
          connection.unavailable()
        },
      )
      return connection
    },
    async start() {
      await ready()
    },
    close() {
      closing ??= drain()
      return closing
    },
    stats: () => ({ connections: registry.all.size, draining: closing !== undefined }),
  }
}
