import { encryptMessage, remoteDevice } from '@securechat/crypto'
import { type AccountId, asSecureChatError, ERRORS, type ErrorCode, type MailboxRow, type MessageId, SecureChatError } from '@securechat/protocol'
import { CONTENT_VERSION, type Content, encodeMessageBody, type UnknownContent } from '@securechat/protocol/content'
import type { ClientStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import { acceptContact, blockContact } from '../src/contacts/relation.js'
import { cryptoDeps, directConversationId } from '../src/context.js'
import { createManifests } from '../src/devices/manifests.js'
import { raisedStatus } from '../src/receive/apply.js'
import { classifyReceiveFailure } from '../src/receive/failures.js'
import { recordOf } from '../src/send/ensure-sessions.js'
import { resolveLocal } from '../src/send/resolve-devices.js'
import { readContact } from '../src/state/contacts.js'
import { readConversation } from '../src/state/conversations.js'
import { readCursor } from '../src/state/inbox.js'
import { listMessages, type MessageRecord, writeMessage } from '../src/state/messages.js'
import { readSession, writeSession } from '../src/state/sessions.js'
import { dyingStorage, introduce, manualClock, messageId, type Person, person, turns } from './harness.js'
import { listen, receiveAll } from './receiving.js'

async function pair(): Promise<[Person, Person]> {
  const clock = manualClock()
  const people: [Person, Person] = [await person({ seed: 1, clock }), await person({ seed: 2, clock })]
  introduce(people)
  return people
}
const idOf = async (who: Person): Promise<AccountId> => (await who.context.identity.self()).accountId
const between = async (a: Person, b: Person) => directConversationId(a.context.provider, await idOf(a), await idOf(b))

/** What a peer, honest or not, could send: any body, properly encrypted. */
async function write(
  from: Person,
  to: Person,
  { content, id, sequence, sentAt = 5 }: { content: Content | UnknownContent; id: MessageId; sequence: number; sentAt?: number },
): Promise<MailboxRow> {
  const { context } = from
  const self = await context.identity.self()
  const { pin } = await createManifests(context).ensure(await idOf(to))
  const remote = remoteDevice(pin.manifest, (await to.context.identity.self()).deviceId)
  const conversation = await between(from, to)
  const common = encodeMessageBody({ v: CONTENT_VERSION, id, conversation, sentAt, content })
  const { signed, lastResort } = (await from.script.answers['prekeys.fetch']!({ accountId: remote.accountId, deviceIds: [remote.deviceId] })).bundles[0]!
  const bundle = { signed, lastResort }
  return context.db.run(async (tx) => {
    const { local } = await resolveLocal(tx, context.provider, self)
    const record = recordOf(await readSession(tx, remote), remote)
    const out = encryptMessage(cryptoDeps(context), { record, local, remote, bundle, plaintext: { common, perSession: new Uint8Array(0) } })
    writeSession(tx, remote, out.record)
    return { sequence, time: 7, sender: { accountId: self.accountId, deviceId: self.deviceId }, envelope: out.envelope }
  })
}
const text = (from: Person, to: Person, n: number): Promise<MailboxRow> =>
  write(from, to, { content: { type: 'text', text: `text ${n}` }, id: messageId(n), sequence: n })
const rowsOf = async (who: Person, peer: Person): Promise<MessageRecord[]> =>
  (await listMessages(who.context.db, await between(who, peer), { limit: 100 })).reverse()
const accept = async (who: Person, peer: Person): Promise<void> => {
  const place = { peer: await idOf(peer), conversation: await between(who, peer) }
  await who.context.db.run((tx) => acceptContact(who.context, tx, place))
}

describe('receiving', () => {
  it('applies a batch in one commit and acknowledges after it', async () => {
    const [alice, bob] = await pair()
    await createManifests(bob.context).ensure(await idOf(alice))
    const rows = [await text(alice, bob, 1), await text(alice, bob, 2), await text(alice, bob, 3)]
    const before = bob.disk.clone().counter
    expect((await receiveAll(bob, rows)).map(({ text: value, order }) => [value, order])).toEqual([
      ['text 1', 1],
      ['text 2', 2],
      ['text 3', 3],
    ])
    expect(bob.disk.clone().counter).toBe(before + 1)
    expect(bob.script.acknowledged).toEqual([3])
    expect(await readCursor(bob.context.db)).toBe(3)
  })

  it('shows a stranger as a request and answers nothing', async () => {
    const [alice, bob] = await pair()
    await receiveAll(bob, [await text(alice, bob, 1)])
    expect((await readContact(bob.context.db, await idOf(alice)))?.relation).toBe('request')
    expect(await readConversation(bob.context.db, await between(alice, bob))).toMatchObject({ unread: 1 })
    expect(await bob.context.storage.list('receipt/')).toHaveLength(0)
    expect(await bob.context.storage.list('outbox/')).toHaveLength(0)
    await accept(bob, alice)
    expect(await bob.context.storage.list('receipt/')).toHaveLength(1)
  })

  it('drops what a blocked sender writes, and acknowledges it', async () => {
    const [alice, bob] = await pair()
    await receiveAll(bob, [await text(alice, bob, 1)])
    const peer = await idOf(alice)
    await bob.context.db.run((tx) => blockContact(bob.context, tx, peer))
    expect(await receiveAll(bob, [await text(alice, bob, 2)])).toEqual([])
    expect(await rowsOf(bob, alice)).toHaveLength(1)
    expect(bob.script.acknowledged.at(-1)).toBe(2)
    expect(await bob.context.storage.list('receipt/')).toHaveLength(0)
  })

  it('tells once that the post-quantum ratchet with a device stalls', async () => {
    const [alice, bob] = await pair()
    await receiveAll(bob, [await text(alice, bob, 1)])
    const sender = await alice.context.identity.self()
    // Two weeks without an epoch in which both sides wrote enough for one.
    await bob.context.db.run(async (tx) => {
      const record = await readSession(tx, sender)
      if (!record) throw new Error('a session was made')
      const sessions = record.sessions.map((session) => ({ ...session, ratchet: { ...session.ratchet, pq: { ...session.ratchet.pq, exchanged: 70 } } }))
      writeSession(tx, sender, { ...record, sessions })
    })
    const told: unknown[] = []
    bob.context.events.on('pq-stalled', (event) => void told.push(event))
    await receiveAll(bob, [await text(alice, bob, 2)])
    expect(told).toEqual([])
    await bob.clock.advance(14 * 86_400_000)
    await receiveAll(bob, [await text(alice, bob, 3), await text(alice, bob, 4)])
    expect(told).toEqual([{ accountId: sender.accountId, deviceId: sender.deviceId }])
  })

  it('takes a redelivered row, and one message in two envelopes, once', async () => {
    const [alice, bob] = await pair()
    const first = await text(alice, bob, 1)
    await receiveAll(bob, [first])
    const again = await write(alice, bob, { content: { type: 'text', text: 'text 1' }, id: messageId(1), sequence: 3 })
    expect(await receiveAll(bob, [first, { ...first, sequence: 2 }, again])).toEqual([])
    expect(await rowsOf(bob, alice)).toHaveLength(1)
    expect(bob.script.acknowledged.at(-1)).toBe(3)
  })

  it('neither applies nor acknowledges while the network or the store fails, and goes on afterwards', async () => {
    const [alice, bob] = await pair()
    const rows = [await text(alice, bob, 1), await text(alice, bob, 2)]
    bob.script.setOnline(false)
    const { receiver, received } = listen(bob)
    receiver.deliver(rows)
    await turns()
    await bob.clock.advance(30_000)
    expect(bob.script.acknowledged).toEqual([])
    expect(received).toEqual([])
    bob.script.setOnline(true)
    await bob.clock.advance(60_000)
    await turns()
    expect(received.map(({ text: value }) => value)).toEqual(['text 1', 'text 2'])
    expect(bob.script.acknowledged).toEqual([2])
    await receiver.stop()
  })

  it('drops forged rows without a trace and keeps what comes behind them', async () => {
    const [alice, bob] = await pair()
    const forged = await text(alice, bob, 1)
    forged.envelope[forged.envelope.length - 1]! ^= 1
    const garbage: MailboxRow = { ...forged, sequence: 2, envelope: Uint8Array.of(1, 1, 1, 0, 5, 5) }
    const stranger: MailboxRow = {
      ...(await text(alice, bob, 3)),
      sender: { accountId: messageId(77) as string as AccountId, deviceId: forged.sender!.deviceId },
    }
    bob.script.answers['devices.manifest'] = ((answer) => (input: { accountId: AccountId }) => {
      if (input.accountId === stranger.sender!.accountId) throw new SecureChatError('request/not-found')
      return answer(input)
    })(bob.script.answers['devices.manifest']!)
    const { receiver, received } = listen(bob)
    receiver.deliver([forged, garbage, stranger, await text(alice, bob, 4)])
    await turns()
    expect(received.map(({ text: value }) => value)).toEqual(['text 4'])
    expect(bob.script.acknowledged.at(-1)).toBe(4)
    await receiver.stop()
  })

  it('shows one placeholder for any number of unreadable messages of an accepted contact, and says so', async () => {
    const [alice, bob] = await pair()
    await accept(bob, alice)
    await receiveAll(bob, [await text(alice, bob, 1)])
    const failures: ErrorCode[] = []
    bob.context.events.on('decryption-failed', ({ error, willHeal }) => void (willHeal || failures.push(error.code)))
    const spoilt = await Promise.all([2, 3].map((n) => text(alice, bob, n)))
    for (const { envelope } of spoilt) envelope[envelope.length - 1]! ^= 1
    await receiveAll(bob, [...spoilt, await text(alice, bob, 4)])
    expect((await rowsOf(bob, alice)).map(({ kind, text: value, repeated }) => [kind, value, repeated])).toEqual([
      ['text', 'text 1', undefined],
      ['undecryptable', '', 2],
      ['text', 'text 4', undefined],
    ])
    expect(failures).toEqual(['crypto/authentication-failed', 'crypto/authentication-failed'])
  })

  it('keeps an envelope of a newer version and shows that something came', async () => {
    const [alice, bob] = await pair()
    await accept(bob, alice)
    const row = await text(alice, bob, 1)
    const newer = row.envelope.slice()
    newer[0] = 2
    await receiveAll(bob, [{ ...row, envelope: newer }])
    expect((await rowsOf(bob, alice)).map(({ kind }) => kind)).toEqual(['unsupported'])
    expect(await bob.context.storage.list('held/')).toHaveLength(1)
    expect(bob.script.acknowledged).toEqual([1])
  })

  it('keeps unknown content whole', async () => {
    const [alice, bob] = await pair()
    const content = { type: 'hologram', depth: 3, parts: [{ a: 1 }] }
    await receiveAll(bob, [await write(alice, bob, { content, id: messageId(1), sequence: 1 })])
    const [row] = await rowsOf(bob, alice)
    expect(row).toMatchObject({ kind: 'unsupported', text: '' })
    const body = encodeMessageBody({ v: CONTENT_VERSION, id: messageId(1), conversation: await between(alice, bob), sentAt: 5, content })
    expect(Buffer.from(row!.body!).equals(Buffer.from(body))).toBe(true)
  })

  it('lets only the author edit and delete, and anybody react once', async () => {
    const [alice, bob] = await pair()
    await accept(bob, alice)
    await receiveAll(bob, [await text(alice, bob, 1)])
    const conversation = await between(alice, bob)
    const own: MessageRecord = {
      id: messageId(50),
      conversation,
      sender: await idOf(bob),
      kind: 'text',
      text: 'mine',
      sentAt: 0,
      order: 40,
      status: 'sent',
      edited: false,
      reactions: [],
    }
    await bob.context.db.run(async (tx) => writeMessage(tx, own))
    let sequence = 1
    const from = (content: Content): Promise<MailboxRow> => write(alice, bob, { content, id: messageId(100 + ++sequence), sequence })
    const rows = [
      await from({ type: 'edit', target: own.id, text: 'yours' }),
      await from({ type: 'delete', target: own.id }),
      await from({ type: 'edit', target: messageId(99), text: 'nothing' }),
      await from({ type: 'reaction', target: own.id, emoji: '👍' }),
      await from({ type: 'reaction', target: own.id, emoji: '👎' }),
      await from({ type: 'edit', target: messageId(1), text: 'better' }),
    ]
    await receiveAll(bob, rows)
    const [first, second] = await rowsOf(bob, alice)
    expect(first).toMatchObject({ text: 'better', edited: true })
    expect(second).toMatchObject({ kind: 'text', text: 'mine', edited: false, reactions: [{ accountId: await idOf(alice), emoji: '👎' }] })
    // Nothing but the first message is worth a receipt.
    expect(await bob.context.storage.list('receipt/')).toHaveLength(1)
    await receiveAll(bob, [await from({ type: 'delete', target: messageId(1) })])
    expect((await rowsOf(bob, alice))[0]).toMatchObject({ kind: 'deleted', text: '' })
  })

  it('refuses a body that belongs to another conversation', async () => {
    const [alice, bob] = await pair()
    const carol = await person({ seed: 3, clock: alice.clock })
    introduce([alice, bob, carol])
    await receiveAll(bob, [await text(alice, bob, 1)])
    // Written for Bob's device, but naming the conversation of Bob and Carol: the body is made as if between those.
    const lie = encodeMessageBody({
      v: CONTENT_VERSION,
      id: messageId(2),
      conversation: await between(bob, carol),
      sentAt: 1,
      content: { type: 'text', text: 'lie' },
    })
    const self = await alice.context.identity.self()
    const { pin } = await createManifests(alice.context).ensure(await idOf(bob))
    const remote = remoteDevice(pin.manifest, (await bob.context.identity.self()).deviceId)
    const { local } = await resolveLocal(alice.context.db, alice.context.provider, self)
    const record = await readSession(alice.context.db, remote)
    const { envelope } = encryptMessage(cryptoDeps(alice.context), { record, local, remote, plaintext: { common: lie, perSession: new Uint8Array(0) } })
    const sender = { accountId: self.accountId, deviceId: self.deviceId }
    expect(await receiveAll(bob, [{ sequence: 2, time: 1, sender, envelope }])).toEqual([])
    expect(await readConversation(bob.context.db, await between(bob, carol))).toBeUndefined()
    expect(bob.script.acknowledged.at(-1)).toBe(2)
  })

  it('only ever raises a status', () => {
    expect(raisedStatus('sent', 'delivered')).toBe('delivered')
    expect(raisedStatus('queued', 'read')).toBe('read')
    expect(raisedStatus('failed', 'delivered')).toBe('delivered')
    expect(raisedStatus('read', 'delivered')).toBe('read')
    expect(raisedStatus(undefined, 'read')).toBeUndefined()
  })

  it('gives every error of the table an action, and acknowledges nothing that may still succeed', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const action = classifyReceiveFailure(asSecureChatError(new SecureChatError(code), 'server/internal'))
      if (code.startsWith('network/') || code.startsWith('request/') || (code.startsWith('storage/') && code !== 'storage/corrupt'))
        expect([code, action]).toEqual([code, 'later'])
    }
  })
})

