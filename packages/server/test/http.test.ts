import { decodeValue, ERRORS, isErrorCode, LIMITS, OPERATIONS, SecureChatError, toBase64Url } from '@securechat/protocol'
import { memoryStore, webhookOtp } from '@securechat/server'
import { harness, newId, operationNames, sendTo } from '@securechat/server-testing'
import { describe, expect, test } from 'vitest'

const PHONE = '+14155550100'

describe('http: operators and tools', () => {
  test('livez, readyz, version, capabilities', async () => {
    const net = harness({ config: { version: '1.2.3' } })
    const get = async (path: string) => {
      const response = await net.server.fetch(new Request(`http://host${path}`))
      return { status: response.status, body: (await response.json()) as Record<string, unknown>, headers: response.headers }
    }
    expect(await get('/livez')).toMatchObject({ status: 200, body: { status: 'live' } })
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
    expect(await get('/version')).toMatchObject({ status: 200, body: { version: '1.2.3' } })
    expect((await get('/v1/capabilities')).body).toMatchObject({
      time: net.clock.now(),
      capabilities: { versions: [1], limits: { frameBytes: LIMITS.frameBytes } },
    })
    expect(await get('/nowhere')).toMatchObject({ status: 404, body: { error: { code: 'protocol/unknown-operation' } } })
    expect(await get('/v1/auth.requestCode')).toMatchObject({ status: 404 })
    await net.server.close()
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { problems: ['draining'] } })
  })

  test('readyz says that the store is the trouble', async () => {
    const store = memoryStore()
    const net = harness({ store: { ...store, check: async () => Promise.reject(new SecureChatError('server/unavailable')) } })
    const response = await net.server.fetch(new Request('http://host/readyz'))
    expect([response.status, await response.json()]).toEqual([503, { status: 'not ready', problems: ['store'] }])
  })

  test('openapi.json is 3.1.0 and lists every operation, every error code and how to sign', async () => {
    const response = await harness().server.fetch(new Request('http://host/openapi.json'))
    const document = (await response.json()) as { paths: Record<string, unknown> }
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: 'unknown' } })
    const paths = Object.keys(document.paths)
    expect(paths.filter((path) => path.startsWith('/v1/')).sort()).toEqual([...operationNames.map((name) => `/v1/${name}`), '/v1/capabilities'].sort())
    const schema = {
      properties: {
        recipients: {
          type: 'array',
          minItems: 1,
          maxItems: LIMITS.recipientsPerSend,
          items: { properties: { envelope: { type: 'string', contentEncoding: 'base64url' }, accountId: { pattern: expect.any(String) } } },
        },
      },
    }
    expect(document).toMatchObject({
      paths: { '/v1/mailbox.send': { post: { security: [{ device: [], proof: [] }], requestBody: { content: { 'application/json': { schema } } } } } },
      components: { schemas: { error: { properties: { error: { properties: { code: { enum: Object.keys(ERRORS) } } } } } } },
    })
  })

  test('headers: nothing is cached or sniffed; other origins only where allowed', async () => {
    const open = harness({ config: { corsOrigins: ['https://app.example'] } })
    const ask = async (net: typeof open, origin: string) =>
      (
        await net.server.fetch(
          new Request('http://host/v1/account.lookup', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }),
        )
      ).headers.get('access-control-allow-origin')
    expect(await ask(open, 'https://app.example')).toBe('https://app.example')
    expect(await ask(open, 'https://evil.example')).toBeNull()
    expect(await ask(harness(), 'https://app.example')).toBeNull()
    const { headers } = await open.http('server.capabilities', {})
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff'])
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})

