import { concatBytes } from '@securechat/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chainOf, forgedMessage, groupScene, messageKeyAt, shown } from '../../src/group-scene.js'
import { fields } from '../../src/ratchet-only.js'

let scene: Awaited<ReturnType<typeof groupScene>>
beforeAll(async () => {
  scene = await groupScene()
}, 180_000)
afterAll(() => scene.end())

describe('attack 35: a member with every chain key, and the relay on her side', () => {
  it('attack 35: an insider with the chain key cannot speak as another member, nor move her chain', { timeout: 120_000 }, async () => {
    const { alice, bob, mallory } = scene
    alice.do('group-say genuine 0')
    await bob.sees(/^\[group\] alice: genuine 0$/)
    await mallory.until(() => mallory.distributions.has('alice'))
    const distribution = mallory.distributions.get('alice')!
    const { chainId } = chainOf(distribution)
    const as = mallory.device('alice')
    const { account, deps } = mallory
    const other = deps.provider.ed25519KeyPair(deps.random(32)).secretKey
    const forgeries = [1, 2, 400].flatMap((counter) =>
      [account.local.deviceKeys.signing.secretKey.expose(), other].map((signingKey) =>
        forgedMessage(mallory, { chainId, counter, as, messageKey: messageKeyAt(mallory, distribution, counter), text: 'forged', signingKey }),
      ),
    )
    const lines = await shown(
      scene,
      { name: 'bob', person: bob },
      forgeries.map((message) => ({ from: 'alice', body: fields('group', message) })),
    )
    expect(lines).toEqual(forgeries.map(() => 'refused from alice: crypto/invalid-signature'))
    // Not even a gap is left: the next message of the true Alice is the next of her chain.
    alice.do('group-say genuine 1')
    expect(await bob.sees(/^\[group\] alice: /)).toBe('[group] alice: genuine 1')
  })

  it('attack 35: a genuine message shown as that of another member is refused', { timeout: 120_000 }, async () => {
    const { alice, bob, mallory, relay } = scene
    const seen: Uint8Array[] = []
    relay.onSend = ({ to, body }) => {
      if (to === 'bob') seen.push(body)
      return [body]
    }
    alice.do('group-say said by Alice')
    await bob.sees(/^\[group\] alice: said by Alice$/)
    relay.onSend = ({ body }) => [body]
    const body = seen.at(-1)!
    // Mallory even gives out Alice's own chain as hers, for Bob to find one.
    mallory.send('bob', 'sender-key', mallory.distributions.get('alice') ?? concatBytes())
    const lines = await shown(scene, { name: 'bob', person: bob }, [{ from: 'mallory', body }])
    expect(lines.filter((line) => line.startsWith('[group]'))).toEqual([])
    expect(lines).toContain('refused from mallory: crypto/authentication-failed')
  })
})
