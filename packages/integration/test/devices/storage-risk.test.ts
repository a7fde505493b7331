import type { StorageState } from '@securechat/client'
import type { KeepingState, StorageKeeping } from '@securechat/storage'
import { createTestNetwork, type TestNetwork } from '@securechat/testing'
import { afterEach, describe, expect, it } from 'vitest'

const networks: TestNetwork[] = []
afterEach(async () => {
  for (const network of networks.splice(0)) await network.close()
})

/** What a browser would say, and the mark that lies beside the store. */
function keeping() {
  const state = {
    persisted: true,
    gone: false,
    full: false,
    usageBytes: 10 as number | undefined,
    quotaBytes: 1_000_000_000 as number | undefined,
    marked: false,
    agrees: true,
  }
  const port: StorageKeeping = {
    state: async (): Promise<KeepingState> => state,
    async request() {
      state.persisted ||= state.agrees
      return state.persisted
    },
    marked: () => state.marked,
    mark(worth) {
      state.marked = worth
    },
  }
  return { state, port }
}
async function scene() {
  const net = await createTestNetwork()
  networks.push(net)
  const { state, port } = keeping()
  const alice = await net.client('Alice', { keeping: port })
  const told: StorageState[] = []
  alice.on('storage-at-risk', (now) => void told.push(now))
  return { net, state, port, alice, told }
}

describe('what the browser may do to the store', () => {
  it('is told once for each risk, at the start and as it comes up', async () => {
    const { net, state, alice, told } = await scene()
    await net.settle()
    expect((await alice.storage.state()).risks).toEqual([])
    state.persisted = false
    await net.clock.jump(3_600_000)
    await net.settle()
    expect(told.map(({ risks }) => risks)).toEqual([['not-persistent']])
    await net.clock.jump(3_600_000)
    await net.settle()
    expect(told).toHaveLength(1)
    Object.assign(state, { usageBytes: 940_000_000 })
    await net.clock.jump(3_600_000)
    await net.settle()
    expect(told.at(-1)).toEqual({ risks: ['not-persistent', 'quota-low'], usageBytes: 940_000_000, quotaBytes: 1_000_000_000 })
    expect((await alice.storage.keep()).risks).toEqual(['quota-low'])
  })

  it('64 MiB are enough of a large quota, a tenth of a small one, and what is not said is not low', async () => {
    const { state, alice } = await scene()
    const risks = async (usageBytes: number | undefined, quotaBytes: number | undefined) => {
      Object.assign(state, { usageBytes, quotaBytes })
      return (await alice.storage.state()).risks
    }
    const MIB = 1_048_576
    expect(await risks(936 * MIB, 1_000 * MIB)).toEqual([])
    expect(await risks(936 * MIB + 1, 1_000 * MIB)).toEqual(['quota-low'])
    expect(await risks(90 * MIB, 100 * MIB)).toEqual([])
    expect(await risks(90 * MIB + 1, 100 * MIB)).toEqual(['quota-low'])
    expect(await risks(undefined, undefined)).toEqual([])
    state.full = true
    expect(await risks(1, 1_000 * MIB)).toEqual(['quota-low'])
  })

  it('a store that was deleted is lost until somebody signs in, and not after a logout', async () => {
    const { net, state, port, alice } = await scene()
    await net.settle()
    expect(state.marked).toBe(true)
    await net.drive(alice.close())
    const empty = await net.client('Alice again', { keeping: port, phone: alice.phone, signedOut: true })
    expect((await empty.storage.state()).risks).toEqual(['lost'])
    await net.clock.jump(300_000)
    const login = await net.drive(empty.account.requestCode({ phone: alice.phone }))
    await net.drive(login.confirm({ code: net.codes.at(-1)!.code, replaceKeys: true }))
    expect((await empty.storage.state()).risks).toEqual([])
    await empty.start()
    await net.settle()
    await net.drive(empty.account.logout())
    expect(state.marked).toBe(false)
    expect((await empty.storage.state()).risks).toEqual([])
  })

  it('a store that is deleted under the client is lost at once', async () => {
    const { net, state, told } = await scene()
    await net.settle()
    state.gone = true
    await net.clock.jump(3_600_000)
    await net.settle()
    expect(told.at(-1)?.risks).toEqual(['lost'])
  })

  it('where nobody throws stores away there are no risks', async () => {
    const { net } = await scene()
    const bob = await net.client('Bob')
    expect(await bob.storage.state()).toEqual({ risks: [] })
    expect(await bob.storage.keep()).toEqual({ risks: [] })
  })
})
