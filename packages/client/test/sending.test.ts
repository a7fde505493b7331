import { asSecureChatError, ERRORS, type ErrorCode, parseEnvelope, SecureChatError, type SendFrame } from '@securechat/protocol'
import type { ClientStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import { directConversationId } from '../src/context.js'
import { sendText } from '../src/conversations/commands.js'
import { createManifests } from '../src/devices/manifests.js'
import { classifySendFailure } from '../src/send/failures.js'
import { createSender, type Sender } from '../src/send/pipeline.js'
import { newConversation, readConversation, writeConversation } from '../src/state/conversations.js'
import { listMessages, type MessageRecord } from '../src/state/messages.js'
import { dyingStorage, introduce, manualClock, messageId, type Person, person, rowOf, turns } from './harness.js'
import { receiveAll } from './receiving.js'

async function place(sender: Person, peer: Person) {
  const [self, other] = [await sender.context.identity.self(), await peer.context.identity.self()]
  const conversation = directConversationId(sender.context.provider, self.accountId, other.accountId)
  await sender.context.db.run(async (tx) => {
    if (!(await readConversation(tx, conversation))) writeConversation(tx, newConversation(conversation, other.accountId, 0))
  })
  return { conversation, peer: other.accountId }
}

function startSender(who: Person): { sender: Sender; statuses: (string | undefined)[] } {
  const statuses: (string | undefined)[] = []
  const changed = (tx: { afterCommit(action: () => void): void }, message: MessageRecord): void => tx.afterCommit(() => statuses.push(message.status))
  const sender = createSender(who.context, { manifests: createManifests(who.context), changed })
  sender.start()
  return { sender, statuses }
}

async function pair(seed = 1): Promise<[Person, Person]> {
  const clock = manualClock()
  const people: [Person, Person] = [await person({ seed, clock }), await person({ seed: seed + 1, clock })]
  introduce(people)
  return people
}

const say = async (who: Person, to: Person, n: number) => {
  const there = await place(who, to)
  return who.context.db.run((tx) => sendText(who.context, tx, { place: there, input: { text: `text ${n}`, id: messageId(n) } }))
}
const shown = async (who: Person, to: Person) => {
  const rows = await listMessages(who.context.db, (await place(who, to)).conversation, { limit: 100 })
  return rows.reverse().map(({ text, status, error }) => (error ? [text, status, error.code] : [text, status]))
}
const bytesOf = (frame: SendFrame): string => `${frame.sendId}:${frame.recipients.map(({ envelope }) => Buffer.from(envelope).toString('hex')).join()}`

describe('sending', () => {
  it('queues offline, sends in order when online, and marks as sent what the server has', async () => {
    const [alice, bob] = await pair()
    alice.script.setOnline(false)
    const { sender, statuses } = startSender(alice)
    for (const n of [1, 2, 3]) expect(await say(alice, bob, n)).toMatchObject({ status: 'queued' })
    await turns()
    expect(alice.script.sends).toHaveLength(0)
    alice.script.setOnline(true)
    await turns()
    expect(statuses).toEqual(['sent', 'sent', 'sent'])
    expect(await shown(alice, bob)).toEqual([1, 2, 3].map((n) => [`text ${n}`, 'sent']))
    const received = await receiveAll(bob, await Promise.all(alice.script.sends.map((frame, i) => rowOf(alice, frame, i + 1))))
    expect(received.map(({ text }) => text)).toEqual(['text 1', 'text 2', 'text 3'])
    await sender.stop()
  })

  it('repeats identical bytes under the same id when the answer is lost', async () => {
    const [alice, bob] = await pair()
    let losses = 3
    alice.script.onSend = () => {
      if (losses-- > 0) throw new SecureChatError('request/timeout')
    }
    const { sender } = startSender(alice)
    await say(alice, bob, 1)
    await turns()
    for (let i = 0; i < 4; i++) await alice.clock.advance(10_000)
    expect(alice.script.sends).toHaveLength(4)
    expect(new Set(alice.script.sends.map(bytesOf)).size).toBe(1)
    expect(await shown(alice, bob)).toEqual([['text 1', 'sent']])
    await sender.stop()
  })

  it('encrypts anew for the new list when the server says that it has changed', async () => {
    const [alice, bob] = await pair()
    let refusals = 1
    alice.script.onSend = () => {
      if (refusals-- > 0) throw new SecureChatError('devices/stale-manifest')
    }
    const { sender } = startSender(alice)
    await say(alice, bob, 1)
    await turns()
    expect(alice.script.sends).toHaveLength(2)
    expect(bytesOf(alice.script.sends[0]!)).not.toBe(bytesOf(alice.script.sends[1]!))
    expect(alice.script.sends[0]!.sendId).toBe(alice.script.sends[1]!.sendId)
    const received = await receiveAll(bob, [await rowOf(alice, alice.script.sends[1]!, 1)])
    expect(received.map(({ text }) => text)).toEqual(['text 1'])
    await sender.stop()
  })

  it('a peer that fails blocks nobody else', async () => {
    const [alice, bob] = await pair(1)
    const carol = await person({ seed: 7, clock: alice.clock })
    introduce([alice, bob, carol])
    const { accountId } = await bob.context.identity.self()
    alice.script.onSend = ({ recipients }) => {
      if (recipients[0]!.accountId === accountId) throw new SecureChatError('mailbox/full', { retryAfterSeconds: 60 })
    }
    const { sender } = startSender(alice)
    await say(alice, bob, 1)
    await say(alice, carol, 2)
    await turns()
    expect(await shown(alice, carol)).toEqual([['text 2', 'sent']])
    expect(await shown(alice, bob)).toEqual([['text 1', 'queued']])
    await sender.stop()
  })

  it('shows a permanent refusal as failed and goes on with the next', async () => {
    const [alice, bob] = await pair()
    let refusals = 1
    alice.script.onSend = () => {
      if (refusals-- > 0) throw new SecureChatError('protocol/too-large')
    }
    const { sender, statuses } = startSender(alice)
    await say(alice, bob, 1)
    await say(alice, bob, 2)
    await turns()
    expect(statuses).toEqual(['failed', 'sent'])
    expect(await shown(alice, bob)).toEqual([
      ['text 1', 'failed', 'protocol/too-large'],
      ['text 2', 'sent'],
    ])
    await sender.stop()
  })

  it('the same id is one message', async () => {
    const [alice, bob] = await pair()
    const { sender } = startSender(alice)
    await say(alice, bob, 1)
    await say(alice, bob, 1)
    await turns()
    expect(alice.script.sends).toHaveLength(1)
    expect(await shown(alice, bob)).toEqual([['text 1', 'sent']])
    await sender.stop()
  })

  it('gives every error of the table an action', () => {
    const actions = Object.keys(ERRORS).map((code) => classifySendFailure(asSecureChatError(new SecureChatError(code as ErrorCode), 'server/internal')))
    expect(new Set(actions)).toEqual(new Set(['refresh', 'hold', 'later', 'stop', 'fail']))
    expect(classifySendFailure(new SecureChatError('network/closed'))).toBe('later')
    expect(classifySendFailure(new SecureChatError('request/rate-limited'))).toBe('later')
    expect(classifySendFailure(new SecureChatError('devices/manifest-fork'))).toBe('fail')
    expect(classifySendFailure(new SecureChatError('auth/revoked'))).toBe('stop')
  })
})

describe('a process that dies while sending', () => {
  const deaths = Array.from({ length: 10 }, (_, i) => i + 1).flatMap((at) => [true, false].map((before) => ({ at, before })))

  it.each(deaths)('at commit $at (before it: $before): nothing lost, nothing twice, no key used twice', async ({ at, before }) => {
    const clock = manualClock()
    const first = await person({ seed: 1, clock })
    const bob = await person({ seed: 2, clock })
    introduce([first, bob])
    const there = await place(first, bob)
    // What the user was told to be stored before the death, and everything that left the device.
    const stored: number[] = []
    const frames: SendFrame[] = []
    const live = async (who: Person, texts: readonly number[]): Promise<void> => {
      who.script.onSend = (frame) => void frames.push(frame)
      const { sender } = startSender(who)
      for (const n of texts) {
        const sent = who.context.db.run((tx) => sendText(who.context, tx, { place: there, input: { text: `text ${n}`, id: messageId(n) } }))
        await Promise.race([sent.then(() => stored.push(n)), turns(30)])
      }
      await turns(30)
      void sender.stop()
    }
    // The registration is on the disk: only what follows is counted.
    let storage: ReturnType<typeof dyingStorage> | undefined
    const wrap = (inner: ClientStorage): ClientStorage => {
      storage = dyingStorage(inner, { at, before })
      return storage
    }
    const dying = await person({ seed: 1, clock, disk: first.disk, server: first.server, wrap })
    introduce([dying, bob])
    await live(dying, [1, 2, 3])
    expect(storage?.dead).toBe(true)
    const again = await person({ seed: 1, clock, disk: first.disk, server: first.server })
    introduce([again, bob])
    await live(again, [4])

    // One device's row of one send id is stored once by a server.
    const rows = [...new Map(frames.map((frame) => [frame.sendId, frame])).values()]
    const received = await receiveAll(bob, await Promise.all(rows.map((frame, i) => rowOf(again, frame, i + 1))))
    const texts = received.map(({ text }) => text)
    for (const n of stored) expect(texts).toContain(`text ${n}`)
    expect(new Set(texts).size).toBe(texts.length)
    // No place in a chain is filled twice, and a repetition is the same bytes.
    for (const frame of frames) expect(new Set(frames.filter(({ sendId }) => sendId === frame.sendId).map(bytesOf)).size).toBe(1)
    const places = rows.map(({ recipients }) => {
      const envelope = parseEnvelope(recipients[0]!.envelope)
      if (envelope.kind === 'unknown') throw new Error('an unknown envelope was sent')
      const { sessionTag, ratchetKey, counter } = envelope.ratchet
      return `${Buffer.from(sessionTag).toString('hex')}/${Buffer.from(ratchetKey).toString('hex')}/${counter}`
    })
    expect(new Set(places).size).toBe(places.length)
  })
})
