import type { Conversation } from '@securechat/client'
import { MemoryDisk } from '@securechat/storage'
import { createCrashPoints, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, listenTo, messagesOf, network, received, sent } from '../../src/attack-scene.js'
import { sendLedger } from '../../src/send-ledger.js'

closeNetworks()

/** Every how many-th step is tried: 1 in CI's own run, which takes minutes. Three steps in a row are the shortest time in which order matters. */
const STRIDE = Number(process.env.SECURECHAT_CRASH_STRIDE ?? 3)
const TIMEOUT = STRIDE === 1 ? 1_200_000 : 400_000
/** An end to the search for the last step of a run, should it move on and on. */
const MOST_STEPS = 400

/** Lets a dying client live until it has died or nothing more happens, then starts the next process on the same disk. */
async function reborn(net: TestNetwork, dying: TestClient): Promise<TestClient> {
  dying.kill()
  await net.advance(500)
  return net.client(dying.name, { disk: dying.disk, phone: dying.phone })
}
/** Moves the clock until it is so; a process that waits for the machine must not be taken for one that has ended. */
async function lives(net: TestNetwork, until: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  for (let passed = 0; passed < limitMs && !(await until()); passed += 250) await net.advance(250)
}
const KINDS_OF_STEPS = [...['read', 'commit', 'open', 'send'].flatMap((what) => [`${what} after`, `${what} before`]), 'receive before'].sort()

const expectSound = (net: TestNetwork): void => expect(sendLedger(net.malicious.sends)).toMatchObject({ reused: [], changed: [] })

