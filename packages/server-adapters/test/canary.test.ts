import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { harness, sendTo } from '../../server/test/support/harness.js'
import { sqliteStore } from '../src/sqlite/index.js'

test('attack 59: numbers, codes and tokens are in no byte of the database', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'securechat-canary-'))
  const store = sqliteStore({ path: join(dir, 'server.db') })
  try {
    const net = harness({ store, secrets: { tokenKey: new Uint8Array(32).fill(5), phonePepper: new Uint8Array(32).fill(6) } })
    const alice = await net.user('+14155550123')
    const socket = await net.signedIn(alice)
    expect(await socket.deliver(sendTo(alice))).toBe('sent')
    await net.http('auth.refresh', { refreshToken: alice.refreshToken, ...alice.device.refreshProof(alice.refreshToken, net.clock.now()) })
    await net.clock.advance(31_000)
    const { registrationToken } = await net.login('+14155550123')
    const pending = await net.http('auth.requestCode', { phone: '+14155550188' })
    expect(pending.status).toBe(200)
    await net.server.close()

    const found = (needle: string | Buffer): boolean => readdirSync(dir).some((name) => readFileSync(join(dir, name)).includes(needle))
    // The witness that the search works: the account id is there.
    expect(found(Buffer.from(alice.accountId, 'base64url'))).toBe(true)
    const secrets = [...net.codes.values(), '+14155550123', '4155550123', '4155550188', alice.accessToken, alice.refreshToken, registrationToken]
    for (const secret of secrets) expect(found(secret)).toBe(false)
    for (const token of [alice.refreshToken, registrationToken]) expect(found(Buffer.from(token, 'base64url'))).toBe(false)
    for (const key of [Buffer.alloc(32, 5), Buffer.alloc(32, 6)]) expect(found(key)).toBe(false)
  } finally {
    await store.close()
    rmSync(dir, { recursive: true, force: true })
  }
})
