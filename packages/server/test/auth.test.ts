import { createHmac, randomBytes } from 'node:crypto'
import { type DeviceId, LIMITS, toBase64Url } from '@securechat/protocol'
import { harness, newId, sendTo, TestDevice, type User, until } from '@securechat/server-testing'
import { describe, expect, test } from 'vitest'
import { nextSendAt } from '../src/auth/codes.js'

const PHONE = '+14155550100'

describe('one-time codes', () => {
  test('a number gets a code every 30 s, backing off, 5 an hour and 10 a day', async () => {
    const net = harness()
    const ask = () => net.http('auth.requestCode', { phone: PHONE })
    const first = await ask()
    expect(first.body.resendAt - net.clock.now()).toBe(30_000)
    expect(await ask()).toMatchObject({ status: 429, body: { error: { code: 'request/rate-limited', retryAfterSeconds: 30 } } })
    const gaps: number[] = []
    for (let i = 0; i < 9; i++) {
      const refused = await ask()
      const wait = refused.body.error.retryAfterSeconds as number
      gaps.push(wait)
      await net.clock.advance(wait * 1000)
      expect((await ask()).status).toBe(200)
    }
    expect(gaps.slice(0, 4)).toEqual([30, 60, 120, 240])
    expect(gaps[4]).toBe(3_600 - 30 - 60 - 120 - 240)
    const beyond = await ask()
    expect(beyond.body.error.retryAfterSeconds).toBeGreaterThan(3_600 * 10)
  })

  test('the schedule looks at the last hour and day only', () => {
    const policy = { spacingSeconds: 30, perHour: 5, perDay: 10 }
    expect(nextSendAt(policy, [], 1_000)).toBe(1_000)
    expect(nextSendAt(policy, [0], 3_600_001)).toBe(3_600_001)
    expect(nextSendAt(policy, [0], 10_000)).toBe(30_000)
  })

  test('codes expire after 10 minutes, unknown logins look like expired ones, a code works once', async () => {
    const net = harness()
    const { body } = await net.http('auth.requestCode', { phone: PHONE })
    const code = net.codes.get(PHONE)
    expect((await net.http('auth.confirmCode', { loginId: newId(), code })).body.error.code).toBe('auth/code-expired')
    const first = await net.http('auth.confirmCode', { loginId: body.loginId, code })
    const again = await net.http('auth.confirmCode', { loginId: body.loginId, code })
    expect(again.body).toEqual(first.body)
    await net.clock.advance(61_000)
    expect((await net.http('auth.confirmCode', { loginId: body.loginId, code })).body.error.code).toBe('auth/code-expired')
    const late = await net.http('auth.requestCode', { phone: '+14155550101' })
    await net.clock.advance(LIMITS.codeMinutes * 60_000)
    expect((await net.http('auth.confirmCode', { loginId: late.body.loginId, code: net.codes.get('+14155550101') })).body.error.code).toBe('auth/code-expired')
  })

  test('a sender that fails is a typed error that names nothing', async () => {
    const net = harness({ otp: { send: async ({ phone, code }) => Promise.reject(new Error(`gateway ${phone} ${code}`)) } })
    const { status, body } = await net.http('auth.requestCode', { phone: PHONE })
    expect([status, body.error.code]).toEqual([503, 'server/unavailable'])
    expect(JSON.stringify([body, net.logs])).not.toContain('415555')
  })
})

