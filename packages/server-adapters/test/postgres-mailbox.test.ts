import type { AccountId, DeviceId, MessageId } from '@securechat/protocol'
import { toBase64Url } from '@securechat/protocol'
import type { Append, AppendOutcome, ServerStore } from '@securechat/server'
import { storeSuite } from '@securechat/server/conformance'
import { type PostgresServer, startPostgres } from '@securechat/test-servers'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../src/postgres/index.js'
import { encodeWrite } from '../src/postgres/write-batch.js'

let server: PostgresServer
let count = 0
const opened: { store: ServerStore; pool: pg.Pool }[] = []
const open = (schema: string, options: { readonly lingerMs?: number; readonly max?: number } = {}) => {
  const pool = server.pool({ max: options.max ?? 4 })
  const store = postgresStore({ pool, schema, ...options })
  opened.push({ store, pool })
  return { store, pool }
}
beforeAll(async () => {
  server = await startPostgres()
})
afterEach(async () => {
  for (const { store, pool } of opened.splice(0)) {
    await store.close()
    await pool.end()
  }
})
afterAll(() => server.stop())

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + count) % 256)
const id = <Id extends string>(): Id => {
  const out = new Uint8Array(16)
  new DataView(out.buffer).setUint32(0, ++count)
  return toBase64Url(out) as Id
}

/** An account with one device, registered through the store. */
async function newAccount(store: ServerStore): Promise<AccountId> {
  const [phoneHash, registrationHash, tokenHash] = [1, 2, 3].map((n) => new TextEncoder().encode(`${n} ${++count}`)) as [Uint8Array, Uint8Array, Uint8Array]
  const loginId = id()
  await store.openLogin({ loginId, phoneHash, codeMac: bytes(32), now: 1, expiresAt: 1_000 }, () => null)
  const account = await store.redeemLogin({ loginId, now: 1, graceUntil: 2, newAccountId: id(), registrationHash, registrationExpiresAt: 1_000 })
  const device = { deviceId: 1 as DeviceId, signingKey: bytes(32) }
  const outcome = await store.register({
    registrationHash,
    accountId: account!.accountId,
    deviceId: device.deviceId,
    manifest: { version: 1, prevHash: new Uint8Array(0), hash: new TextEncoder().encode(account!.accountId), bytes: bytes(10), devices: [device] },
    preKeys: { signed: { keyId: 1, bytes: bytes(8) }, lastResort: { keyId: 2, bytes: bytes(8) }, oneTime: [], limit: 100 },
    replaceKeys: false,
    session: { sessionId: id(), tokenHash, expiresAt: 10_000 },
    now: 1,
    seenAt: 0,
    lockedSince: 0,
    recovered: false,
  })
  expect(outcome.kind).toBe('stored')
  return account!.accountId
}
const send = (from: AccountId, to: readonly AccountId[], fields: Partial<Append> = {}): Append => ({
  sender: { accountId: from, deviceId: 1 as DeviceId },
  sendId: id<MessageId>(),
  time: 5,
  recipients: to.map((accountId) => ({ accountId, deviceId: 1 as DeviceId, manifestVersion: 1, envelope: bytes(100) })),
  maxRows: 10_000,
  ...fields,
})
const page = (accountId: AccountId) => ({ accountId, deviceId: 1 as DeviceId, after: 0, limit: 5_000, maxBytes: 100_000_000 })
const kinds = (outcomes: readonly AppendOutcome[]): string[] => outcomes.map(({ kind }) => kind)

