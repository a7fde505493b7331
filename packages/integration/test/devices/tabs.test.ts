import type { Conversation } from '@securechat/client'
import { parseEnvelope, SecureChatError, toBase64Url } from '@securechat/protocol'
import {
  type CrashPoints,
  createCrashPoints,
  createTestBrowser,
  type TestBrowser,
  type TestClient,
  type TestNetwork,
  type TestNetworkOptions,
  type TestTab,
} from '@securechat/testing'
import type { Transport } from '@securechat/transport'
import { describe, expect, it } from 'vitest'
import { closeNetworks, listenTo, messagesOf, network, received } from '../../src/attack-scene.js'

closeNetworks()

const tabBrowsers = new WeakMap<TestNetwork, TestBrowser>()

interface Tabs {
  readonly net: TestNetwork
  readonly bob: TestClient
  readonly tabs: readonly TestClient[]
  readonly handles: readonly TestTab[]
}

/** Alice with several tabs, the first of which leads, and Bob, with whom she talks. */
async function open(count: number, { crash, wrap }: { crash?: CrashPoints; wrap?: TestNetworkOptions['wrap'] } = {}): Promise<Tabs> {
  const net = await network({ ...(wrap && { wrap }) })
  const browser = createTestBrowser()
  tabBrowsers.set(net, browser)
  const handles = Array.from({ length: count }, () => browser.tab())
  const first = await net.client('Alice', { tab: handles[0]!, ...(crash && { crash }) })
  const bob = await net.client('Bob')
  const toBob = await net.drive(first.conversations.direct({ phone: bob.phone }))
  await toBob.send('Hello Bob')
  await net.settle()
  const toAlice = (await bob.conversations.get(toBob.id)) as Conversation
  await toAlice.accept()
  await toAlice.send('Hello Alice')
  await net.settle()
  const others: TestClient[] = []
  for (const tab of handles.slice(1)) others.push(await net.client('Alice', { tab, disk: first.disk, phone: first.phone }))
  await net.advance(3_000)
  return { net, bob, tabs: [first, ...others], handles }
}
const chatOf = async (client: TestClient): Promise<Conversation> => {
  const [only] = await client.conversations.list()
  return (await client.conversations.get(only!.id)) as Conversation
}
const statusOf = ({ connection }: TestClient): string => connection.state().status

/** Counts the sockets of Alice's tabs. */
function sockets(): { readonly wrap: NonNullable<TestNetworkOptions['wrap']>; readonly open: () => number; readonly most: () => number } {
  let [open, most] = [0, 0]
  const counted = (inner: Transport): Transport => ({
    kind: inner.kind,
    async open(handlers, options) {
      const onClose: typeof handlers.onClose = (error) => {
        open--
        handlers.onClose(error)
      }
      const channel = await inner.open({ ...handlers, onClose }, options)
      most = Math.max(most, ++open)
      return channel
    },
  })
  return { open: () => open, most: () => most, wrap: (inner, name) => (name === 'Alice' ? counted(inner) : inner) }
}