describe('registration', () => {
  const prepare = async () => {
    const net = harness()
    const { registrationToken, account } = await net.login(PHONE)
    const device = new TestDevice(account.accountId, 1 as DeviceId)
    const now = net.clock.now()
    const register = (input: object, token: string | undefined = registrationToken) =>
      net.http(
        'account.register',
        { manifest: device.manifest(now).bytes, deviceId: 1, preKeys: device.preKeys(now), ...input },
        token === undefined ? {} : { registrationToken: token },
      )
    return { net, account, device, now, register }
  }

  test('is idempotent for the same manifest and the same token', async () => {
    const { net, device, now, register } = await prepare()
    const manifest = device.manifest(now).bytes
    const preKeys = device.preKeys(now)
    const [first, second] = [await register({ manifest, preKeys }), await register({ manifest, preKeys })]
    expect([first.status, second.status]).toEqual([200, 200])
    for (const { body } of [first, second]) {
      const user: User = { phone: PHONE, accountId: body.accountId, device, manifest: device.manifest(now), ...body.tokens }
      expect((await net.http('prekeys.count', {}, { user })).body).toEqual({ oneTime: 3, signedKeyId: 1, lastResortKeyId: 2 })
    }
  })

  test('every forged or foreign part is refused, and nothing was stored', async () => {
    const { net, account, device, now, register } = await prepare()
    const good = device.manifest(now)
    const flipped = good.bytes.slice()
    flipped[flipped.length - 1]! ^= 1
    const coreFlipped = good.bytes.slice()
    coreFlipped[60]! ^= 1
    const stranger = new TestDevice(newId(), 1 as DeviceId)
    const second = new TestDevice(account.accountId, 2 as DeviceId, device.accountKey)
    const preKeys = device.preKeys(now)
    const impostor = new TestDevice(account.accountId, 1 as DeviceId)
    const refused: [string, object, string][] = [
      ['a flipped device signature', { manifest: flipped }, 'devices/invalid-manifest'],
      ['a flipped account field', { manifest: coreFlipped }, 'devices/invalid-manifest'],
      ['another account', { manifest: stranger.manifest(now).bytes }, 'devices/invalid-manifest'],
      ['a device that is not listed', { deviceId: 7 }, 'devices/invalid-manifest'],
      ['a second device beside it', { manifest: device.manifest(now, { devices: [device, second] }).bytes }, 'devices/invalid-manifest'],
      ['a gap in the versions', { manifest: device.manifest(now, { previous: good }).bytes }, 'request/conflict'],
      ['prekeys of another device', { preKeys: impostor.preKeys(now) }, 'prekeys/invalid-bundle'],
      ['a signed prekey as last resort', { preKeys: { ...preKeys, lastResort: preKeys.signed } }, 'prekeys/invalid-bundle'],
      ['a one-time key twice', { preKeys: { ...preKeys, oneTime: [preKeys.oneTime[0], preKeys.oneTime[0]] } }, 'prekeys/invalid-bundle'],
      ['no signed prekey', { preKeys: { lastResort: preKeys.lastResort } }, 'request/invalid'],
      ['bytes that are no manifest', { manifest: new Uint8Array(100) }, 'protocol/unsupported-version'],
    ]
    for (const [what, input, code] of refused) expect((await register(input)).body.error?.code, what).toBe(code)
    expect((await register({}, toBase64Url(randomBytes(32)))).body.error.code).toBe('auth/code-expired')
    expect((await net.http('account.register', { manifest: good.bytes, deviceId: 1, preKeys })).body.error.code).toBe('auth/required')
    expect((await register({ manifest: good.bytes, preKeys })).status).toBe(200)
  })

  test('a registered number keeps its keys unless replacement is asked for; then the old device is out', async () => {
    const net = harness()
    const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
    const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
    await b.deliver(sendTo(alice))
    await until(() => a.rows.length === 1)
    await net.clock.advance(31_000)
    const { registrationToken, account } = await net.login(PHONE)
    expect(account).toMatchObject({ accountId: alice.accountId, exists: true, manifestVersion: 1, nextDeviceId: 2 })
    expect(account.manifestHash).toEqual(alice.manifest.hash)
    const now = net.clock.now()
    const reused = new TestDevice(alice.accountId, 1 as DeviceId, undefined, 2)
    const next = new TestDevice(alice.accountId, account.nextDeviceId, undefined, 2)
    const register = (device: TestDevice, replaceKeys: boolean) =>
      net.http(
        'account.register',
        { manifest: device.manifest(now, { previous: alice.manifest }).bytes, deviceId: device.deviceId, preKeys: device.preKeys(now), replaceKeys },
        { registrationToken },
      )
    expect((await register(next, false)).body.error.code).toBe('auth/account-exists')
    expect((await register(reused, true)).body.error.code).toBe('devices/invalid-manifest')
    expect(a.closed).toBeUndefined()
    const replaced = await register(next, true)
    expect([replaced.status, replaced.body.deviceId]).toEqual([200, 2])
    await until(() => a.closed)
    expect((await net.socket().hello({ user: alice })).code).toBe('auth/revoked')
    expect((await net.http('prekeys.count', {}, { user: alice })).body.error.code).toBe('auth/revoked')
    const time = net.clock.now()
    expect((await net.http('auth.refresh', { refreshToken: alice.refreshToken, ...alice.device.refreshProof(alice.refreshToken, time) })).body.error.code).toBe(
      'auth/revoked',
    )
    expect(await b.deliver(sendTo(alice))).toBe('devices/stale-manifest')
    const bundles = await b.call('prekeys.fetch', { accountId: alice.accountId, deviceIds: [1, 2] })
    expect(bundles.ok && bundles.value.bundles.map(({ deviceId }) => deviceId)).toEqual([2])
    const chain = await b.call('devices.manifest', { accountId: alice.accountId })
    expect(chain.ok && chain.value.manifests).toHaveLength(2)
  })
})

