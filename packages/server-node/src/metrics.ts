import { createServer, type Server as HttpServer } from 'node:http'
import { SecureChatError } from '@securechat/protocol'
import type { Metrics, Server } from '@securechat/server'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds. A send on one node takes a few milliseconds; a sender of codes may take ten seconds. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface PrometheusMetrics {
  /** For `createServer`. */
  readonly metrics: Metrics
  /** Also tells how many sockets this server has. */
  watch(server: Pick<Server, 'stats'>): void
  /** Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

/** Counters of one process, with those of Node itself (memory, event loop, garbage collection). Labels are operations, codes and classes of limits: never an id, a number or an address. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const calls = new Counter({ name: 'securechat_calls_total', help: 'Calls that were answered', labelNames: ['operation', 'code'], registers })
  const seconds = new Histogram({ name: 'securechat_call_seconds', help: 'Time of calls', labelNames: ['operation'], buckets: BUCKETS, registers })
  const rows = new Counter({ name: 'securechat_rows_total', help: 'Rows stored in mailboxes, and delivered to sockets', labelNames: ['way'], registers })
  const limited = new Counter({ name: 'securechat_rate_limited_total', help: 'Calls refused by a limit', labelNames: ['limit'], registers })
  const codes = new Counter({ name: 'securechat_codes_total', help: 'One-time codes given to their sender', labelNames: ['result'], registers })
  return {
    metrics: {
      call(operation, outcome) {
        calls.inc({ operation, code: outcome.code })
        seconds.observe({ operation }, outcome.seconds)
      },
      rows: (way, count) => rows.inc({ way }, count),
      limited: (limit) => limited.inc({ limit }),
      code: (result) => codes.inc({ result }),
    },
    watch(server) {
      new Gauge({
        name: 'securechat_connections',
        help: 'Open sockets',
        registers,
        collect() {
          this.set(server.stats().connections)
        },
      })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

/** A port of its own, since the numbers are the operator's and not the world's. Rejects `server/unavailable` where it is taken. */
export async function serveMetrics(
  { text, contentType }: Pick<PrometheusMetrics, 'text' | 'contentType'>,
  at: { port: number; host: string },
): Promise<MetricsServer> {
  const http = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    text().then(
      (body) => response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body),
      () => response.writeHead(500).end(),
    )
  })
  await listen(http, at)
  return {
    port: (http.address() as { port: number }).port,
    close: () =>
      new Promise((done) => {
        http.close(() => done())
        http.closeAllConnections()
      }),
  }
}

const listen = (http: HttpServer, { port, host }: { port: number; host: string }): Promise<void> =>
  new Promise((done, fail) => {
    http.once('error', (cause) => fail(new SecureChatError('server/unavailable', { detail: 'the port of the metrics is taken', cause })))
    http.listen(port, host, () => done())
  })
