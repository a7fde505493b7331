// @vitest-environment happy-dom
import {
  type AccountState,
  type Client,
  type LinkInvitation,
  type LinkScan,
  type OwnDevice,
  type PromotionInvitation,
  SecureChatError,
  type StoreLockInfo,
} from '@securechat/client'
import { act, cleanup } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { useDeviceAlerts, useDevices, useLinkRequest, useLinkScan, usePromotionRequest, useStorageState, useStoreLocks } from '../src/index.js'
import { accountId, FakeLive, fakeClient } from './fake-client.js'
import { hookIn, settle } from './render.js'

afterEach(cleanup)

const deviceId = (id: number) => id as OwnDevice['deviceId']
const device: OwnDevice = { deviceId: deviceId(1), addedVersion: 1, primary: true, current: true }

const withDevices = (changes: Partial<Client['devices']>): Client => {
  const { client } = fakeClient()
  return { ...client, devices: { ...client.devices, ...changes } }
}
const settled = () => act(settle)

/** A promise and what settles it. */
function later<T>() {
  let resolve = (_: T): void => undefined
  let reject = (_: Error): void => undefined
  const promise = new Promise<T>((done, fail) => {
    resolve = done
    reject = fail
  })
  return { promise, resolve, reject }
}

test('useDevices and useDeviceAlerts: live lists', () => {
  const list = new FakeLive<readonly OwnDevice[]>()
  const alerts = new FakeLive<readonly { id: string; kind: 'added'; at: number }[]>([])
  const client = withDevices({ live: () => list, alerts: { list: async () => [], live: () => alerts, acknowledge: async () => undefined } })
  const { result } = hookIn(client, () => ({ devices: useDevices(), alerts: useDeviceAlerts() }))
  expect(result.current.devices.status).toBe('loading')
  act(() => list.set([device]))
  act(() => alerts.set([{ id: 'a', kind: 'added', at: 1 }]))
  expect(result.current.devices.data).toEqual([device])
  expect(result.current.alerts.data).toHaveLength(1)
})

const invitation = (confirm: LinkInvitation['confirm']): LinkInvitation => ({
  accountId: accountId('alice'),
  phone: '+14155550100',
  digits: '204917',
  expiresAt: 99,
  confirm,
})

test('useLinkRequest: a code, renewed when it expires, then the answer, then the word of the person', async () => {
  const answers: ReturnType<typeof later<LinkInvitation>>[] = []
  const requestLink: Client['devices']['requestLink'] = async () => {
    const answer = later<LinkInvitation>()
    answers.push(answer)
    return { code: `code ${answers.length}`, expiresAt: answers.length, answered: () => answer.promise, cancel: () => undefined }
  }
  const { result } = hookIn(withDevices({ requestLink }), () => useLinkRequest())
  expect(result.current.state.status).toBe('requesting')
  await settled()
  expect(result.current.state).toEqual({ status: 'shown', code: 'code 1', expiresAt: 1 })
  answers[0]!.reject(new SecureChatError('devices/link-expired'))
  await settled()
  expect(result.current.state).toMatchObject({ status: 'shown', code: 'code 2' })

  const account = later<AccountState>()
  answers[1]!.resolve(invitation(() => account.promise))
  await settled()
  expect(result.current.state).toMatchObject({ status: 'answered', invitation: { digits: '204917' } })
  act(() => result.current.confirm())
  expect(result.current.state.status).toBe('confirming')
  account.resolve({ status: 'signed-in' })
  await settled()
  expect(result.current.state).toEqual({ status: 'linked', account: { status: 'signed-in' } })
})

test('usePromotionRequest: the code with its warnings, the answer, the word of the person', async () => {
  const answer = later<PromotionInvitation>()
  const end = later<void>()
  const requestPromotion: Client['devices']['requestPromotion'] = async () => ({
    code: 'code',
    expiresAt: 7,
    warnings: ['no-recovery-words'],
    answered: () => answer.promise,
    cancel: () => undefined,
  })
  const { result } = hookIn(withDevices({ requestPromotion }), () => usePromotionRequest())
  expect(result.current.state.status).toBe('requesting')
  await settled()
  expect(result.current.state).toEqual({ status: 'shown', code: 'code', expiresAt: 7, warnings: ['no-recovery-words'] })
  answer.resolve({ accountId: accountId('alice'), digits: '204917', expiresAt: 9, confirm: () => end.promise })
  await settled()
  expect(result.current.state).toMatchObject({ status: 'answered', invitation: { digits: '204917' } })
  act(() => result.current.confirm())
  expect(result.current.state.status).toBe('confirming')
  end.resolve()
  await settled()
  expect(result.current.state).toEqual({ status: 'promoted' })
})

