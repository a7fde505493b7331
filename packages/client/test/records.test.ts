import type { AccountId, ConversationId } from '@securechat/protocol'
import { encodeValue, systemClock, systemRandom } from '@securechat/protocol'
import { memoryStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import * as z from 'zod/mini'
import { newConversation } from '../src/state/conversations.js'
import { createDatabase } from '../src/state/database.js'
import { keyOf, QUEUED_ORDER } from '../src/state/keys.js'
import { type MessageRecord, placeMessage, queueMessage, readMessage, writeMessage } from '../src/state/messages.js'
import { addOutbox, firstOutbox, outboxPeers } from '../src/state/outbox.js'
import { defineRecord } from '../src/state/record.js'
import { messageId } from './harness.js'

const conversation = messageId(9) as string as ConversationId
const alice = messageId(1) as string as AccountId
const bob = messageId(2) as string as AccountId

describe('records', () => {
  const record = defineRecord('sample', z.looseObject({ a: z.number() }))

  it('keep fields that a newer version has added', () => {
    const stored = encodeValue({ v: 1, a: 1, later: { deep: [1, 2] } })
    const value = record.decode(stored)
    expect(record.decode(record.encode({ ...value, a: 2 }))).toMatchObject({ a: 2, later: { deep: [1, 2] } })
  })

  it.each([
    ['another version', encodeValue({ v: 2, a: 1 }), 'protocol/unsupported-version'],
    ['no version', encodeValue({ a: 1 }), 'storage/corrupt'],
    ['a wrong type', encodeValue({ v: 1, a: 'x' }), 'storage/corrupt'],
    ['no map', encodeValue(7), 'storage/corrupt'],
    ['damage', Uint8Array.of(0x81, 0xa1), 'storage/corrupt'],
    ['nothing', new Uint8Array(0), 'storage/corrupt'],
  ])('refuse %s with a typed error', (_, bytes, code) => {
    expect(() => record.decode(bytes)).toThrow(expect.objectContaining({ code }))
  })
})

describe('message rows', () => {
  const row = (n: number): MessageRecord => ({
    id: messageId(n),
    conversation,
    sender: alice,
    kind: 'text',
    text: `${n}`,
    sentAt: 0,
    order: 0,
    edited: false,
    reactions: [],
  })

  it('keep queued rows behind all others, and move them when they are sent', async () => {
    const storage = memoryStorage()
    const db = createDatabase(storage, { clock: systemClock, random: systemRandom })
    await db.run(async (tx) => {
      const queued = queueMessage(tx, row(1), newConversation(conversation, bob, 0))
      writeMessage(tx, queued.message)
      expect(queued.message.order).toBe(QUEUED_ORDER)
      const received = placeMessage(tx, { ...row(2), sender: bob }, queued.conversation)
      writeMessage(tx, received.message)
      expect(received.message.order).toBe(1)
      const sent = placeMessage(tx, (await readMessage(tx, conversation, messageId(1)))!, received.conversation)
      writeMessage(tx, sent.message)
      expect(sent.message.order).toBe(2)
    })
    expect((await storage.list('message/')).map(({ key }) => key)).toEqual([keyOf.message(conversation, 1), keyOf.message(conversation, 2)])
    expect(await readMessage(db, conversation, messageId(1))).toMatchObject({ order: 2, text: '1' })
  })
})

describe('outbox', () => {
  it('gives each peer its own row in the order of queueing, and finds every peer', async () => {
    const db = createDatabase(memoryStorage(), { clock: systemClock, random: systemRandom })
    const row = (peer: AccountId, n: number) => ({ peer, conversation, type: 'text', common: Uint8Array.of(n), sendId: messageId(n), queuedAt: 0 })
    await db.run(async (tx) => {
      for (let n = 1; n <= 12; n++) await addOutbox(tx, row(n % 3 === 0 ? bob : alice, n))
    })
    expect((await outboxPeers(db)).sort()).toEqual([alice, bob].sort())
    expect((await firstOutbox(db, alice))?.record.common).toEqual(Uint8Array.of(1))
    expect((await firstOutbox(db, bob))?.record.common).toEqual(Uint8Array.of(3))
  })
})