describe('http: bodies', () => {
  test('JSON carries bytes as base64url, both ways', async () => {
    const net = harness()
    const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
    const { sendId, recipients } = sendTo(bob)
    const json = { sendId, recipients: recipients.map((to) => ({ ...to, envelope: toBase64Url(to.envelope) })) }
    expect((await net.http('mailbox.send', json, { user: alice, format: 'json' })).body).toEqual({ time: net.clock.now() })
    const { body } = await net.http('mailbox.fetch', { after: 0 }, { user: bob, format: 'json' })
    expect(body.rows).toMatchObject([{ sender: { accountId: alice.accountId, deviceId: 1 }, envelope: toBase64Url(recipients[0]!.envelope) }])
    const binary = await net.http('mailbox.fetch', { after: 0 }, { user: bob })
    expect(binary.body.rows[0].envelope).toEqual(recipients[0]!.envelope)
    expect((await net.http('mailbox.acknowledge', { upTo: body.rows[0].sequence }, { user: bob })).status).toBe(200)
    expect((await net.http('mailbox.fetch', { after: 0 }, { user: bob })).body.rows).toEqual([])
  })

  test('the size is refused before the body is read, announced or not', async () => {
    const net = harness()
    let pulled = 0
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(64 * 1024))
        },
      })
    const post = async (headers: Record<string, string>) => {
      const init = { method: 'POST', body: endless(), duplex: 'half', headers: { 'content-type': 'application/msgpack', ...headers } }
      const response = await net.server.fetch(new Request('http://host/v1/auth.requestCode', init as RequestInit))
      const { error } = decodeValue(new Uint8Array(await response.arrayBuffer())) as { error: { code: string } }
      return [response.status, error.code]
    }
    expect(await post({})).toEqual([413, 'protocol/too-large'])
    expect(pulled).toBeLessThan((LIMITS.frameBytes / 65_536) * 2)
    pulled = 0
    expect(await post({ 'content-length': String(LIMITS.frameBytes + 1) })).toEqual([413, 'protocol/too-large'])
    expect(pulled).toBeLessThan(3)
  })

  test('malformed bodies are typed errors', async () => {
    const net = harness()
    const bodies: [string, 'json' | 'msgpack', Uint8Array<ArrayBuffer>, string][] = [
      ['cut JSON', 'json', new Uint8Array(Buffer.from('{"phone":')), 'protocol/malformed'],
      ['JSON that is not UTF-8', 'json', new Uint8Array([0x22, 0xff, 0x22]), 'protocol/malformed'],
      ['a prototype key', 'json', new Uint8Array(Buffer.from('{"__proto__":{"phone":"+14155550100"}}')), 'protocol/malformed'],
      ['deep JSON', 'json', new Uint8Array(Buffer.from('['.repeat(5_000) + ']'.repeat(5_000))), 'protocol/malformed'],
      ['a list', 'json', new Uint8Array(Buffer.from('[]')), 'request/invalid'],
      ['null', 'json', new Uint8Array(Buffer.from('null')), 'request/invalid'],
      ['a wrong number', 'json', new Uint8Array(Buffer.from('{"phone":"12345"}')), 'request/invalid'],
      ['cut msgpack', 'msgpack', new Uint8Array([0x81, 0xa5]), 'protocol/malformed'],
      ['an extension', 'msgpack', new Uint8Array([0xd4, 0x72, 0x40]), 'protocol/malformed'],
    ]
    for (const [what, format, body, code] of bodies) expect((await net.http('auth.requestCode', {}, { format, body })).body.error.code, what).toBe(code)
    const other = await net.server.fetch(
      new Request('http://host/v1/auth.requestCode', { method: 'POST', body: 'phone=1', headers: { 'content-type': 'text/plain' } }),
    )
    expect(await other.json()).toMatchObject({ error: { code: 'protocol/malformed', detail: 'content type' } })
    const badBase64 = await net.http('auth.refresh', { refreshToken: 'x'.repeat(40), time: 1, nonce: '***', proof: 'AA' }, { format: 'json' })
    expect(badBase64.body.error.code).toBe('protocol/malformed')
  })

  test('every error has its status, its code, a fixed text and a hint; limits say when', async () => {
    const net = harness({ config: { limits: { cheap: { burst: 1, perSecond: 0.1 } } } })
    await net.http('server.capabilities', {})
    const { status, body, headers } = await net.http('server.capabilities', {}, { format: 'json' })
    expect([status, headers.get('retry-after')]).toEqual([429, '10'])
    expect(body).toEqual({ error: { code: 'request/rate-limited', message: ERRORS['request/rate-limited'].text, retry: 'later', retryAfterSeconds: 10 } })
    expect(isErrorCode(body.error.code)).toBe(true)
    await net.clock.advance(10_000)
    expect((await net.http('server.capabilities', {})).status).toBe(200)
  })

  test('an unexpected fault is server/internal, logged by its place and not by its message', async () => {
    const store = memoryStore()
    const net = harness({
      store: {
        ...store,
        openLogin: () => {
          throw new TypeError('CANARY +14155550100')
        },
      },
    })
    const { status, body } = await net.http('auth.requestCode', { phone: PHONE })
    expect([status, body.error.code]).toEqual([500, 'server/internal'])
    expect(net.logs).toContainEqual({ level: 'error', event: 'unexpected-error', fields: { name: 'TypeError', place: expect.stringContaining('at ') } })
    expect(JSON.stringify([body, net.logs])).not.toContain('CANARY')
  })
})

