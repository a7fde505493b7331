import type { AccountId, DeviceId } from '@securechat/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { directConversationId } from '../src/context.js'
import { readContact } from '../src/state/contacts.js'
import { readConversation } from '../src/state/conversations.js'
import { keyOf } from '../src/state/keys.js'
import { readOwnProfile } from '../src/state/profile.js'
import { readStamp, writeDue } from '../src/state/sync.js'
import { applyDeviceSync } from '../src/sync/apply.js'
import { SYNC_KINDS } from '../src/sync/registry.js'
import { introduce, manualClock, messageId, type Person, person } from './harness.js'

const DAY = 86_400_000
const OTHER = 2 as DeviceId
let [alice, bob]: Person[] = []
let [bobId, conversation]: string[] = []

beforeEach(async () => {
  const clock = manualClock()
  alice = await person({ seed: 1, clock })
  bob = await person({ seed: 2, clock })
  introduce([alice, bob])
  bobId = (await bob.context.identity.self()).accountId
  conversation = directConversationId(alice.context.provider, (await alice.context.identity.self()).accountId, bobId as AccountId)
})

interface Item {
  readonly kind: string
  readonly key: string
  readonly value: unknown
  readonly at?: number
  readonly by?: number
}
const tell = (...items: Item[]): Promise<void> => {
  const { context } = alice!
  const content = { type: 'device-sync' as const, items: items.map((item) => ({ at: context.clock.now(), by: OTHER, ...item })) }
  return context.db.run((tx) => applyDeviceSync(context, tx, { content, device: OTHER }))
}
const muted = (value: unknown, more: Partial<Item> = {}): Item => ({ kind: 'chat', key: `${conversation}/muted`, value: { peer: bobId, value }, ...more })
const chat = () => readConversation(alice!.context.db, conversation as never)

describe('what another own device says', () => {
  it('counts by its time, then by its device, in whatever order it comes, and however often', async () => {
    const now = alice!.context.clock.now()
    await tell(muted(true, { at: now + 5, by: 2 }))
    for (const older of [muted(false, { at: now + 4, by: 9 }), muted(false, { at: now + 5, by: 1 }), muted(false, { at: now + 5, by: 2 })]) {
      await tell(older)
      expect((await chat())?.muted).toBe(true)
    }
    await tell(muted(false, { at: now + 5, by: 3 }))
    expect((await chat())?.muted).toBe(false)
  })

  it('is not taken where the same was changed here and is not told yet; what is told then is later', async () => {
    const { context } = alice!
    await tell(muted(false))
    await context.db.run(async (tx) => writeDue(tx, 'chat', `${conversation}/muted`))
    const at = context.clock.now() + 1_000
    await tell(muted(true, { at }))
    expect((await chat())?.muted).toBe(false)
    expect(await readStamp(context.db, 'chat', `${conversation}/muted`)).toMatchObject({ at, by: OTHER })
  })

  it('never comes from further ahead than a day: nobody has the last word for ever', async () => {
    const { context } = alice!
    await tell(muted(true, { at: Number.MAX_SAFE_INTEGER }))
    expect((await readStamp(context.db, 'chat', `${conversation}/muted`))?.at).toBe(context.clock.now() + DAY)
    expect((await chat())?.muted).toBe(true)
  })

  it.each<[string, () => Item]>([
    ['a kind of a newer version', () => ({ kind: 'wallpaper', key: 'x', value: 'blue' })],
    ['a chat of other accounts', () => ({ kind: 'chat', key: `${messageId(7)}/muted`, value: { peer: bobId, value: true } })],
    ['a setting that there is not', () => ({ kind: 'chat', key: `${conversation}/colour`, value: { peer: bobId, value: true } })],
    ['a setting of another type', () => muted('yes')],
    ['a value of another shape', () => ({ kind: 'chat', key: `${conversation}/muted`, value: true })],
    ['a peer that is no account', () => ({ kind: 'chat', key: `${conversation}/muted`, value: { peer: 'nobody', value: true } })],
    ['a contact that is no account', () => ({ kind: 'contact', key: 'nobody/relation', value: { relation: 'blocked' } })],
    ['a field of a contact with the value of another one', () => ({ kind: 'contact', key: `${bobId}/phone`, value: { relation: 'blocked' } })],
    ['a relation that there is not', () => ({ kind: 'contact', key: `${bobId}/relation`, value: { relation: 'beloved' } })],
    ['a number that is none', () => ({ kind: 'contact', key: `${bobId}/phone`, value: { phone: '12' } })],
    ['a profile key of another length', () => ({ kind: 'profile', key: 'own', value: { key: new Uint8Array(31), version: 9, name: 'Fool' } })],
    ['somebody else’s profile', () => ({ kind: 'profile', key: 'other', value: { key: new Uint8Array(32), version: 9, name: 'Fool' } })],
    ['a message that is no id', () => ({ kind: 'read', key: `${conversation}/1`, value: true })],
  ])('%s changes nothing, and what stands beside it counts', async (_what, item) => {
    const { db } = alice!.context
    const before = [await readContact(db, bobId as AccountId), await readOwnProfile(db)]
    const rows = (await alice!.context.storage.list('')).length
    const fitting: Item = { kind: 'read', key: `${conversation}/${messageId(3)}`, value: true }
    await tell(item(), fitting)
    expect(await db.get(keyOf.readAhead(conversation as never, messageId(3)))).toBeDefined()
    expect([await readContact(db, bobId as AccountId), await readOwnProfile(db), await chat()]).toEqual([...before, undefined])
    // At most the stamp of what fitted its schema and made no sense.
    expect((await alice!.context.storage.list('')).length).toBeLessThanOrEqual(rows + 2)
  })

  it('kinds have names of their own that never change', () => {
    expect(SYNC_KINDS.map(({ name }) => name)).toEqual(expect.arrayContaining(['chat', 'contact', 'profile', 'read']))
  })
})
