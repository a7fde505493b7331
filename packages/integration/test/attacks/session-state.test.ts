import { createClient } from '@securechat/client'
import { SecureChatError } from '@securechat/protocol'
import { memoryStorage } from '@securechat/storage'
import { describe, expect, it } from 'vitest'
import { closeNetworks, friends, network } from '../../src/attack-scene.js'

closeNetworks()

const MINUTE = 60_000

describe('the state that a client shows', () => {
  it('a login that is refused again and again is a session that is over, in both states; signing in goes on with the same store', async () => {
    const { net, alice } = await friends()
    const reasons: string[] = []
    alice.on('signed-out', ({ reason }) => void reasons.push(reason))
    const end = net.malicious.on('auth.refresh', async () => {
      throw new SecureChatError('auth/invalid-proof')
    })
    await net.clock.jump(11 * MINUTE)
    await net.advance(30_000)
    expect(alice.connection.state().status).toBe('signed-out')
    expect((await alice.account.state()).status).toBe('revoked')
    expect(reasons).toEqual(['revoked'])
    end()
    const login = await net.drive(alice.account.requestCode({ phone: alice.phone }))
    await net.drive(login.confirm({ code: net.codes.filter(({ phone }) => phone === alice.phone).at(-1)!.code }))
    await net.settle()
    expect([(await alice.account.state()).status, alice.connection.state().status]).toEqual(['signed-in', 'online'])
  })

  it('a waiting tab notices that another one has signed out', async () => {
    const net = await network()
    const alice = await net.client('Alice')
    const reasons: string[] = []
    const waiting = await createClient({
      storage: memoryStorage({ disk: alice.disk }),
      transport: { kind: 'none', open: () => new Promise(() => {}) },
      clock: net.clock,
      lock: {
        acquire: (_, { signal, onWait }) => {
          onWait()
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new SecureChatError('request/aborted'))))
        },
      },
    })
    waiting.on('signed-out', ({ reason }) => void reasons.push(reason))
    void waiting.start()
    await net.settle()
    expect(waiting.connection.state().status).toBe('waiting-for-tab')
    expect((await waiting.account.state()).status).toBe('signed-in')
    await net.drive(alice.account.logout())
    await net.settle()
    expect(reasons).toEqual(['logout'])
    expect((await waiting.account.state()).status).toBe('signed-out')
    await net.drive(waiting.close())
  })
})