describe('postgres mailboxes', () => {
  it('a storm of acknowledgements and sends through two nodes meets not one deadlock', async () => {
    const before = await deadlocks()
    const storm = storeSuite.find(({ name }) => name.includes('storm of acknowledgements'))!
    await storm.run({ open: async () => open('storm').store, share: async () => open('storm').store })
    // The server counts what a connection has met when it ends.
    for (const { store, pool } of opened.splice(0)) {
      await store.close()
      await pool.end()
    }
    expect((await deadlocks()) - before).toBe(0)
  })

  it('what is acknowledged is on the disk, although the database would not wait for it', async () => {
    const admin = server.pool()
    await admin.query('ALTER DATABASE postgres SET synchronous_commit = off')
    const { store, pool } = open('durable')
    const alice = await newAccount(store)
    const client = await pool.connect()
    try {
      const setting = async () => (await client.query<{ synchronous_commit: string }>('SHOW synchronous_commit')).rows[0]!.synchronous_commit
      expect(await setting()).toBe('off')
      await client.query('BEGIN')
      const values = encodeWrite([send(alice, [alice])], [])
      const places = values.map((_, i) => `$${i + 1}`).join(', ')
      expect((await client.query(`SELECT * FROM durable.mailbox_write_1(${places})`, values)).rows).toHaveLength(1)
      // In force until the commit that follows the function.
      expect(await setting()).toBe('on')
    } finally {
      client.release(true)
    }
    await admin.query('ALTER DATABASE postgres RESET synchronous_commit')
  })

  it('a send that cannot be stored fails alone, and its neighbours of the same batch are kept', async () => {
    const { store } = open('alone')
    const [alice, bob] = [await newAccount(store), await newAccount(store)]
    const results = await Promise.allSettled([
      store.append(send(alice, [bob])),
      store.append(send(alice, [bob], { sendId: 'not an id' as MessageId })),
      store.append(send(alice, [bob], { time: Number.MAX_SAFE_INTEGER * 4_096 })),
      store.append(send(alice, [bob])),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(await store.readMailbox(page(bob))).toHaveLength(2)
  })

  it('sends of one turn are one statement, in the order of their calls, whoever sends', async () => {
    const { store, pool } = open('grouped')
    const accounts = [await newAccount(store), await newAccount(store), await newAccount(store)]
    let writes = 0
    pool.on('acquire', () => void writes++)
    const outcomes = await Promise.all(Array.from({ length: 300 }, (_, i) => store.append(send(accounts[i % 3]!, [accounts[0]!]))))
    expect(writes).toBe(1)
    expect(outcomes.map((outcome) => (outcome.kind === 'stored' ? outcome.sequences[0] : 0))).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  })

  it('one body is stored once for all recipients, and goes with the last of them', async () => {
    const { store, pool } = open('bodies')
    const accounts = await Promise.all(Array.from({ length: 20 }, () => newAccount(store)))
    const body = bytes(70_000)
    await store.append(send(accounts[0]!, accounts, { body }))
    const bodies = async () => (await pool.query<{ n: string }>('SELECT count(*) AS n FROM bodies.bodies')).rows[0]!.n
    expect(await bodies()).toBe('1')
    for (const accountId of accounts.slice(1)) {
      expect(Buffer.from(body).equals((await store.readMailbox(page(accountId)))[0]!.body!)).toBe(true)
      await store.acknowledge(accountId, 1 as DeviceId, 1)
    }
    expect(await bodies()).toBe('1')
    await store.acknowledge(accounts[0]!, 1 as DeviceId, 1)
    expect(await bodies()).toBe('0')
  })

  it('the mailbox of thousands of recipients, in one send', async () => {
    const { store } = open('wide')
    const accounts = await Promise.all(Array.from({ length: 20 }, () => newAccount(store)))
    const many = Array.from({ length: 2_000 }, (_, i) => accounts[i % 20]!)
    const outcome = await store.append(send(accounts[0]!, many))
    expect(outcome.kind === 'stored' && outcome.sequences).toEqual(Array.from({ length: 2_000 }, (_, i) => 1 + Math.floor(i / 20)))
    expect(await store.readMailbox(page(accounts[7]!))).toHaveLength(100)
  })

  it('connections that are cut off: an error that can be tried again, and nothing that was acknowledged is lost or stored twice', async () => {
    const { store } = open('cut')
    const admin = server.pool()
    const [alice, bob] = [await newAccount(store), await newAccount(store)]
    const stored: string[] = []
    let cut = 0
    for (let round = 0; round < 15; round++) {
      const sends = Array.from({ length: 20 }, () => send(alice, [bob]))
      const results = Promise.allSettled(sends.map((one) => store.append(one)))
      await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%cut.%'`)
      for (const [i, result] of (await results).entries()) {
        if (result.status === 'rejected') {
          cut++
          expect(result.reason).toMatchObject({ code: 'server/unavailable' })
          let again: AppendOutcome | undefined
          while (!again) again = await store.append(sends[i]!).catch(() => undefined)
          expect(['stored', 'repeated']).toContain(again.kind)
        } else expect(result.value.kind).toBe('stored')
        stored.push(toBase64Url(sends[i]!.recipients[0]!.envelope))
      }
    }
    expect(cut).toBeGreaterThan(0)
    const rows = await store.readMailbox(page(bob))
    expect(rows.map(({ sequence }) => sequence)).toEqual(stored.map((_, i) => i + 1))
    expect(rows.map(({ envelope }) => toBase64Url(envelope)).sort()).toEqual(stored.sort())
  })

  it('a refused batch of one mailbox that is almost full stores exactly what fits, in order', async () => {
    const { store } = open('almost')
    const [alice, bob] = [await newAccount(store), await newAccount(store)]
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, i) => store.append(send(alice, i % 3 === 0 ? ['AAAAAAAAAAAAAAAAAAAAAA' as AccountId, bob] : [bob], { maxRows: 10 }))),
    )
    expect(kinds(outcomes).filter((kind) => kind === 'unknown-recipient')).toHaveLength(10)
    expect(kinds(outcomes).filter((kind) => kind === 'stored')).toHaveLength(10)
    expect((await store.readMailbox(page(bob))).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1))
  })
})

async function deadlocks(): Promise<number> {
  const pool = server.pool({ max: 1 })
  const { rows } = await pool.query<{ deadlocks: string }>('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')
  await pool.end()
  return Number(rows[0]!.deadlocks)
}