describe('several tabs', () => {
  it('all of them live: they send, receive, see the connection and are told, though one alone is connected', async () => {
    const { wrap, open: connected, most } = sockets()
    const { net, bob, tabs } = await open(3, { wrap })
    expect(tabs.map(statusOf)).toEqual(['online', 'online', 'online'])
    const heard = tabs.map((tab) => listenTo(tab).messages)
    for (const [index, tab] of tabs.entries()) await (await chatOf(tab)).send(`from tab ${index}`)
    await net.settle()
    expect((await received(bob)).slice(-3)).toEqual(['from tab 0', 'from tab 1', 'from tab 2'])
    await (await chatOf(bob)).send('to all tabs')
    await net.settle()
    expect(heard).toEqual([['to all tabs'], ['to all tabs'], ['to all tabs']])
    const shown = await Promise.all(tabs.map(async (tab) => (await messagesOf(tab)).map(({ text, status }) => [text, status])))
    expect(shown[1]).toEqual(shown[0])
    expect(shown[2]).toEqual(shown[0])
    expect([connected(), most()]).toEqual([1, 1])
  })

  it('what needs the server goes through the tab that leads, with its errors and its abort', async () => {
    const { net, bob, tabs } = await open(2)
    const carol = await net.client('Carol')
    const second = tabs[1]!
    expect((await net.drive(second.contacts.find({ phone: carol.phone })))?.accountId).toBe((await carol.account.state()).accountId)
    expect(await net.drive(second.contacts.find({ phone: '+14155550999' }))).toBeNull()
    await expect(net.drive(second.contacts.find({ phone: tabs[0]!.phone }))).rejects.toMatchObject({ code: 'client/invalid-argument' })
    await net.drive(second.account.setProfile({ name: 'Alice in the second tab' }))
    await net.settle()
    expect((await bob.contacts.list()).map(({ displayName }) => displayName)).toEqual(['Alice in the second tab'])
    const controller = new AbortController()
    const call = second.contacts.find({ phone: '+14155550998' }, { signal: controller.signal })
    controller.abort()
    await expect(net.drive(call)).rejects.toMatchObject({ code: 'request/aborted' })
    expect((await second.account.state()).status).toBe('signed-in')
  })

  it('the next tab takes over when the one that leads is closed; what was queued meanwhile is sent once', async () => {
    const { net, bob, tabs } = await open(3)
    const [first, second, third] = tabs as [TestClient, TestClient, TestClient]
    const closing = first.close()
    await (await chatOf(third)).send('while it closes')
    await net.drive(closing)
    await (await chatOf(second)).send('after it has closed')
    await net.settle()
    expect((await received(bob)).slice(-2)).toEqual(['while it closes', 'after it has closed'])
    expect([statusOf(second), statusOf(third)]).toEqual(['online', 'online'])
    await net.drive(second.close())
    await (await chatOf(third)).send('from the last one')
    await net.settle()
    expect((await received(bob)).at(-1)).toBe('from the last one')
  })

  it('a call that waits when the leading tab ends gets an error that says that it may be repeated', async () => {
    const { net, tabs, handles } = await open(2)
    handles[0]!.freeze()
    const call = tabs[1]!.contacts.find({ phone: '+14155550997' })
    await expect(net.drive(call)).rejects.toMatchObject({ code: 'network/closed', retry: 'later' })
    expect(await net.drive(tabs[1]!.contacts.find({ phone: '+14155550997' }))).toBeNull()
  })

  it('attack 25: a frozen tab’s lead is taken from it; its code goes on and moves no ratchet: every message once, in order', async () => {
    const { wrap, most } = sockets()
    const { net, bob, tabs, handles } = await open(2, { wrap })
    const [first, second] = tabs as [TestClient, TestClient]
    handles[0]!.freeze()
    await net.advance(15_000)
    // Both believe that they lead: one of them is wrong.
    expect([statusOf(second), most()]).toEqual(['online', 2])
    const texts = Array.from({ length: 20 }, (_, n) => `message ${n}`)
    for (const [n, text] of texts.entries()) {
      await (await chatOf(n % 2 ? first : second)).send(text)
      if (n % 5 === 0) await net.advance(500)
      if (n % 7 === 0) await (await chatOf(bob)).send(`answer ${n}`)
    }
    await net.settle()
    expect((await received(bob)).filter((text) => text.startsWith('message'))).toEqual(texts)
    expect((await received(second)).slice(-3)).toEqual(['answer 0', 'answer 7', 'answer 14'])
    handles[0]!.thaw()
    await net.settle()
    expect([statusOf(first), statusOf(second)]).toEqual(['online', 'online'])
    const heard = listenTo(first).messages
    await (await chatOf(bob)).send('to both')
    await (await chatOf(first)).send('from the thawed one')
    await net.settle()
    expect(heard).toEqual(['to both'])
    expect((await received(bob)).at(-1)).toBe('from the thawed one')
    expect((await messagesOf(bob)).filter(({ kind }) => kind !== 'text')).toEqual([])
  })

  it('attack 25: the leading tab dies at any step of a send that another tab has handed to it: it arrives once, under one key', async () => {
    const run = async (dieAt: number | undefined): Promise<CrashPoints> => {
      let armed = false
      const crash = createCrashPoints({ ...(dieAt !== undefined && { dieAt }), from: () => armed })
      const { net, bob, tabs, handles } = await open(2, { crash })
      const ciphertexts = new Map<string, string>()
      const toBob = new Set<string>()
      const { accountId: bobId } = await bob.account.state()
      net.malicious.onSend(({ frame, forward }) => {
        for (const { accountId, envelope } of frame.recipients) {
          if (accountId === bobId) toBob.add(toBase64Url(envelope))
          const decoded = parseEnvelope(envelope)
          if (decoded.kind === 'unknown') throw new Error('an envelope of an unknown kind')
          const { ratchet, ciphertext } = decoded
          const key = `${toBase64Url(ratchet.sessionTag)} ${toBase64Url(ratchet.ratchetKey)} ${ratchet.counter}`
          expect(ciphertexts.get(key) ?? toBase64Url(ciphertext)).toBe(toBase64Url(ciphertext))
          ciphertexts.set(key, toBase64Url(ciphertext))
        }
        return forward()
      })
      armed = true
      await (await chatOf(tabs[1]!)).send('handed over')
      for (let n = 0; n < 40 && !crash.dead; n++) await net.advance(250)
      expect(crash.dead).toBe(dieAt !== undefined)
      if (crash.dead) handles[0]!.die()
      await net.settle()
      expect((await received(bob)).filter((text) => text === 'handed over')).toEqual(['handed over'])
      expect(toBob.size, 'the bytes that one leader has made are those that the next one sends').toBe(1)
      expect((await messagesOf(tabs[1]!)).filter(({ kind, text, status }) => text === 'handed over' && kind === 'text' && status !== 'queued').length).toBe(1)
      expect(statusOf(tabs[1]!)).toBe('online')
      return crash
    }
    const { steps } = await run(undefined)
    const first = steps.findIndex(({ what }) => what === 'commit')
    const points = steps.flatMap(({ what }, n) => (n >= first && what !== 'read' ? [n] : [])).slice(0, 9)
    expect(points.length).toBe(9)
    for (const dieAt of points) await run(dieAt)
  })

  it('a tab that cannot take the lead over leaves it to the next, and does not keep it', async () => {
    const net = await network()
    const browser = createTestBrowser()
    let broken = false
    const inner = createCrashPoints()
    const crash: CrashPoints = {
      ...inner,
      wrapStorage: (storage) => ({
        ...storage,
        async commit(writes, options) {
          if (broken && writes.some((write) => 'put' in write && write.put === 'leader')) throw new SecureChatError('storage/unavailable')
          return storage.commit(writes, options)
        },
      }),
    }
    const first = await net.client('Alice', { tab: browser.tab() })
    const same = { disk: first.disk, phone: first.phone }
    const second = await net.client('Alice', { tab: browser.tab(), ...same, crash })
    const third = await net.client('Alice', { tab: browser.tab(), ...same })
    await net.settle()
    broken = true
    await net.drive(first.close())
    await net.settle()
    expect([statusOf(second), statusOf(third)]).toEqual(['online', 'online'])
    broken = false
    await net.drive(third.close())
    await net.settle()
    expect(statusOf(second)).toBe('online')
  })

  it('a tab that was opened for a call only makes room for one that is started', async () => {
    const net = await network()
    const browser = createTestBrowser()
    const first = await net.client('Alice', { tab: browser.tab(), start: false })
    const second = await net.client('Alice', { tab: browser.tab(), disk: first.disk, phone: first.phone })
    await net.settle()
    expect(statusOf(second)).toBe('online')
    const bob = await net.client('Bob')
    await (await net.drive(second.conversations.direct({ phone: bob.phone }))).send('Hello')
    await net.settle()
    expect(await received(bob)).toEqual(['Hello'])
    expect((await net.drive(first.contacts.find({ phone: bob.phone })))?.phone).toBe(bob.phone)
  })

  it('a tab that signs in signs all of them in, and one that leaves signs all of them out', async () => {
    const net = await network()
    const browser = createTestBrowser()
    const first = await net.client('Alice', { tab: browser.tab(), signedOut: true })
    const second = await net.client('Alice', { tab: browser.tab(), disk: first.disk, phone: first.phone, signedOut: true })
    const login = await net.drive(first.account.requestCode({ phone: first.phone }))
    const other = await net.drive(second.account.requestCode({ phone: first.phone }).catch((error: unknown) => error))
    expect(other).toMatchObject({ code: 'request/rate-limited' })
    await net.drive(login.confirm({ code: net.codes.at(-1)!.code }))
    await first.start()
    await second.start()
    await net.settle()
    expect([statusOf(first), statusOf(second)]).toEqual(['online', 'online'])
    const reasons: string[] = []
    first.on('signed-out', ({ reason }) => void reasons.push(`first ${reason}`))
    second.on('signed-out', ({ reason }) => void reasons.push(`second ${reason}`))
    await net.drive(second.account.logout())
    await net.settle()
    expect(reasons.sort()).toEqual(['first logout', 'second logout'])
    expect((await first.account.state()).status).toBe('signed-out')
  })

  it('after one has left, those that were open and those that are opened next are tabs of one store: one of them is connected, and they go on', async () => {
    const { wrap, open: connected } = sockets()
    const { net, bob, tabs } = await open(2, { wrap })
    const [first, second] = tabs as [TestClient, TestClient]
    await (await chatOf(bob)).send('while she leaves')
    await net.drive(second.account.logout())
    await net.settle()
    // Nothing of what was there, and nothing that the leading tab was about to write.
    const left = ['!format', '!key', '!seal', 'leader', 'store-id']
    expect([...first.disk.entries.keys()].filter((key) => !left.includes(key))).toEqual([])
    await net.advance(31_000)
    const browserOf = tabBrowsers.get(net)!
    const third = await net.client('Alice', { tab: browserOf.tab(), disk: first.disk, phone: first.phone, signedOut: true })
    const login = await net.drive(third.account.requestCode({ phone: first.phone }))
    await net.drive(login.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true }))
    await third.start()
    await net.settle()
    expect([statusOf(first), statusOf(third), connected()]).toEqual(['online', 'online', 1])
    await (await net.drive(third.conversations.direct({ phone: bob.phone }))).send('back again')
    // Not at rest: Bob's receipt waits until he accepts her new key.
    await net.advance(5_000)
    expect((await messagesOf(first)).map(({ text, status }) => [text, status])).toEqual([['back again', 'sent']])
    await net.drive(second.close())
  })

  it('a tab that dies while it leaves does not keep the others from noticing the end of the session', async () => {
    const { net, tabs, handles } = await open(2)
    const [first, second] = tabs as [TestClient, TestClient]
    const reasons: string[] = []
    first.on('signed-out', ({ reason }) => void reasons.push(reason))
    void second.account.logout()
    second.kill()
    handles[1]!.die()
    await net.advance(31_000)
    await net.client('Elsewhere', { phone: first.phone, replaceKeys: true })
    await net.advance(40_000)
    expect(reasons).toEqual(['revoked'])
    expect((await first.account.state()).status).toBe('revoked')
  })
})
