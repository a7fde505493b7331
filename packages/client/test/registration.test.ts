import { acceptDevice, createManifest, decodeAccountKeys, decodeManifest } from '@securechat/crypto'
import { type DeviceId, SecureChatError } from '@securechat/protocol'
import { type ClientStorage, MemoryDisk } from '@securechat/storage'
import type { LoginContext } from '@securechat/transport'
import { describe, expect, it } from 'vitest'
import { createRegistrar, prepareRegistration } from '../src/account/registration.js'
import { continueWipe, wipe } from '../src/account/sign-out.js'
import { signIn } from '../src/account/tokens.js'
import { judgeChain } from '../src/devices/judge-chain.js'
import { createManifests } from '../src/devices/manifests.js'
import { tendPreKeys } from '../src/devices/prekeys.js'
import { renewManifest } from '../src/devices/renewal.js'
import { readAccount, readRegistration, readTokens, writeTokens } from '../src/state/account.js'
import { KEYS } from '../src/state/keys.js'
import { readPins } from '../src/state/pins.js'
import { listPreKeys, readPreKeys } from '../src/state/prekeys.js'
import { confirmed, dyingStorage, introduce, manualClock, type Person, person, turns } from './harness.js'

const DAY = 86_400_000
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A person whose store is empty, and a server that remembers what was registered. */
async function newcomer(disk: MemoryDisk, uploads: string[], wrap?: (storage: ClientStorage) => ClientStorage): Promise<Person> {
  const server = { manifests: [], preKeys: { signed: new Uint8Array(), lastResort: new Uint8Array(), oneTime: [] } }
  const who = await person({ seed: 4, clock: manualClock(), disk, server, ...(wrap && { wrap }) })
  const answer = who.script.answers['account.register']!
  who.script.answers['account.register'] = (input) => {
    uploads.push(hex(input.manifest))
    return answer(input)
  }
  return who
}
const register = async (who: Person): Promise<void> => {
  await prepareRegistration(who.context, { phone: who.phone, confirmed: confirmed(4), replaceKeys: false })
  await createRegistrar(who.context).complete()
}

describe('registration', () => {
  it.each([1, 2].flatMap((at) => [true, false].map((before) => ({ at, before }))))(
    'survives a death at commit $at (before it: $before): one manifest, one set of keys',
    async ({ at, before }) => {
      const disk = new MemoryDisk()
      const uploads: string[] = []
      // The store exists already: what is counted are the commits of the registration.
      await newcomer(disk, uploads)
      let storage: ReturnType<typeof dyingStorage> | undefined
      const dying = await newcomer(disk, uploads, (inner) => {
        storage = dyingStorage(inner, { at, before })
        return storage
      })
      void register(dying)
      await turns()
      expect(storage?.dead).toBe(true)
      const again = await newcomer(disk, uploads)
      // The next start finishes what is there; where nothing was committed, the person signs in again.
      if (await readRegistration(again.context.db)) await createRegistrar(again.context).complete()
      else if (!(await readAccount(again.context.db))) await register(again)
      expect(new Set(uploads).size).toBe(1)
      expect(await readAccount(again.context.db)).toMatchObject({ status: 'signed-in' })
      expect(await readTokens(again.context.db)).toBeDefined()
      const own = await readPins(again.context.db, again.context.provider, (await again.context.identity.self()).accountId)
      expect(hex(own!.pin.manifest.bytes)).toBe(uploads[0])
      expect(await readRegistration(again.context.db)).toBeUndefined()
    },
  )

  it('repeats the same bytes when the answer was lost', async () => {
    const uploads: string[] = []
    const who = await newcomer(new MemoryDisk(), uploads)
    const answer = who.script.answers['account.register']!
    who.script.answers['account.register'] = (input) => {
      void answer(input)
      throw new SecureChatError('request/timeout')
    }
    await expect(register(who)).rejects.toMatchObject({ code: 'request/timeout' })
    who.script.answers['account.register'] = answer
    await register(who)
    expect(uploads).toHaveLength(2)
    expect(new Set(uploads).size).toBe(1)
  })

  it('asks before it replaces keys, and refuses another account on the same store', async () => {
    const who = await newcomer(new MemoryDisk(), [])
    const known = confirmed(4)
    const exists = {
      ...known,
      account: { ...known.account, exists: true, manifestVersion: 1, manifestHash: new Uint8Array(64), nextDeviceId: known.account.nextDeviceId },
    }
    await expect(prepareRegistration(who.context, { phone: who.phone, confirmed: exists, replaceKeys: false })).rejects.toMatchObject({
      code: 'auth/account-exists',
    })
    await register(who)
    await expect(prepareRegistration(who.context, { phone: who.phone, confirmed: confirmed(5), replaceKeys: false })).rejects.toMatchObject({
      code: 'auth/already-registered',
    })
  })

  it('signs the same device in again with its keys, new prekeys and everything it has', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    const { db, provider, identity } = who.context
    const { accountId, deviceId } = await identity.self()
    const own = (await readPins(db, provider, accountId))!.pin.manifest
    const account = { accountId, exists: true, manifestVersion: own.version, manifestHash: own.hash, nextDeviceId: deviceId }
    const before = (await readPreKeys(db))!
    await prepareRegistration(who.context, { phone: who.phone, confirmed: { ...confirmed(1), account }, replaceKeys: false })
    await createRegistrar(who.context).complete()
    expect(hex(who.server.manifests[0]!)).toBe(hex(own.bytes))
    const after = (await readPreKeys(db))!
    expect(after.nextKeyId).toBe(before.nextKeyId + 2)
    expect((await identity.self()).deviceId).toBe(deviceId)
  })
})

