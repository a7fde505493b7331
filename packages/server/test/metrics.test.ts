import type { Metrics } from '@securechat/server'
import { harness, sendTo, until } from '@securechat/server-testing'
import { expect, test } from 'vitest'

/** What was counted, one line each. */
function recording(): Metrics & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    call: (operation, { code, seconds }) => void lines.push(`call ${operation} ${code} ${seconds}`),
    rows: (way, count) => void lines.push(`rows ${way} ${count}`),
    limited: (limit) => void lines.push(`limited ${limit}`),
    code: (result) => void lines.push(`code ${result}`),
  }
}
const PHONE = '+14155550100'

test('calls are counted with their code, over HTTP and sockets; rows when they are stored and when they are handed over', async () => {
  const metrics = recording()
  const net = harness({ metrics })
  const [alice, bob] = [await net.user(PHONE), await net.user('+14155550101')]
  expect(metrics.lines.filter((line) => line.startsWith('call auth.requestCode ok'))).toHaveLength(2)
  const [a, b] = [await net.signedIn(alice), await net.signedIn(bob)]
  metrics.lines.length = 0
  const wrong = sendTo(bob)
  wrong.recipients[0]!.envelope[0] = 0
  expect(await a.deliver(wrong)).toBe('protocol/malformed')
  expect(await a.deliver(sendTo(bob))).toBe('sent')
  await until(() => b.rows.length === 1)
  await net.http('mailbox.send', sendTo(alice), { user: bob })
  await until(() => a.rows.length === 1)
  await net.http('account.delete', { accountId: bob.accountId }, { user: alice })
  expect(metrics.lines.map((line) => line.replace(/ [\d.]+$/, (time) => (line.startsWith('rows') ? time : ''))).sort()).toEqual(
    [
      'call account.delete request/not-found',
      'call mailbox.send ok',
      'call mailbox.send ok',
      'call mailbox.send protocol/malformed',
      'rows delivered 1',
      'rows delivered 1',
      'rows stored 1',
      'rows stored 1',
    ].sort(),
  )
})

test('refusals by limits, and codes that could not be sent', async () => {
  const metrics = recording()
  const net = harness({ metrics, config: { limits: { code: { burst: 1, perSecond: 0 } } }, otp: { send: () => Promise.reject(new Error('away')) } })
  expect((await net.http('auth.requestCode', { phone: PHONE })).status).toBe(503)
  expect((await net.http('auth.requestCode', { phone: PHONE })).status).toBe(429)
  expect(metrics.lines.map((line) => line.replace(/ [\d.]+$/, ''))).toEqual([
    'code failed',
    'call auth.requestCode server/unavailable',
    'limited code',
    'call auth.requestCode request/rate-limited',
  ])
})
