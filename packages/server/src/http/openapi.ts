import { ERRORS, FRAME_KINDS, jsonSchemaOf, LIMITS, OPERATIONS, type Operation } from '@securechat/protocol'
import * as z from 'zod/mini'
import { MSGPACK } from './answers.js'

const SECURITY: Readonly<Record<Operation['auth'], readonly Record<string, readonly string[]>[]>> = {
  none: [],
  registration: [{ registration: [] }],
  device: [{ device: [], proof: [] }],
}

/** Bytes and ids are custom to zod; the table's own descriptions of them stand in. */
function jsonSchema(schema: z.ZodMiniType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...document } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: target }) => {
      Object.assign(target, jsonSchemaOf.get(zodSchema as unknown as z.ZodMiniType)?.jsonSchema)
    },
  })
  return document
}

const content = (schema: Record<string, unknown>) => ({ 'application/json': { schema }, [MSGPACK]: { schema } })

function path(name: string, { auth, limit, summary, input, output }: Operation) {
  return {
    post: {
      operationId: name,
      tags: [name.split('.')[0]],
      summary,
      'x-limit-class': limit,
      security: SECURITY[auth],
      requestBody: { required: false, content: content(jsonSchema(input, 'input')) },
      responses: { 200: { description: 'Done.', content: content(jsonSchema(output, 'output')) }, default: { $ref: '#/components/responses/error' } },
    },
  }
}

const plain = (summary: string, codes: readonly number[] = [200]) => ({
  get: {
    summary,
    security: [],
    responses: Object.fromEntries(
      codes.map((code) => [
        code,
        { description: code === 200 ? 'Yes.' : 'Not ready; `problems` says why.', content: { 'application/json': { schema: { type: 'object' } } } },
      ]),
    ),
  },
})

const SOCKET = `The same operations over a WebSocket at \`/v1/socket\`: one binary message is one frame, u8 version ‖ u8 kind ‖ u32 id ‖ body.
The server opens with a challenge; hello signs it. Kinds: ${Object.entries(FRAME_KINDS)
  .map(([name, kind]) => `${name} 0x${kind.toString(16).padStart(2, '0')}`)
  .join(', ')}.
request is msgpack [name, input, registrationToken?]; send, sent, deliver and acknowledge have fixed binary layouts (docs/protocol/06-transport.md).`

/** OpenAPI 3.1 of the operations table: whatever is in the table is in the document, nothing besides. */
export function openApiDocument(version: string): Record<string, unknown> {
  const codes = Object.entries(ERRORS).map(([code, { status, retry, text }]) => ({ code, status, retry, text }))
  return {
    openapi: '3.1.0',
    info: {
      title: 'SecureChat relay',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: `Bodies are JSON, with bytes as base64url, or msgpack. At most ${LIMITS.frameBytes} bytes.\n\n${SOCKET}`,
    },
    servers: [{ url: '/' }],
    paths: {
      ...Object.fromEntries(Object.entries(OPERATIONS).map(([name, operation]) => [`/v1/${name}`, path(name, operation as Operation)])),
      '/v1/capabilities': plain('Protocol versions, features, limits and the time of this server.'),
      '/livez': plain('Whether the process runs.'),
      '/readyz': plain('Whether it can serve.', [200, 503]),
      '/version': plain('Name and version of the server.'),
    },
    components: {
      securitySchemes: {
        device: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`SecureChat <access token>`, together with SC-Proof.' },
        proof: {
          type: 'apiKey',
          in: 'header',
          name: 'SC-Proof',
          description:
            'base64url(u64 time ‖ nonce 16 ‖ signature 64): device key over T("SC1/auth/request", operation, BLAKE2b-256(body), BLAKE2b-256(token), u64 time, nonce). Each nonce once.',
        },
        registration: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: '`SecureChat-Registration <registration token>` from auth.confirmCode.',
        },
      },
      schemas: {
        error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message', 'retry'],
              properties: {
                code: { type: 'string', enum: codes.map(({ code }) => code) },
                message: { type: 'string' },
                retry: { type: 'string', enum: ['never', 'now', 'later', 'after-login', 'after-refresh'] },
                retryAfterSeconds: { type: 'number' },
                detail: { type: 'string' },
              },
            },
          },
        },
      },
      responses: {
        error: {
          description: [
            'A typed error. Codes:',
            '',
            '| code | status | retry | |',
            '|---|---|---|---|',
            ...codes.map(({ code, status, retry, text }) => `| ${code} | ${status} | ${retry} | ${text} |`),
          ].join('\n'),
          content: content({ $ref: '#/components/schemas/error' }),
        },
      },
    },
    'x-error-codes': codes,
  }
}