describe('attack 23: death at every step that outlives the process', () => {
  it('attack 23: while writing and reading: no key carries two texts, nothing is lost or doubled', { timeout: TIMEOUT }, async () => {
    const { net, alice: first, bob, toBob, bobId } = await friends()
    const expected = [...(await received(bob))]
    const answers: string[] = []
    bob.on('message', ({ conversation, message }) => {
      if (message.mine || !message.text.startsWith('text')) return
      answers.push(`answer to ${message.text}`)
      void conversation.send(`answer to ${message.text}`)
    })
    await net.drive(first.close())
    let survived = 0
    let deaths = 0
    const died = new Map<string, number>()
    for (let step = 0; survived < 2 && step < MOST_STEPS; step += STRIDE) {
      const crash = createCrashPoints({ dieAt: step })
      const opening = net.client('Alice', { disk: first.disk, phone: first.phone, crash }).then(async (alice) => {
        const chat = (await alice.conversations.get(toBob.id)) as Conversation
        await chat.send(`text ${step}`)
      })
      // Of a process that dies early nobody gets an answer.
      opening.catch(() => {})
      await lives(net, async () => crash.dead || (await received(bob)).includes(`text ${step}`))
      await lives(net, () => crash.dead, 750)
      if (crash.dead) deaths++
      else survived++
      const last = crash.steps.at(-1)
      if (crash.dead && last) died.set(`${last.what} ${last.when}`, (died.get(`${last.what} ${last.when}`) ?? 0) + 1)
      crash.kill()
      const again = await net.client('Alice', { disk: first.disk, phone: first.phone })
      await net.settle()
      const confirmed = (await sent(again)).find(([text]) => text === `text ${step}`)
      if (confirmed) expected.push(`text ${step}`)
      expect((await received(bob)).filter((text) => text !== '')).toEqual(expected)
      expect((await received(again)).slice(-1)).toEqual(answers.slice(-1).length > 0 ? answers.slice(-1) : ['Hello Alice'])
      expectSound(net)
      await net.drive(again.close())
    }
    expect(survived).toBe(2)
    expect([...died.keys()].length).toBeGreaterThan(4)
    if (STRIDE === 1) expect([...died.keys()].sort()).toEqual(KINDS_OF_STEPS)
    const last = await net.client('Alice', { disk: first.disk, phone: first.phone })
    await net.settle()
    expect((await received(last)).filter((text) => text.startsWith('answer'))).toEqual(answers)
    expect(new Set(expected).size).toBe(expected.length)
    const ledger = sendLedger(net.malicious.sends)
    expect(ledger.keys).toBeGreaterThanOrEqual(expected.length)
    if (STRIDE === 1) expect(ledger.repeated).toBeGreaterThan(0)
    expect(deaths).toBeGreaterThan(50 / STRIDE)
    expect((await last.contacts.get(bobId))?.relation).toBe('accepted')
  })

  it('attack 23: while the first message of a contact is read: once, and its prekey is used up with it', { timeout: TIMEOUT }, async () => {
    const net = await network()
    let bob = await net.client('Bob')
    const bobId = await accountOf(bob)
    await net.drive(bob.close())
    const expected: string[] = []
    let survived = 0
    for (let step = 0; survived < 2 && step < MOST_STEPS; step += STRIDE) {
      const peer = await net.malicious.peer(`Peer ${step}`)
      const toBob = await net.drive(peer.device(bobId))
      const envelopes = [
        await net.drive(peer.encrypt(toBob, { type: 'text', text: `first ${step}` })),
        await peer.encrypt(toBob, { type: 'text', text: `second ${step}` }),
      ]
      await net.drive(peer.send(envelopes.map((envelope) => ({ to: toBob, envelope }))))
      expected.push(`first ${step}`, `second ${step}`)
      const crash = createCrashPoints({ dieAt: step })
      const told: string[] = []
      const life = net.client('Bob', { disk: bob.disk, phone: bob.phone, crash }).then((client) => listenTo(client, told))
      life.catch(() => {})
      // By its events: a process that has died answers no question.
      await lives(net, () => crash.dead || told.includes(`second ${step}`))
      await lives(net, () => crash.dead, 750)
      if (!crash.dead) survived++
      crash.kill()
      bob = await net.client('Bob', { disk: bob.disk, phone: bob.phone })
      await net.settle()
      const all = await messagesOf(bob)
      expect(all.map(({ text }) => text).sort()).toEqual([...expected].sort())
      await net.drive(bob.close())
      await peer.connection.stop()
    }
    expect(survived).toBe(2)
    expectSound(net)
  })

  it('attack 23: while registering and while the first message is written: one account, each message once', { timeout: TIMEOUT }, async () => {
    const net = await network()
    const bob = await net.client('Bob')
    const expected: string[] = []
    let survived = 0
    for (let step = 0; survived < 2 && step < MOST_STEPS; step += 4 * STRIDE - 3) {
      const name = `Alice ${step}`
      const crash = createCrashPoints({ dieAt: step })
      let made: TestClient | undefined
      const disk = new MemoryDisk()
      const phone = `+1415666${1000 + step}`
      const write = async (client: TestClient): Promise<void> => {
        made = client
        const chat = await net.drive(client.conversations.direct({ phone: bob.phone }))
        await chat.send(`from ${step}`)
      }
      const life = net.client(name, { disk, phone, crash }).then(write)
      life.catch(() => {})
      await lives(net, async () => crash.dead || (await received(bob)).includes(`from ${step}`))
      await lives(net, () => crash.dead, 750)
      if (!crash.dead) survived++
      crash.kill()
      // Past the spacing of one-time codes to one number.
      await net.clock.jump(61_000)
      const again = await net.client(name, { disk, phone, replaceKeys: true })
      await net.settle()
      expect((await again.account.state()).status).toBe('signed-in')
      if (!(await sent(again)).some(([text]) => text === `from ${step}`)) await write(again)
      await net.settle()
      expect(made).toBeDefined()
      expected.push(`from ${step}`)
      expect((await received(bob)).sort()).toEqual([...expected].sort())
      await reborn(net, again).then((last) => net.drive(last.close()))
    }
    expect(survived).toBe(2)
    expectSound(net)
  })
})