describe('session', () => {
  const login = (who: Person, changes: Partial<LoginContext> = {}): LoginContext => ({
    challenge: new Uint8Array(32),
    call: who.script.connection.call,
    signal: new AbortController().signal,
    ...changes,
  })

  it('offers a good access token, and stores the successor before it uses a refreshed one', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    const { db } = who.context
    expect(await signIn(who.context, login(who))).toMatchObject({ accessToken: 'a'.repeat(20) })
    const next = { accessToken: 'b'.repeat(20), accessExpiresAt: who.clock.now() + 600_000, refreshToken: 's'.repeat(20) }
    who.script.answers['auth.refresh'] = ({ refreshToken }) => {
      expect(refreshToken).toBe('r'.repeat(20))
      return next
    }
    expect(await signIn(who.context, login(who, { rejected: new SecureChatError('auth/expired-token') }))).toMatchObject({ accessToken: 'b'.repeat(20) })
    expect(await readTokens(db)).toMatchObject(next)
  })

  it('asks for the server’s time when the clock is wrong', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    const times: number[] = []
    who.script.answers['server.capabilities'] = () => ({ time: 5_000, capabilities: { versions: [1], features: [], limits: {} } })
    who.script.answers['auth.refresh'] = ({ time }) => {
      times.push(time)
      if (time !== 5_000) throw new SecureChatError('auth/invalid-proof', { detail: 'time' })
      return { accessToken: 'b'.repeat(20), accessExpiresAt: 1, refreshToken: 's'.repeat(20) }
    }
    await signIn(who.context, login(who, { rejected: new SecureChatError('auth/expired-token') }))
    expect(times).toEqual([who.clock.now(), 5_000])
  })

  it.each(['auth/refresh-reused', 'auth/revoked'] as const)('ends with %s: revoked, said once, history kept', async (code) => {
    const who = await person({ seed: 1, clock: manualClock() })
    const reasons: string[] = []
    who.context.events.on('signed-out', ({ reason }) => void reasons.push(reason))
    await who.context.db.run(async (tx) => writeTokens(tx, { accessToken: 'a'.repeat(20), accessExpiresAt: 0, refreshToken: 'r'.repeat(20) }))
    who.script.answers['auth.refresh'] = () => {
      throw new SecureChatError(code)
    }
    expect(await signIn(who.context, login(who))).toBeNull()
    expect(await signIn(who.context, login(who))).toBeNull()
    expect(reasons).toEqual(['revoked'])
    expect(await readAccount(who.context.db)).toMatchObject({ status: 'revoked' })
    expect((await who.context.identity.self()).deviceKeys).toBeDefined()
  })

  it('fails, and does not sign out, when the network fails', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    await expect(signIn(who.context, login(who, { rejected: new SecureChatError('auth/expired-token') }))).rejects.toMatchObject({
      code: 'network/unreachable',
    })
    expect(await readAccount(who.context.db)).toMatchObject({ status: 'signed-in' })
  })

  it.each([1, 2, 3])('erases everything, also when the process dies at commit %i of it', async (at) => {
    const first = await person({ seed: 1, clock: manualClock() })
    const dying = await person({
      seed: 1,
      clock: first.clock,
      disk: first.disk,
      server: first.server,
      wrap: (inner) => dyingStorage(inner, { at, before: false }),
    })
    void wipe(dying.context)
    await turns(10)
    const again = await person({ seed: 1, clock: first.clock, disk: first.disk, server: first.server })
    await continueWipe(again.context)
    expect((await again.context.storage.list('')).map(({ key }) => key)).toEqual(['!format'])
  })
})