describe('a process that dies while receiving', () => {
  const deaths = [1, 2, 3, 4].flatMap((at) => [true, false].map((before) => ({ at, before })))

  it.each(deaths)('at commit $at (before it: $before): each message once, acknowledged only when it is stored', async ({ at, before }) => {
    const [alice, first] = await pair()
    const rows: MailboxRow[] = []
    for (let n = 1; n <= 6; n++) rows.push(await text(alice, first, n))
    let storage: ReturnType<typeof dyingStorage> | undefined
    const wrap = (inner: ClientStorage): ClientStorage => {
      storage = dyingStorage(inner, { at, before })
      return storage
    }
    const dying = await person({ seed: 2, clock: alice.clock, disk: first.disk, server: first.server, wrap })
    introduce([alice, dying])
    const { receiver } = listen(dying)
    // In three deliveries: the list of the sender, then a commit each.
    for (const part of [rows.slice(0, 2), rows.slice(2, 4), rows.slice(4)]) {
      receiver.deliver(part)
      await turns(20)
    }
    expect(storage?.dead).toBe(true)
    const acknowledged = dying.script.acknowledged.at(-1) ?? 0

    const again = await person({ seed: 2, clock: alice.clock, disk: first.disk, server: first.server })
    introduce([alice, again])
    expect(await readCursor(again.context.db)).toBeGreaterThanOrEqual(acknowledged)
    // The server has deleted what was acknowledged and delivers the rest again.
    await receiveAll(
      again,
      rows.filter(({ sequence }) => sequence > acknowledged),
    )
    expect((await rowsOf(again, alice)).map(({ text: value }) => value)).toEqual(rows.map(({ sequence }) => `text ${sequence}`))
    expect(again.script.acknowledged.at(-1)).toBe(6)
  })
})
