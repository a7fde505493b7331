import type { Conversation, Message } from '@securechat/client'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, messagesOf, network, received, stateOf } from '../../src/attack-scene.js'

closeNetworks()

const VERSION_AT = 0
const SUITE_AT = 1
const KIND_AT = 2
const FLAGS_AT = 3
const RESERVED_SUITE = 2
/** T("SC1/prekey", suite, …): u8 length, label, u16 count, u32 length of the first field, the suite. */
const PREKEY_SUITE_AT = 1 + 'SC1/prekey'.length + 2 + 4
/** A manifest begins with u8 format and u32 length of its core. */
const MANIFEST_SUITE_AT = 5 + 1 + 'SC1/manifest'.length + 2 + 4
const edited = (bytes: Uint8Array, at: number, value: number): Uint8Array => Uint8Array.from(bytes, (byte, i) => (i === at ? value : byte))

const lastOf = async (client: Parameters<typeof messagesOf>[0], { id }: Pick<Message, 'id'>): Promise<Message | undefined> =>
  (await messagesOf(client)).find((message) => message.id === id)
async function failsWith(net: Awaited<ReturnType<typeof network>>, chat: Conversation, alice: Parameters<typeof messagesOf>[0]): Promise<string | undefined> {
  const message = await chat.send('secret')
  await net.advance(2_000)
  const row = await lastOf(alice, message)
  return row?.status === 'failed' ? row.error?.code : row?.status
}

describe('attack 16: the server edits what says which suite is used', () => {
  it('attack 16: prekeys of another suite, or without the KEM half, make the sending fail', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    const eve = await net.malicious.peer('Eve')
    const { signed, lastResort, oneTime } = await net.drive(eve.bundle(await net.drive(eve.device(chat.peerId))))
    const shown: [string, object, RegExp][] = [
      ['no last-resort key', { signed, oneTime }, /^protocol\/malformed$/],
      ['an empty last-resort key', { signed, lastResort: new Uint8Array(0) }, /^protocol\/malformed$/],
      ['the X25519 prekey in its place', { signed, lastResort: signed }, /^prekeys\/invalid-bundle$/],
      [
        'the one-time pair cut behind its X25519 half',
        { signed, lastResort, oneTime: oneTime!.slice(0, oneTime!.length - 1_184 - 64) },
        /^(prekeys|protocol)\//,
      ],
      ...([0, RESERVED_SUITE, 0xff] as const).map((suite): [string, object, RegExp] => [
        `suite ${suite}`,
        { signed: edited(signed, PREKEY_SUITE_AT, suite), lastResort: edited(lastResort, PREKEY_SUITE_AT, suite) },
        /^protocol\/unsupported-version$/,
      ]),
    ]
    for (const [name, keys, code] of shown) {
      net.malicious.on('prekeys.fetch', () => ({ bundles: [{ deviceId: eve.deviceId, ...(keys as { signed: Uint8Array; lastResort: Uint8Array }) }] }))
      expect(await failsWith(net, chat, alice), name).toMatch(code)
    }
    expect(net.malicious.sends).toEqual([])
  })

  it('attack 16: a device list of another suite makes the sending fail', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    net.malicious.on('devices.manifest', async ({ forward }) => ({
      manifests: (await forward()).manifests.map((bytes) => edited(bytes, MANIFEST_SUITE_AT, RESERVED_SUITE)),
      more: false,
    }))
    const chat = await net.drive(alice.conversations.direct({ phone: bob.phone }))
    expect(await failsWith(net, chat, alice)).toBe('protocol/unsupported-version')
    expect(net.malicious.sends).toEqual([])
  })

  it('attack 16: an envelope whose version, suite, kind or flags were edited is not read, and the session goes on', async () => {
    const { net, bob, toBob } = await friends()
    const edits: [number, number][] = [
      [VERSION_AT, 2],
      [SUITE_AT, 0],
      [SUITE_AT, RESERVED_SUITE],
      [KIND_AT, 2],
      [KIND_AT, 9],
      [FLAGS_AT, 1],
      [FLAGS_AT, 2],
      [FLAGS_AT, 4],
      [FLAGS_AT, 0x80],
    ]
    const hold = net.malicious.onDeliver(({ client, row }) => (client === 'Bob' ? [] : [row]))
    await toBob.send('genuine')
    await net.advance(2_000)
    hold()
    const { row } = net.malicious.rows.filter(({ client }) => client === 'Bob').at(-1)!
    const session = async () => new Map([...(await stateOf(bob))].filter(([key]) => /^(session|prekey|pin)/.test(key)))
    const before = await session()
    const texts = await received(bob)
    for (const [at, value] of edits) {
      net.malicious.deliver('Bob', [{ ...row, envelope: edited(row.envelope, at, value) }])
      await net.advance(1_000)
      expect(await session(), `${at}: ${value}`).toEqual(before)
    }
    // What is of a newer version, or claims it, is shown as something that came and could not be read, never as text.
    expect((await received(bob)).filter((text) => text !== '')).toEqual(texts)
    const kinds = new Set((await messagesOf(bob)).slice(-4).map(({ kind }) => kind))
    expect(kinds.has('unsupported')).toBe(true)
    net.malicious.deliver('Bob', [row])
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('genuine')
  })

  it('attack 16: a first message with another suite byte changes nothing but what is kept for an update', async () => {
    const net = await network()
    const [alice, bob] = [await net.client('Alice'), await net.client('Bob')]
    await net.drive(bob.devices.safetyNumber((await alice.account.state()).accountId!))
    const before = await stateOf(bob)
    net.malicious.onDeliver(({ row }) => [{ ...row, envelope: edited(row.envelope, SUITE_AT, RESERVED_SUITE) }])
    await (await net.drive(alice.conversations.direct({ phone: bob.phone }))).send('secret')
    await net.advance(3_000)
    const after = await stateOf(bob)
    for (const key of after.keys()) if (key.startsWith('held/')) after.delete(key)
    expect([...after.keys()]).toEqual([...before.keys()])
    expect(await received(bob)).toEqual([])
  })
})