describe('access tokens', () => {
  const encode = (value: object): string => toBase64Url(new TextEncoder().encode(JSON.stringify(value)))
  const parts = (token: string) => token.split('.') as [string, string, string]
  const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())

  test('attack 55: none, HS256 with the public key, other types, issuers and edited claims are refused', async () => {
    const net = harness()
    const [alice, mallory] = [await net.user(PHONE), await net.user('+14155550109')]
    const [header, payload, signature] = parts(alice.accessToken)
    const claims = decode(payload)
    const hmac = (input: string): string =>
      createHmac('sha256', String(decode(header)['kid']))
        .update(input)
        .digest('base64url')
    const hs = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${payload}`
    const forged = [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`,
      `${hs}.${hmac(hs)}`,
      `${header}.${encode({ ...claims, sub: mallory.accountId })}.${signature}`,
      `${header}.${encode({ ...claims, exp: Number(claims['exp']) + 9_999 })}.${signature}`,
      `${encode({ ...decode(header), typ: 'JWT' })}.${payload}.${signature}`,
      `${encode({ ...decode(header), jwk: { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(mallory.device.signing.publicKey) } })}.${payload}.${signature}`,
      alice.accessToken.slice(0, -4),
      'x'.repeat(40),
    ]
    for (const accessToken of forged) {
      expect((await net.http('prekeys.count', {}, { user: { ...alice, accessToken } })).body.error.code, accessToken).toBe('auth/invalid-token')
      expect((await net.socket().hello({ user: { ...alice, accessToken } })).code).toBe('auth/invalid-token')
    }
    expect(claims).toMatchObject({ iss: 'securechat', aud: 'securechat', sub: alice.accountId, device: 1 })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBeLessThanOrEqual(600)
  })

  test('attack 55: a token of another server, or one bound to another key, is refused', async () => {
    const [net, other] = [harness(), harness()]
    const [alice, twin] = [await net.user(PHONE), await other.user(PHONE)]
    expect((await net.http('prekeys.count', {}, { user: { ...alice, accessToken: twin.accessToken } })).body.error.code).toBe('auth/invalid-token')
    const secrets = { tokenKey: new Uint8Array(randomBytes(32)), phonePepper: new Uint8Array(randomBytes(32)) }
    const [first, second] = [harness({ secrets, config: { issuer: 'a' } }), harness({ secrets, config: { issuer: 'b' } })]
    const bob = await first.user(PHONE)
    await second.user(PHONE)
    expect((await second.http('prekeys.count', {}, { user: bob })).body.error.code).toBe('auth/invalid-token')
  })

  test('attack 55: over HTTP each call is signed, fresh, and counts once', async () => {
    const net = harness()
    const [alice, mallory] = [await net.user(PHONE), await net.user('+14155550109')]
    const body = new Uint8Array([0x80])
    const call = async (proof: string | undefined, operation = 'prekeys.count') =>
      (
        await net.http(
          operation,
          {},
          { body, headers: { authorization: `SecureChat ${alice.accessToken}`, ...(proof !== undefined && { 'sc-proof': proof }) } },
        )
      ).body.error?.code ?? 'ok'
    const { accessToken } = alice
    const time = net.clock.now()
    const proof = alice.device.requestProof('prekeys.count', body, { accessToken, time })
    expect(await call(undefined)).toBe('auth/invalid-proof')
    expect(await call('AAAA')).toBe('auth/invalid-proof')
    expect(await call(`${proof}A`)).toBe('auth/invalid-proof')
    expect(await call(mallory.device.requestProof('prekeys.count', body, { accessToken, time }))).toBe('auth/invalid-proof')
    expect(await call(alice.device.requestProof('auth.logout', body, { accessToken, time }))).toBe('auth/invalid-proof')
    expect(await call(alice.device.requestProof('prekeys.count', new Uint8Array([0x81]), { accessToken, time }))).toBe('auth/invalid-proof')
    expect(await call(alice.device.requestProof('prekeys.count', body, { accessToken, time: time - 61_000 }))).toBe('auth/invalid-proof')
    expect(await call(alice.device.requestProof('prekeys.count', body, { accessToken, time: time + 61_000 }))).toBe('auth/invalid-proof')
    expect(await call(proof)).toBe('ok')
    expect(await call(proof)).toBe('auth/invalid-proof')
    await net.clock.advance(59_000)
    expect(await call(proof)).toBe('auth/invalid-proof')
  })
})

describe('refresh tokens', () => {
  const refresh = async (net: ReturnType<typeof harness>, device: TestDevice, refreshToken: string, proofOf = device) =>
    (await net.http('auth.refresh', { refreshToken, ...proofOf.refreshProof(refreshToken, net.clock.now()) })).body

  test('rotate; a lost answer is repeated, weeks later too, with the very same successor', async () => {
    const net = harness()
    const alice = await net.user(PHONE)
    const first = await refresh(net, alice.device, alice.refreshToken)
    expect(first.refreshToken).not.toBe(alice.refreshToken)
    await net.clock.advance(20 * 86_400_000)
    const again = await refresh(net, alice.device, alice.refreshToken)
    expect(again.refreshToken).toBe(first.refreshToken)
    const user = { ...alice, accessToken: again.accessToken }
    expect((await net.http('prekeys.count', {}, { user })).status).toBe(200)
    expect((await refresh(net, alice.device, first.refreshToken)).refreshToken).toBeDefined()
  })

  test('logout ends this session and no other', async () => {
    const net = harness()
    const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
    expect((await net.http('auth.logout', {}, { user: alice })).status).toBe(200)
    expect((await net.http('prekeys.count', {}, { user: alice })).body.error.code).toBe('auth/revoked')
    expect((await net.http('prekeys.count', {}, { user: bob })).status).toBe(200)
  })
})
