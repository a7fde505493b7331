import { randomBytes } from 'node:crypto'
import { LIMITS, toBase64Url } from '@securechat/protocol'
import { expect } from 'vitest'
import { foreignObjects } from './attack-56.js'
import type { TestDevice } from './device.js'
import { type Harness, harness, sendTo, until } from './harness.js'
import type { Stage } from './stage.js'

const PHONE = '+14155550100'

const refresh = async (net: Harness, device: TestDevice, refreshToken: string, proofOf = device) =>
  (await net.http('auth.refresh', { refreshToken, ...proofOf.refreshProof(refreshToken, net.clock.now()) })).body

/** Attacks whose outcome the store decides, by number: all of them run on every store. */
export const storeAttacks: readonly { readonly name: string; run(stage: Stage): Promise<void> }[] = [
  {
    name: 'attack 14: a stranger, and then fifty, deplete a device’s prekeys: a limit each, then the last-resort key; others still connect and the owner is told',
    async run({ open }) {
      const net = harness({ store: await open() })
      const alice = await net.user(PHONE)
      const a = await net.signedIn(alice)
      const now = net.clock.now()
      const published = await a.call('prekeys.publish', { oneTime: Array.from({ length: 97 }, () => alice.device.preKey(2, now)) })
      expect(published).toEqual({ ok: true, value: { oneTime: 100 } })
      const fetched = async (socket: Awaited<ReturnType<Harness['signedIn']>>, times: number) => {
        const counts = { bundles: 0, oneTime: 0, refused: 0 }
        for (let i = 0; i < times; i++) {
          const answer = await socket.call('prekeys.fetch', { accountId: alice.accountId, deviceIds: [1] })
          if (!answer.ok) {
            expect(answer.code).toBe('request/rate-limited')
            counts.refused++
            continue
          }
          const [bundle] = answer.value.bundles
          expect(bundle?.lastResort.length).toBeGreaterThan(0)
          counts.bundles++
          if (bundle?.oneTime) counts.oneTime++
        }
        return counts
      }
      const mallory = await net.signedIn(await net.user('+14155550109'))
      const alone = await fetched(mallory, 10_000)
      expect(alone).toMatchObject({ oneTime: 20 })
      expect(alone.bundles + alone.refused).toBe(10_000)
      expect(alone.refused).toBeGreaterThan(0)
      for (let i = 0; i < 50; i++) await fetched(await net.signedIn(await net.user(`+1415555${String(1_000 + i)}`)), 3)
      // All are gone; somebody new gets what is always there.
      expect(await fetched(await net.signedIn(await net.user('+14155550102')), 1)).toEqual({ bundles: 1, oneTime: 0, refused: 0 })
      expect(a.events.filter(({ type }) => type === 'prekeys-low').length).toBeGreaterThan(0)
    },
  },
  {
    name: 'attack 15: of 200 parallel fetches by ten strangers at two nodes no two get the same one-time key',
    async run({ open, another }) {
      const store = await open()
      const secrets = { tokenKey: new Uint8Array(randomBytes(32)), phonePepper: new Uint8Array(randomBytes(32)) }
      const nodes = [harness({ store, secrets }), harness({ store: await another(store), secrets })] as const
      const alice = await nodes[0].user(PHONE)
      const now = nodes[0].clock.now()
      await (await nodes[0].signedIn(alice)).call('prekeys.publish', { oneTime: Array.from({ length: 97 }, () => alice.device.preKey(2, now)) })
      const strangers = []
      for (let i = 0; i < 10; i++) strangers.push(await nodes[i % 2]!.signedIn(await nodes[0].user(`+1415555${2_000 + i}`)))
      const answers = await Promise.all(
        strangers.flatMap((socket) => Array.from({ length: 20 }, () => socket.call('prekeys.fetch', { accountId: alice.accountId, deviceIds: [1] }))),
      )
      const bundles = answers.flatMap((answer) => (answer.ok ? answer.value.bundles : []))
      const given = bundles.flatMap(({ oneTime }) => (oneTime ? [Buffer.from(oneTime).toString('hex')] : []))
      expect([bundles.length, given.length, new Set(given).size]).toEqual([200, 100, 100])
    },
  },
  {
    name: 'attack 53: 500 parallel guesses are at most 5 tries, the right code among them or not',
    async run({ open }) {
      const net = harness({ store: await open() })
      const { body } = await net.http('auth.requestCode', { phone: PHONE })
      const right = net.codes.get(PHONE)!
      const guesses = Array.from({ length: 500 }, (_, i) => String(i).padStart(6, '0')).filter((code) => code !== right)
      const answers = await Promise.all(guesses.map((code) => net.http('auth.confirmCode', { loginId: body.loginId, code })))
      const codes = answers.map((answer) => answer.body.error.code)
      expect(codes.filter((code) => code === 'auth/code-wrong')).toHaveLength(LIMITS.codeTries)
      expect(codes.filter((code) => code === 'auth/too-many-tries')).toHaveLength(guesses.length - LIMITS.codeTries)
      expect((await net.http('auth.confirmCode', { loginId: body.loginId, code: right })).body.error.code).toBe('auth/too-many-tries')
    },
  },
  {
    name: 'attack 53: known and unknown numbers get answers of the same shape',
    async run({ open }) {
      const net = harness({ store: await open() })
      await net.user(PHONE)
      await net.clock.advance(60_000)
      const shape = ({ status, body }: { status: number; body: Record<string, unknown> }) => [
        status,
        Object.keys(body).sort(),
        (body['loginId'] as string).length,
        body['codeDigits'],
      ]
      expect(shape(await net.http('auth.requestCode', { phone: PHONE }))).toEqual(shape(await net.http('auth.requestCode', { phone: '+14155550177' })))
    },
  },
  {
    name: 'attack 53: a range of numbers is stopped by its budget, and by that of the address',
    async run({ open }) {
      const net = harness({ store: await open() })
      let sent = 0
      for (let i = 0; i < 400; i++) sent += (await net.http('auth.requestCode', { phone: `+1415555${String(i).padStart(4, '0')}` })).status === 200 ? 1 : 0
      expect(sent).toBeLessThanOrEqual(200)
      expect(sent).toBeGreaterThanOrEqual(199)
      const other = await net.http('auth.requestCode', { phone: '+442071234567' })
      expect([200, 429]).toContain(other.status)
      expect(net.codes.size).toBeLessThanOrEqual(201)
    },
  },
  {
    name: 'attack 55: reuse ends the whole session: tokens, sockets, successors',
    async run({ open }) {
      const net = harness({ store: await open() })
      const alice = await net.user(PHONE)
      const socket = await net.signedIn(alice)
      const { refreshToken } = await refresh(net, alice.device, alice.refreshToken)
      const second = await refresh(net, alice.device, refreshToken)
      expect((await refresh(net, alice.device, alice.refreshToken)).error.code).toBe('auth/refresh-reused')
      await until(() => socket.closed)
      expect((await refresh(net, alice.device, second.refreshToken)).error.code).toBe('auth/revoked')
      expect((await net.http('prekeys.count', {}, { user: alice })).body.error.code).toBe('auth/revoked')
    },
  },
  {
    name: 'attack 55: a stolen token without the device key neither rotates nor ends anything',
    async run({ open }) {
      const net = harness({ store: await open() })
      const [alice, mallory] = [await net.user(PHONE), await net.user('+14155550109')]
      expect((await refresh(net, alice.device, alice.refreshToken, mallory.device)).error.code).toBe('auth/invalid-proof')
      const stale = alice.device.refreshProof(alice.refreshToken, net.clock.now() - 61_000)
      expect((await net.http('auth.refresh', { refreshToken: alice.refreshToken, ...stale })).body.error.code).toBe('auth/invalid-proof')
      expect((await refresh(net, alice.device, alice.refreshToken)).refreshToken).toBeDefined()
      await net.clock.advance(31_000)
      expect((await refresh(net, alice.device, alice.refreshToken, mallory.device)).error.code).toBe('auth/invalid-proof')
      expect((await net.http('prekeys.count', {}, { user: alice })).status).toBe(200)
      expect((await refresh(net, alice.device, toBase64Url(randomBytes(32)))).error.code).toBe('auth/revoked')
    },
  },
  { name: 'attack 56: every operation of the table, called by a stranger with an account’s objects, changes nothing of that account', run: foreignObjects },
  {
    name: 'attack 59: codes, tokens and numbers are in no byte that the store keeps; they and envelopes in no log line and no error',
    async run({ open, kept }) {
      const store = await open()
      const net = harness({ store })
      const alice = await net.user(PHONE)
      const socket = await net.signedIn(alice)
      const send = sendTo(alice)
      send.recipients[0]!.envelope.set(new TextEncoder().encode('CANARY-ENVELOPE'), 1)
      await socket.deliver(send)
      const answers = [
        await net.http('auth.requestCode', { phone: PHONE }),
        await net.http('account.lookup', { phone: 'CANARY-PHONE' }, { user: alice }),
        await net.http('auth.refresh', { refreshToken: 'CANARY-TOKEN-0123456789', time: 1, nonce: new Uint8Array(16), proof: new Uint8Array(64) }),
        await net.http('CANARY-OPERATION', {}),
      ]
      socket.send('request', new TextEncoder().encode('CANARY-FRAME'))
      const { body: successor } = await net.http('auth.refresh', {
        refreshToken: alice.refreshToken,
        ...alice.device.refreshProof(alice.refreshToken, net.clock.now()),
      })
      await net.server.close()
      const secrets = [PHONE.slice(1), net.codes.get(PHONE)!, alice.accessToken, alice.refreshToken, successor.refreshToken as string]
      const said = JSON.stringify([net.logs, answers.map(({ body }) => body), socket.errors])
      for (const secret of ['CANARY', ...secrets]) expect(said).not.toContain(secret)
      const bytes = await kept(store)
      // Six digits come up by chance among keys and hashes; codes are looked for where texts are.
      for (const secret of secrets.filter((one) => one.length > 6)) for (const form of formsOf(secret)) expect(bytes.includes(form), secret).toBe(false)
      // What is looked for would be found: the row that waits is there as it came.
      if (bytes.length > 0) expect(bytes.includes('CANARY-ENVELOPE') || bytes.includes(Buffer.from('CANARY-ENVELOPE').toString('hex'))).toBe(true)
    },
  },
]

/** As text, and as the bytes that a token stands for; both also in hexadecimal, as PostgreSQL shows bytes. */
function formsOf(secret: string): (string | Buffer)[] {
  const decoded = /^[A-Za-z0-9_-]{40,}$/.test(secret) ? [Buffer.from(secret, 'base64url')] : []
  const forms = [Buffer.from(secret), ...decoded]
  return forms.flatMap((form) => [form, form.toString('hex')])
}