describe('prekeys', () => {
  it('are on the disk before the upload, repeated byte for byte, and their ids never used twice', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    const uploads: string[] = []
    who.script.answers['prekeys.count'] = () => ({ oneTime: 10 })
    who.script.answers['prekeys.publish'] = async ({ oneTime = [] }) => {
      expect(await listPreKeys(who.context.db)).toHaveLength(2 + 100 + 90)
      uploads.push(oneTime.map(hex).join())
      if (uploads.length === 1) throw new SecureChatError('network/closed')
      return { oneTime: 100 }
    }
    await expect(tendPreKeys(who.context)).rejects.toMatchObject({ code: 'network/closed' })
    who.script.answers['prekeys.count'] = () => ({ oneTime: 100 })
    await tendPreKeys(who.context)
    expect(uploads).toHaveLength(2)
    expect(new Set(uploads).size).toBe(1)
    expect(await readPreKeys(who.context.db)).toMatchObject({ nextKeyId: 193 })
    expect((await readPreKeys(who.context.db))?.upload).toBeUndefined()
  })

  it('are rotated weekly; the private halves live on for 37 days', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    const { db } = who.context
    const kept = async (): Promise<number[]> => (await listPreKeys(db)).filter(({ record }) => record.type !== 'one-time').map(({ keyId }) => keyId)
    who.script.answers['prekeys.count'] = () => ({ oneTime: 100 })
    who.script.answers['prekeys.publish'] = () => ({ oneTime: 100 })
    await who.clock.advance(8 * DAY)
    await tendPreKeys(who.context)
    expect(await kept()).toEqual([1, 2, 103, 104])
    await who.clock.advance(36 * DAY)
    await tendPreKeys(who.context)
    expect(await kept()).toEqual([1, 2, 103, 104, 105, 106])
    await who.clock.advance(2 * DAY)
    await tendPreKeys(who.context)
    expect(await kept()).toEqual([103, 104, 105, 106])
  })
})