describe('operations', () => {
  test('attack 56: every operation that names an account, called by a stranger, changes nothing and tells nothing secret', async () => {
    const net = harness()
    const [alice, mallory] = [await net.user(PHONE), await net.user('+14155550109')]
    const foreign = newId()
    const deviceOperations = operationNames.filter((name) => OPERATIONS[name].auth === 'device')
    for (const name of deviceOperations) expect((await net.http(name, {})).body.error.code, name).toBe('auth/required')
    const refused: [string, object, string][] = [
      ['account.delete', { accountId: alice.accountId }, 'request/not-found'],
      ['devices.updateManifest', { manifest: alice.device.manifest(net.clock.now(), { previous: alice.manifest }).bytes }, 'devices/invalid-manifest'],
      ['prekeys.publish', { oneTime: [alice.device.preKey(2, net.clock.now())] }, 'prekeys/invalid-bundle'],
      ['devices.manifest', { accountId: foreign }, 'request/not-found'],
      ['account.delete', { accountId: foreign }, 'request/not-found'],
    ]
    for (const [name, input, code] of refused) expect((await net.http(name, input, { user: mallory })).body.error?.code, name).toBe(code)
    expect((await net.http('prekeys.fetch', { accountId: foreign, deviceIds: [1] }, { user: mallory })).body).toEqual({ bundles: [] })
    expect((await net.http('account.profile', { accountId: foreign }, { user: mallory })).body).toEqual({})
    expect((await net.http('mailbox.fetch', { after: 0 }, { user: mallory })).body.rows).toEqual([])
    await net.http('mailbox.acknowledge', { upTo: Number.MAX_SAFE_INTEGER }, { user: mallory })
    expect((await net.http('prekeys.count', {}, { user: alice })).body.oneTime).toBe(3)
  })

  test('profiles and lookup', async () => {
    const net = harness()
    const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
    const profile = new Uint8Array([1, 2, 3])
    expect((await net.http('account.setProfile', { version: 2, profile }, { user: alice })).status).toBe(200)
    expect((await net.http('account.setProfile', { version: 1, profile }, { user: alice })).body.error.code).toBe('request/conflict')
    expect((await net.http('account.profile', { accountId: alice.accountId }, { user: bob })).body).toEqual({ profile: { version: 2, profile } })
    expect((await net.http('account.lookup', { phone: PHONE }, { user: bob })).body).toEqual({ accountId: alice.accountId })
    expect((await net.http('account.lookup', { phone: '+14155550199' }, { user: bob })).body).toEqual({})
  })

  test('attack 47 (for what there is): lookups by one account end with its budget', async () => {
    const net = harness()
    const mallory = await net.user('+14155550109')
    let found = 0
    for (let i = 0; i < 150; i++)
      found += (await net.http('account.lookup', { phone: `+1415555${String(i).padStart(4, '0')}` }, { user: mallory })).status === 200 ? 1 : 0
    expect(found).toBe(100)
  })

  test('a manifest that continues the chain is stored, announced, and drops devices; others are conflicts', async () => {
    const net = harness()
    const alice = await net.user(PHONE)
    const a = await net.signedIn(alice)
    const now = net.clock.now()
    const next = alice.device.manifest(now, { previous: alice.manifest })
    const rival = alice.device.manifest(now, { previous: alice.manifest, notBefore: now + 1 })
    expect((await a.call('devices.updateManifest', { manifest: next.bytes })).ok).toBe(true)
    expect((await a.call('devices.updateManifest', { manifest: next.bytes })).ok).toBe(true)
    expect(await a.call('devices.updateManifest', { manifest: rival.bytes })).toMatchObject({ ok: false, code: 'request/conflict' })
    expect(a.events).toContainEqual({ type: 'manifest-changed', accountId: alice.accountId, version: 2 })
    const chain = await a.call('devices.manifest', { accountId: alice.accountId, after: 1 })
    expect(chain.ok && chain.value).toEqual({ manifests: [next.bytes], more: false })
  })
})

test('the webhook sender posts number and code, and fails when the answer is not 2xx', async () => {
  const seen: [string, RequestInit][] = []
  const fetch = (async (url: string, init: RequestInit) => {
    seen.push([url, init])
    return new Response(null, { status: seen.length === 1 ? 204 : 500 })
  }) as unknown as typeof globalThis.fetch
  const otp = webhookOtp({ url: 'https://sms.example/send', token: 'key', fetch })
  await otp.send({ phone: PHONE, code: '123456' })
  expect(seen[0]).toMatchObject([
    'https://sms.example/send',
    { method: 'POST', body: JSON.stringify({ phone: PHONE, code: '123456' }), headers: { authorization: 'Bearer key' } },
  ])
  await expect(otp.send({ phone: PHONE, code: '123456' })).rejects.toMatchObject({ code: 'server/unavailable' })
})
