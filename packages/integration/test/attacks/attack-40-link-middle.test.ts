import { generateAccountKeys, generateDeviceKeys } from '@securechat/crypto'
import { answerLink, createLinkOffer, linkMeeting } from '@securechat/crypto/linking'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { type AccountId, type DeviceId, fromBase64Url, idFromBytes, toBase64Url } from '@securechat/protocol'
import { seededRandom, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { closeNetworks, network } from '../../src/attack-scene.js'

closeNetworks()

const provider = await sodiumProvider()
const random = seededRandom(40).bytes
const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'went through',
    (error: { code?: string }) => error.code ?? String(error),
  )

async function scene(): Promise<{ net: TestNetwork; alice: TestClient; tablet: TestClient }> {
  const net = await network()
  return { net, alice: await net.client('Alice'), tablet: await net.client('Tablet', { signedOut: true }) }
}

/** Nobody has joined, and nobody was told so. */
async function expectNothing(alice: TestClient, tablet: TestClient): Promise<void> {
  expect(await alice.devices.list()).toHaveLength(1)
  expect((await tablet.account.state()).status).toBe('signed-out')
}

describe('attack 40: a server between the two devices of a link', () => {
  it('attack 40: another ML-KEM key than the code’s ends the attempt before anything is answered', async () => {
    const { net, alice, tablet } = await scene()
    const request = await net.drive(tablet.devices.requestLink())
    const { kemKey } = createLinkOffer({ provider, random, now: net.clock.now() }, generateDeviceKeys({ provider, random }))
    const answers: unknown[] = []
    net.malicious.on('links.read', async ({ forward }) => ({ ...(await forward()), kemKey }))
    net.malicious.on('links.answer', async ({ input, forward }) => {
      answers.push(input)
      return forward()
    })
    expect(await refusal(net.drive(alice.devices.scanLink(request.code)))).toBe('crypto/authentication-failed')
    expect(answers).toEqual([])
    await expectNothing(alice, tablet)
  })

  it('attack 40: an answer of the server’s own does not open, whatever of the code it has not seen it guesses', async () => {
    const { net, alice, tablet } = await scene()
    const request = await net.drive(tablet.devices.requestLink())
    const code = fromBase64Url(request.code)
    // The server knows everything of the code but its secret, the sixth field of seven (16 bytes, before the time).
    const guessed = code.slice()
    guessed.fill(0, code.length - 12 - 16, code.length - 12)
    const accountKey = generateAccountKeys({ provider, random }).publicKey
    net.malicious.on('links.read', async ({ forward }) => {
      const there = await forward()
      const account = { accountId: idFromBytes<AccountId>(random(16)), accountKey, deviceId: 2 as DeviceId, payload: new Uint8Array(10) }
      return { ...there, answer: answerLink({ provider, random, now: net.clock.now() }, { ...account, code: guessed, kemKey: there.kemKey }).answer }
    })
    expect(await refusal(net.drive(request.answered()))).toBe('crypto/authentication-failed')
    await expectNothing(alice, tablet)
  })

  it('attack 40: an answer that is changed on its way, at any of its parts, does not open', async () => {
    for (const at of [0, 1, 2, 40, 34 + 1_088, 34 + 1_088 + 32 + 5, -1]) {
      const { net, alice, tablet } = await scene()
      const request = await net.drive(tablet.devices.requestLink())
      await net.drive(alice.devices.scanLink(request.code))
      net.malicious.on('links.read', async ({ forward }) => {
        const there = await forward()
        const answer = there.answer!.slice()
        answer[at < 0 ? answer.length + at : at]! ^= 1
        return { ...there, answer }
      })
      expect(['crypto/authentication-failed', 'crypto/invalid-key', 'protocol/unsupported-version']).toContain(await refusal(net.drive(request.answered())))
      await expectNothing(alice, tablet)
    }
  })

  it('attack 40: a confirmation that is not of the answered device lists nobody', async () => {
    const { net, alice, tablet } = await scene()
    const request = await net.drive(tablet.devices.requestLink())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    await net.drive(request.answered())
    for (const confirmation of [new Uint8Array(98), Uint8Array.of(1, 1, ...random(96))]) {
      net.malicious.on('links.read', async ({ forward }) => ({ ...(await forward()), confirmation }))
      expect(['crypto/authentication-failed', 'protocol/unsupported-version']).toContain(await refusal(net.drive(scan.approve(scan.digits))))
    }
    await expectNothing(alice, tablet)
  })

  it('attack 40: a manifest that another account has signed, or that lists another key, is not believed', async () => {
    const { net, alice, tablet } = await scene()
    const mallory = await net.malicious.peer('Mallory')
    const request = await net.drive(tablet.devices.requestLink())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    const manifests = [mallory.manifest.bytes]
    net.malicious.on('links.read', async ({ forward }) => {
      const there = await forward()
      return there.manifest ? { ...there, manifest: manifests[0]! } : there
    })
    const [approved, confirmed] = await net.drive(Promise.all([refusal(scan.approve(scan.digits)), refusal(invitation.confirm())]))
    expect(approved).toBe('went through')
    expect(confirmed).toBe('devices/invalid-manifest')
    expect((await tablet.account.state()).status).toBe('signed-out')
  })

  it('attack 40: the server learns no more of a code than where the devices meet', async () => {
    const { net, alice, tablet } = await scene()
    const seen: unknown[] = []
    for (const name of ['links.open', 'links.read', 'links.answer', 'links.confirm', 'links.finish'] as const)
      net.malicious.on(name, async ({ input, forward }) => {
        seen.push(input)
        return forward()
      })
    const request = await net.drive(tablet.devices.requestLink())
    const scan = await net.drive(alice.devices.scanLink(request.code))
    const invitation = await net.drive(request.answered())
    await net.drive(Promise.all([scan.approve(invitation.digits), invitation.confirm()]))
    const code = fromBase64Url(request.code)
    const secret = Buffer.from(code.subarray(code.length - 12 - 16, code.length - 12))
    const linkId = toBase64Url(linkMeeting(provider, code))
    expect(seen.length).toBeGreaterThan(4)
    for (const input of seen as { linkId: string; [part: string]: unknown }[]) {
      expect(input.linkId).toBe(linkId)
      for (const part of Object.values(input)) if (part instanceof Uint8Array) expect(Buffer.from(part).includes(secret)).toBe(false)
    }
    expect(await alice.devices.list()).toHaveLength(2)
  })
})
