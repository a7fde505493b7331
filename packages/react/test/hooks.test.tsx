// @vitest-environment happy-dom
import { act, cleanup } from '@testing-library/react'
import { afterEach, describe, expect, test } from 'vitest'
import { useAccount, useClientEvent, useConnection, useContact, useConversation, useConversations, useSafetyNumber } from '../src/index.js'
import { accountId, contact, conversationId, fakeClient, fakeConversation, message, snapshot } from './fake-client.js'
import { hookIn, settle } from './render.js'

afterEach(cleanup)

describe('live queries', () => {
  test('loading, then ready, and the end of the subscription', async () => {
    const fake = fakeClient()
    const { result, unmount } = hookIn(fake.client, useAccount)
    expect(result.current).toEqual({ status: 'loading', data: undefined, error: undefined })
    act(() => fake.account.set({ status: 'signed-out' }))
    expect(result.current.data).toEqual({ status: 'signed-out' })
    unmount()
    await settle()
    expect(fake.account.listeners.size).toBe(0)
  })

  test('an empty list is ready; archived is another list', () => {
    const fake = fakeClient()
    fake.list.set([])
    fake.archivedList.set([snapshot('carol', { archived: true })])
    const { result } = hookIn(fake.client, () => [useConversations(), useConversations({ archived: true })])
    expect(result.current.map(({ data }) => data?.length)).toEqual([0, 1])
  })

  test('a signal without a new result renders nothing', () => {
    const fake = fakeClient()
    fake.list.set([snapshot('bob')])
    const { result, renders } = hookIn(fake.client, useConversations)
    const [before, count] = [result.current, renders()]
    act(() => fake.list.signal())
    act(() => fake.archivedList.set([]))
    act(() => fake.connection.set({ status: 'online', synced: true }))
    expect(result.current).toBe(before)
    expect(renders()).toBe(count)
  })

  test('several components share one query', () => {
    const fake = fakeClient()
    let queries = 0
    const { live } = fake.client.conversations
    fake.client.conversations.live = (options) => {
      queries += 1
      return live(options)
    }
    hookIn(fake.client, () => [useConversations(), useConversations()])
    expect(queries).toBe(1)
  })
})

describe('useConnection', () => {
  test('has a state from the beginning, although state() gives a new object each time', () => {
    const fake = fakeClient()
    const { result } = hookIn(fake.client, useConnection)
    expect(result.current.status).toBe('connecting')
    act(() => fake.connection.set({ status: 'offline', retryAt: 5_000, synced: false }))
    expect(result.current).toMatchObject({ status: 'offline', retryAt: 5_000 })
    void act(() => result.current.retryNow())
    expect(fake.calls.retryNow).toBe(1)
  })
})

describe('useConversation', () => {
  test('looks up, follows, and does not render for another conversation', async () => {
    const [bob, carol] = [fakeConversation('bob'), fakeConversation('carol')]
    const fake = fakeClient([bob.conversation, carol.conversation])
    const { result, renders, unmount } = hookIn(fake.client, () => useConversation(conversationId('bob')))
    expect(result.current.status).toBe('loading')
    await act(settle)
    act(() => bob.live.set(snapshot('bob', { unread: 2 })))
    expect(result.current.data?.unread).toBe(2)
    const count = renders()
    act(() => carol.live.set(snapshot('carol', { unread: 9 })))
    act(() => bob.live.signal())
    expect(renders()).toBe(count)
    unmount()
    expect(bob.live.listeners.size).toBe(0)
  })

  test('missing and error are states', async () => {
    const fake = fakeClient()
    const missing = hookIn(fake.client, () => useConversation(conversationId('nobody')))
    await act(settle)
    expect(missing.result.current.status).toBe('missing')
    fake.client.conversations.get = () => Promise.reject(new Error('store gone'))
    const broken = hookIn(fake.client, () => useConversation(conversationId('bob')))
    await act(settle)
    expect(broken.result.current).toMatchObject({ status: 'error', error: { message: 'store gone' } })
  })

  test('unmounted during the look-up: nothing is subscribed', async () => {
    const bob = fakeConversation('bob')
    const { unmount } = hookIn(fakeClient([bob.conversation]).client, () => useConversation(conversationId('bob')))
    unmount()
    await settle()
    expect(bob.live.listeners.size).toBe(0)
  })

  test('coming back shows the last result at once', async () => {
    const bob = fakeConversation('bob')
    const fake = fakeClient([bob.conversation])
    bob.live.set(snapshot('bob'))
    const shown = { id: 'bob' }
    const { result, rerender } = hookIn(fake.client, () => useConversation(conversationId(shown.id)))
    await act(settle)
    shown.id = 'other'
    rerender()
    await act(settle)
    expect(result.current.status).toBe('missing')
    shown.id = 'bob'
    rerender()
    expect(result.current.status).toBe('ready')
  })
})