test('useLinkRequest: what goes wrong is shown, renewals end, and another attempt begins anew; leaving ends the waiting', async () => {
  let asked = 0
  const signals: (AbortSignal | undefined)[] = []
  const requestLink: Client['devices']['requestLink'] = async (options) => {
    asked += 1
    signals.push(options?.signal)
    const answered = () => Promise.reject(new SecureChatError(asked === 4 ? 'crypto/authentication-failed' : 'devices/link-expired'))
    return { code: 'code', expiresAt: 0, answered, cancel: () => undefined }
  }
  const { result, unmount } = hookIn(withDevices({ requestLink }), () => useLinkRequest({ renewals: 2 }))
  await settled()
  await settled()
  expect(asked).toBe(3)
  expect(result.current.state).toMatchObject({ status: 'failed', error: { code: 'devices/link-expired' } })
  act(() => result.current.restart())
  await settled()
  expect(asked).toBe(4)
  expect(result.current.state).toMatchObject({ status: 'failed', error: { code: 'crypto/authentication-failed' } })
  unmount()
  expect(signals[3]?.aborted).toBe(true)
})

test('useLinkScan: a wrong code, a right one, wrong digits, right ones', async () => {
  const typed: [string, unknown][] = []
  const scan: LinkScan = {
    kind: 'link',
    deviceId: deviceId(2),
    digits: '204917',
    expiresAt: 99,
    cancel: () => undefined,
    async approve(digits, options) {
      typed.push([digits, options])
      if (digits !== '204917') throw new SecureChatError('devices/link-mismatch')
      return { deviceId: deviceId(2) }
    },
  }
  let scans = 0
  const scanLink: Client['devices']['scanLink'] = async (code) => {
    scans += 1
    if (code !== 'right') throw new SecureChatError('client/invalid-argument')
    return scan
  }
  const { result } = hookIn(withDevices({ scanLink }), () => useLinkScan())
  act(() => result.current.scan('wrong'))
  expect(result.current.state.status).toBe('reading')
  await settled()
  expect(result.current.state).toMatchObject({ status: 'scanning', error: { code: 'client/invalid-argument' } })
  // A camera sees the code in every frame: one is enough.
  act(() => {
    result.current.scan('right')
    result.current.scan('right')
  })
  await settled()
  expect(scans).toBe(2)
  expect(result.current.state).toMatchObject({ status: 'comparing', scan })
  act(() => result.current.approve('000000'))
  await settled()
  expect(result.current.state).toMatchObject({ status: 'comparing', error: { code: 'devices/link-mismatch' } })
  act(() => result.current.approve('204917'))
  expect(result.current.state.status).toBe('approving')
  await settled()
  expect(result.current.state).toEqual({ status: 'linked', deviceId: 2, kind: 'link' })
  expect(typed.map(([digits]) => digits)).toEqual(['000000', '204917'])
  expect(typed[1]![1]).toHaveProperty('signal')
})

test('useLinkScan: other failures end it, and whoever leaves gives a late answer up', async () => {
  const late = later<LinkScan>()
  let cancelled = 0
  const scanLink: Client['devices']['scanLink'] = async (code) => {
    if (code === 'late') return late.promise
    return {
      kind: 'link',
      deviceId: deviceId(2),
      digits: '',
      expiresAt: 0,
      cancel: () => undefined,
      approve: async () => {
        throw new SecureChatError('devices/link-expired')
      },
    }
  }
  const { result, unmount } = hookIn(withDevices({ scanLink }), () => useLinkScan())
  act(() => result.current.scan('code'))
  await settled()
  act(() => result.current.approve('204917'))
  await settled()
  expect(result.current.state).toMatchObject({ status: 'failed', error: { code: 'devices/link-expired' } })
  act(() => result.current.restart())
  expect(result.current.state).toEqual({ status: 'scanning' })
  act(() => result.current.scan('late'))
  unmount()
  late.resolve({
    kind: 'link',
    deviceId: deviceId(3),
    digits: '',
    expiresAt: 0,
    approve: () => Promise.reject(new Error('nobody approves it')),
    cancel: () => {
      cancelled += 1
    },
  })
  await settle()
  expect(cancelled).toBe(1)
})

test('useStoreLocks: loaded, and loaded anew after every change, also one that fails', async () => {
  let locks: readonly StoreLockInfo[] = []
  const { client } = fakeClient()
  const add: Client['privacy']['locks']['add'] = async ({ kind }) => {
    const info = { id: 'a', kind, createdAt: 1 }
    locks = [...locks, info]
    return info
  }
  const remove: Client['privacy']['locks']['remove'] = async () => {
    locks = []
    throw new SecureChatError('client/not-found')
  }
  const { result } = hookIn({ ...client, privacy: { locks: { ...client.privacy.locks, list: async () => locks, add, remove } } }, () => useStoreLocks())
  await settled()
  expect(result.current.data).toEqual([])
  await act(async () => {
    await result.current.add({ kind: 'passphrase' } as Parameters<typeof add>[0])
  })
  expect(result.current.data).toMatchObject([{ kind: 'passphrase' }])
  await act(async () => {
    await expect(result.current.remove('a')).rejects.toMatchObject({ code: 'client/not-found' })
  })
  expect(result.current.data).toEqual([])
})

test('useStorageState: live, also before the sign-in', () => {
  const { client, storage } = fakeClient()
  const { result } = hookIn(client, () => useStorageState())
  expect(result.current.status).toBe('loading')
  act(() => storage.set({ risks: ['lost', 'not-persistent'] }))
  expect(result.current.data).toEqual({ risks: ['lost', 'not-persistent'] })
})
