import { decodeValue, isOperationName, maxInputBytes, OPERATIONS, type OperationName, SecureChatError } from '@securechat/protocol'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { addressKey, type Caller } from '../caller.js'
import type { ServerConfig } from '../config.js'
import type { ConnectionInfo } from '../ports/socket.js'
import type { ServerStore } from '../ports/store.js'
import type { Runtime, SocketEnvironment } from '../runtime.js'
import { answer, errorAnswer, type Format, MSGPACK } from './answers.js'
import { readBody } from './body.js'
import { fromJson, parseJson } from './json.js'
import { openApiDocument } from './openapi.js'
import { claimedDevice, requireRegistration } from './request-auth.js'

export interface HttpDeps {
  readonly environment: SocketEnvironment
  readonly config: ServerConfig
  readonly store: ServerStore
  readonly ready: () => Promise<Runtime>
  readonly draining: () => boolean
}

const FORMATS = new Map<string, Format>([
  [MSGPACK, 'msgpack'],
  ['application/json', 'json'],
])

/** No content type and no body is an empty input. */
function formatOf(request: Request): Format {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type === undefined || type === '') return 'json'
  const format = FORMATS.get(type)
  if (!format) throw new SecureChatError('protocol/malformed', { detail: 'content type' })
  return format
}

function decodeInput(name: OperationName, body: Uint8Array, format: Format): unknown {
  if (body.length === 0) return {}
  return format === 'json' ? fromJson(OPERATIONS[name].input, parseJson(body)) : decodeValue(body)
}

/** The HTTP side of the operations table, and what operators and tools ask for. */
export function createHttp({ environment, config, store, ready, draining }: HttpDeps): (request: Request, info?: ConnectionInfo) => Promise<Response> {
  const { logger, inFlight, clock } = environment
  let openApi: unknown

  const call = async (name: OperationName, request: Request, { address, format }: { readonly address: string; readonly format: Format }): Promise<Response> => {
    const { auth } = OPERATIONS[name]
    const { headers } = request
    const maxBytes = maxInputBytes(name)
    const runtime = await ready()
    const { dispatcher } = runtime
    // All that can be known without the body comes before it: memory is for those who are known.
    if (auth !== 'none') await dispatcher.charge('connect', { address })
    const claimed = auth === 'device' ? await claimedDevice(runtime, headers) : undefined
    const registrationToken = auth === 'registration' ? await requireRegistration(runtime, headers) : undefined
    // Base64url makes three bytes four characters.
    const body = await readBody(request, format === 'json' ? Math.ceil((maxBytes * 4) / 3) : maxBytes)
    // A page of another origin can post bytes without a type and without asking the browser's leave.
    if (body.length > 0 && !headers.get('content-type')) throw new SecureChatError('protocol/malformed', { detail: 'content type' })
    const device = await claimed?.prove({ operation: name, body })
    const caller: Caller = { address, ...(device && { device }), ...(registrationToken !== undefined && { registrationToken }) }
    return answer(format, await dispatcher.call(name, decodeInput(name, body, format), caller))
  }

  const app = new Hono<{ Bindings: { info: ConnectionInfo | undefined } }>()
  app.use(
    '/v1/*',
    cors({
      origin: [...config.corsOrigins],
      allowMethods: ['GET', 'POST'],
      allowHeaders: ['authorization', 'content-type', 'sc-proof'],
      exposeHeaders: ['retry-after'],
      maxAge: 600,
    }),
  )
  app.get('/livez', () => answer('json', { status: 'live' }))
  app.get('/readyz', async () => {
    const problems: string[] = []
    if (draining()) problems.push('draining')
    else await ready().catch(() => problems.push('start'))
    await store.check().catch(() => problems.push('store'))
    return answer('json', problems.length === 0 ? { status: 'ready' } : { status: 'not ready', problems }, { status: problems.length === 0 ? 200 : 503 })
  })
  app.get('/version', () => answer('json', { name: 'securechat-server', version: config.version }))
  app.get('/openapi.json', () => {
    openApi ??= openApiDocument(config.version)
    return answer('json', openApi, { headers: { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' } })
  })
  app.get('/v1/capabilities', async () => answer('json', { time: clock.now(), capabilities: (await ready()).capabilities }))
  app.post('/v1/:name', async (context) => {
    const request = context.req.raw
    const format = formatOf(request)
    try {
      const name = context.req.param('name')
      if (!isOperationName(name)) throw new SecureChatError('protocol/unknown-operation')
      return await call(name, request, { address: addressKey(context.env.info?.remoteAddress), format })
    } catch (error) {
      return errorAnswer(format, error, logger)
    }
  })
  app.notFound(() => errorAnswer('json', new SecureChatError('protocol/unknown-operation'), logger))
  app.onError((error) => errorAnswer('json', error, logger))

  return async (request, info) => {
    const { pathname } = new URL(request.url)
    if (draining() && pathname.startsWith('/v1/')) return errorAnswer('json', new SecureChatError('server/draining'), logger)
    inFlight.begin()
    try {
      return await app.fetch(request, { info })
    } finally {
      inFlight.end()
    }
  }
}
