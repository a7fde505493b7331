import { groupView, senderKeys } from '@securechat/crypto/group'
import { LABELS, parseT, T } from '@securechat/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { groupScene, shown } from '../../src/group-scene.js'
import { fields } from '../../src/ratchet-only.js'

let scene: Awaited<ReturnType<typeof groupScene>>
beforeAll(async () => {
  scene = await groupScene()
}, 180_000)
afterAll(() => scene.end())

/** A chain that says that it is Alice's, and whose keys are all Mallory's. */
function chainInAlicesName() {
  const { mallory } = scene
  const as = mallory.device('alice')
  return senderKeys.start(mallory.deps, { view: groupView(mallory.group!), sender: as, replaces: null })
}

describe('attack 36: sender keys that come another way than over the session of their device', () => {
  it('attack 36: a chain in the name of another member is refused over the session of an insider', { timeout: 120_000 }, async () => {
    const { bob, mallory } = scene
    mallory.send('bob', 'sender-key', senderKeys.distribution(chainInAlicesName()))
    const lines = await shown(scene, { name: 'bob', person: bob }, [])
    expect(lines).toEqual(['refused from mallory: crypto/authentication-failed'])
  })

  it('attack 36: nor does the relay put the session in the name of that member, and nothing is read with the chain', { timeout: 120_000 }, async () => {
    const { alice, bob, mallory } = scene
    const own = chainInAlicesName()
    const envelope = mallory.encrypt('bob', fields('sender-key', senderKeys.distribution(own)))
    const plaintext = { common: fields('text', 'forged'), manifest: { version: 1, hash: new Uint8Array(32) } }
    const { message } = senderKeys.encrypt(mallory.deps, { own, view: groupView(mallory.group!), plaintext, devicesRevokedAt: 0 })
    const lines = await shown(scene, { name: 'bob', person: bob }, [
      { from: 'alice', body: fields('pair', envelope) },
      { from: 'alice', body: fields('group', message) },
      { from: 'mallory', body: fields('group', message) },
    ])
    expect(lines.filter((line) => line.startsWith('[group]'))).toEqual([])
    expect(lines[0]).toMatch(/^refused from alice: crypto\/(no-session|authentication-failed)$/)
    alice.do('group-say the true Alice')
    await bob.sees(/^\[group\] alice: the true Alice$/)
  })

  it('attack 36: a known chain is not wound back by its own distribution, so that nothing is read twice', { timeout: 120_000 }, async () => {
    const { bob, mallory } = scene
    const first = senderKeys.start(mallory.deps, { view: groupView(mallory.group!), sender: mallory.account.local, replaces: null })
    mallory.send('bob', 'sender-key', senderKeys.distribution(first))
    const plaintext = { common: fields('text', 'once'), manifest: { version: 1, hash: new Uint8Array(32) } }
    const { message } = senderKeys.encrypt(mallory.deps, { own: first, view: groupView(mallory.group!), plaintext, devicesRevokedAt: 0 })
    const body = fields('group', message)
    expect(await shown(scene, { name: 'bob', person: bob }, [{ from: 'mallory', body }])).toEqual(['[group] mallory: once'])
    mallory.send('bob', 'sender-key', senderKeys.distribution(first))
    const [, ...rest] = parseT(senderKeys.distribution(first), LABELS.senderKeyDistribution)
    mallory.send('bob', 'sender-key', T(LABELS.senderKeyDistribution, Uint8Array.of(2), ...rest))
    expect(await shown(scene, { name: 'bob', person: bob }, [{ from: 'mallory', body }])).toEqual(['refused from mallory: protocol/unsupported-version'])
  })
})