describe('manifests', () => {
  it('are renewed at half their life, committed before the upload and repeated byte for byte', async () => {
    const who = await person({ seed: 1, clock: manualClock() })
    introduce([who])
    const manifests = createManifests(who.context)
    const uploads: string[] = []
    who.script.answers['devices.updateManifest'] = ({ manifest }) => {
      uploads.push(hex(manifest))
      if (uploads.length === 1) throw new SecureChatError('request/timeout')
      who.server.manifests.push(manifest)
      return {}
    }
    await who.clock.advance(14 * DAY)
    await renewManifest(who.context, manifests)
    expect(uploads).toEqual([])
    await who.clock.advance(2 * DAY)
    await expect(renewManifest(who.context, manifests)).rejects.toMatchObject({ code: 'request/timeout' })
    await who.clock.advance(1 * DAY)
    await renewManifest(who.context, manifests)
    expect(uploads).toHaveLength(2)
    expect(new Set(uploads).size).toBe(1)
    const own = await readPins(who.context.db, who.context.provider, (await who.context.identity.self()).accountId)
    expect(own).toMatchObject({ pin: { manifest: { version: 2 } }, past: [{ version: 1 }] })
    await renewManifest(who.context, manifests)
    expect(uploads).toHaveLength(2)
  })

  it('refuse a server that forgets or changes what is pinned', async () => {
    const clock = manualClock()
    const [alice, bob] = [await person({ seed: 1, clock }), await person({ seed: 2, clock })]
    introduce([alice, bob])
    const alerts: string[] = []
    alice.context.events.on('security-alert', ({ error }) => void alerts.push(error.code))
    const manifests = createManifests(alice.context)
    const { accountId } = await bob.context.identity.self()
    await manifests.ensure(accountId)
    alice.script.answers['devices.manifest'] = () => ({ manifests: [], more: false })
    await expect(manifests.refresh(accountId)).rejects.toMatchObject({ code: 'devices/manifest-rollback' })
    // Another manifest of version 1, signed by the true key.
    const keys = decodeAccountKeys((await bob.context.db.get(KEYS.accountKeys))!)
    const real = decodeManifest(bob.context.provider, bob.server.manifests[0]!)
    const other = createManifest(bob.context, { ...real, accountKey: keys, notAfter: real.notAfter - 1 }).bytes
    alice.script.answers['devices.manifest'] = () => ({ manifests: [other], more: false })
    await expect(manifests.refresh(accountId)).rejects.toMatchObject({ code: 'devices/manifest-fork' })
    expect(alerts).toEqual(['devices/manifest-rollback', 'devices/manifest-fork'])
  })

  it('of a changed account key are kept apart until they are accepted', async () => {
    const clock = manualClock()
    const [bob, mallory] = [await person({ seed: 2, clock }), await person({ seed: 3, clock })]
    const { provider } = bob.context
    const first = bob.server.manifests[0]!
    const pinned = judgeChain(provider, { pinned: null, chain: [first], now: clock.now() }).pin
    const keys = decodeAccountKeys((await mallory.context.db.get(KEYS.accountKeys))!)
    const { devices, accountId, notBefore, notAfter, hash } = pinned.manifest
    // A new device under the new key, as a person who lost the old one has it.
    const { deviceKeys } = await mallory.context.identity.self()
    const deviceId = 2 as DeviceId
    const accept = acceptDevice({ provider }, { accountId, accountKey: keys.publicKey, deviceId, deviceKeys })
    const device = { deviceId, signingKey: deviceKeys.signing.publicKey, identityKey: deviceKeys.identity.publicKey, addedVersion: 2, flags: 1, accept }
    const next = createManifest({ provider }, { accountId, accountKey: keys, version: 2, prevHash: hash, notBefore, notAfter, devices: [device] }).bytes
    const judged = judgeChain(provider, { pinned, chain: [first, next], now: clock.now() })
    expect(judged.pin).toBe(pinned)
    expect(judged.candidate?.manifest.devices.map((listed) => listed.deviceId)).toEqual([2])
    // It has to continue what is pinned.
    expect(() => judgeChain(provider, { pinned, chain: [next], now: clock.now() })).toThrow(expect.objectContaining({ code: 'devices/manifest-fork' }))
    // The devices have not agreed to the new account key: refused, not offered.
    const stolen = createManifest({ provider }, { accountId, accountKey: keys, version: 2, prevHash: hash, notBefore, notAfter, devices }).bytes
    expect(() => judgeChain(provider, { pinned, chain: [first, stolen], now: clock.now() })).toThrow(
      expect.objectContaining({ code: 'devices/invalid-manifest' }),
    )
  })
})
