import { decodeSession, encodeSession, type SessionRecord } from '@securechat/crypto'
import { type AccountId, type ConversationId, type DeviceId, idFromBytes, LIMITS, systemClock, systemRandom } from '@securechat/protocol'
import { memoryStorage } from '@securechat/storage'
import { expect, it } from 'vitest'
import { createDatabase } from '../src/state/database.js'
import { writeSent } from '../src/state/healing.js'
import { KEYS, keyOf, PREFIX } from '../src/state/keys.js'
import { writePreKey } from '../src/state/prekeys.js'
import { sweep } from '../src/state/sweep.js'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 0, 1)
const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill)

it('forgets handshakes whose prekeys are gone, and bodies that nobody may ask for any more', async () => {
  const db = createDatabase(memoryStorage(), { clock: systemClock, random: systemRandom })
  const peer = idFromBytes<AccountId>(bytes(7, 16))
  const seen = (id: number) => ({ signedPreKeyId: 1, kemKeyId: id, ephemeralKey: bytes(id) })
  const record: SessionRecord = {
    peer: { accountKey: bytes(1), signingKey: bytes(2), identityKey: bytes(3) },
    nextGeneration: 4,
    sessions: [],
    seen: [seen(2), seen(3)],
  }
  const key = keyOf.session(peer, 1 as DeviceId)
  const body = { peer, conversation: idFromBytes<ConversationId>(bytes(8, 16)), type: 'text', common: bytes(9), copies: [] }
  await db.run(async (tx) => {
    for (const id of [1, 2]) writePreKey(tx, id, { private: bytes(id), type: 'signed', created: NOW })
    tx.put(key, encodeSession(record))
    writeSent(tx, `${PREFIX.sent}${peer}/0000000000000001`, { ...body, at: NOW - LIMITS.retryDays * DAY - 1 })
    writeSent(tx, `${PREFIX.sent}${peer}/0000000000000002`, { ...body, at: NOW - LIMITS.retryDays * DAY })
  })
  await sweep({ db }, NOW)
  const pruned = decodeSession((await db.get(key))!)
  expect(pruned.seen).toEqual([seen(2)])
  expect(pruned.nextGeneration).toBe(4)
  expect((await db.list(PREFIX.sent)).map(({ key: kept }) => kept.slice(-1))).toEqual(['2'])
  expect(await db.get(KEYS.renewals)).toBeUndefined()
})