describe('useContact and useSafetyNumber', () => {
  test('load, and load again when the contact may have changed', async () => {
    const fake = fakeClient()
    fake.contacts.set('bob', contact('bob'))
    const { result, unmount } = hookIn(fake.client, () => useContact(accountId('bob')))
    await act(settle)
    expect(result.current.data?.identityChanged).toBe(false)
    fake.contacts.set('bob', contact('bob', { identityChanged: true }))
    act(() => fake.emit('identity-changed', { accountId: accountId('carol') }))
    await act(settle)
    expect(result.current.data?.identityChanged).toBe(false)
    act(() => fake.emit('identity-changed', { accountId: accountId('bob') }))
    await act(settle)
    expect(result.current.data?.identityChanged).toBe(true)
    fake.contacts.set('bob', contact('bob', { relation: 'blocked' }))
    act(() => fake.list.set([]))
    await act(settle)
    expect(result.current.data?.relation).toBe('blocked')
    unmount()
    expect([fake.listenersOf('identity-changed'), fake.listenersOf('message'), fake.list.listeners.size]).toEqual([0, 0, 0])
  })

  test('an unknown contact is missing', async () => {
    const { result } = hookIn(fakeClient().client, () => useContact(accountId('nobody')))
    await act(settle)
    expect(result.current.status).toBe('missing')
  })

  test('an answer that was overtaken by a newer one is dropped', async () => {
    const fake = fakeClient()
    const answers: ((name: string) => void)[] = []
    fake.client.contacts.get = () => new Promise((resolve) => answers.push((name) => resolve(contact(name))))
    const { result } = hookIn(fake.client, () => useContact(accountId('bob')))
    act(() => fake.emit('identity-changed', { accountId: accountId('bob') }))
    await act(async () => {
      answers[1]!('newer')
      await settle()
      answers[0]!('older')
      await settle()
    })
    expect(result.current.data?.displayName).toBe('newer')
  })

  test('the safety number: error, verified, accepted', async () => {
    const fake = fakeClient()
    const { result } = hookIn(fake.client, () => useSafetyNumber(accountId('bob')))
    await act(settle)
    expect(result.current).toMatchObject({ status: 'error', error: { message: 'no number' } })
    fake.safetyNumbers.set('bob', { digits: '12345 '.repeat(12).trim(), qr: new Uint8Array(), verified: false })
    await act(() => result.current.reload())
    expect(result.current.data?.verified).toBe(false)
    await act(() => result.current.setVerified(true))
    expect(result.current.data?.verified).toBe(true)
    await act(() => result.current.acceptIdentity())
    expect([fake.calls.verified, fake.calls.accepted]).toEqual([[['bob', '12345 '.repeat(12).trim()]], ['bob']])
  })
})

test('useClientEvent calls the newest listener and leaves with the component', () => {
  const fake = fakeClient()
  const { conversation } = fakeConversation('bob')
  const heard: string[] = []
  const state = { name: 'first' }
  const { rerender, unmount } = hookIn(fake.client, () => useClientEvent('message', ({ message: { text } }) => heard.push(`${state.name} ${text}`)))
  act(() => fake.emit('message', { conversation, message: message(1) }))
  state.name = 'second'
  rerender()
  act(() => fake.emit('message', { conversation, message: message(2) }))
  unmount()
  fake.emit('message', { conversation, message: message(3) })
  expect(heard).toEqual(['first text 1', 'second text 2'])
})
