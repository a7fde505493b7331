// @vitest-environment happy-dom
import { act, cleanup } from '@testing-library/react'
import { afterEach, describe, expect, test } from 'vitest'
import { useMessages } from '../src/index.js'
import { conversationId, fakeClient, fakeConversation, message } from './fake-client.js'
import { hookIn, settle } from './render.js'

afterEach(cleanup)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i))

/** A conversation with messages 1 to `count`, of which the hook sees the newest five. */
async function open(count: number) {
  const bob = fakeConversation('bob')
  bob.state.stored = range(1, count)
  const { result, renders, unmount } = hookIn(fakeClient([bob.conversation]).client, () => useMessages(conversationId('bob'), { limit: 5 }))
  expect(result.current).toMatchObject({ status: 'loading', loading: true, messages: [], hasMore: false })
  await act(settle)
  if (count > 0) act(() => bob.window.set(bob.state.stored.slice(-5)))
  else act(() => bob.window.set([]))
  const orders = () => result.current.messages.map(({ order }) => order)
  const receive = (order: number): void => {
    bob.state.stored = [...bob.state.stored, message(order)]
    act(() => bob.window.set(bob.state.stored.slice(-5)))
  }
  return { bob, result, renders, unmount, orders, receive }
}

describe('useMessages', () => {
  test('an empty conversation is ready and has no more', async () => {
    const { result } = await open(0)
    expect(result.current).toMatchObject({ status: 'ready', loading: false, messages: [], hasMore: false, error: undefined })
  })

  test('a short conversation is complete', async () => {
    const { bob, result, orders, receive } = await open(4)
    expect(result.current.hasMore).toBe(false)
    receive(5)
    receive(6)
    expect(orders()).toEqual([1, 2, 3, 4, 5, 6])
    expect(result.current.hasMore).toBe(false)
    await act(() => result.current.loadOlder())
    expect(bob.state.asked).toEqual([])
  })

  test('older pages come to the front, each once, until there are no more', async () => {
    const { bob, result, orders } = await open(13)
    expect(orders()).toEqual([9, 10, 11, 12, 13])
    await act(async () => {
      await Promise.all([result.current.loadOlder(), result.current.loadOlder()])
    })
    expect(orders()).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    expect(result.current.hasMore).toBe(true)
    await act(() => result.current.loadOlder())
    expect(orders()[0]).toBe(1)
    expect(result.current.hasMore).toBe(false)
    await act(() => result.current.loadOlder())
    expect(bob.state.asked.map(({ before }) => before)).toEqual([9, 4])
  })

  test('messages that the window moves past stay', async () => {
    const { result, orders, receive } = await open(6)
    await act(() => result.current.loadOlder())
    for (const order of [7, 8, 9]) receive(order)
    expect(orders()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('older messages are kept up to date', async () => {
    const { bob, result } = await open(8)
    await act(() => result.current.loadOlder())
    await act(async () => {
      bob.changed(message(2, { text: 'edited', edited: true }))
      bob.changed(message(99))
      await settle()
    })
    expect(result.current.messages.map(({ text }) => text)).toEqual(['text 1', 'edited', ...[3, 4, 5, 6, 7, 8].map((n) => `text ${n}`)])
  })

  test('a window without connection to the last one leaves no gap', async () => {
    const { bob, result, orders } = await open(10)
    await act(() => result.current.loadOlder())
    bob.state.stored = range(1, 30)
    act(() => bob.window.set(range(26, 30)))
    expect(orders()).toEqual([26, 27, 28, 29, 30])
    expect(result.current.hasMore).toBe(true)
    await act(() => result.current.loadOlder())
    expect(orders()).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
  })

  test('a page that answers after such a window is dropped', async () => {
    const { bob, result, orders } = await open(10)
    let answer = (): void => undefined
    bob.conversation.messages = () =>
      new Promise((resolve) => {
        answer = () => resolve(range(1, 5))
      })
    let loading = Promise.resolve()
    act(() => {
      loading = result.current.loadOlder()
    })
    expect(result.current.loading).toBe(true)
    act(() => bob.window.set(range(26, 30)))
    await act(async () => {
      answer()
      await loading
    })
    expect(orders()).toEqual([26, 27, 28, 29, 30])
    expect(result.current.loading).toBe(false)
  })

  test('a page that cannot be read is an error; the next try may work', async () => {
    const { bob, result, orders } = await open(10)
    const { messages } = bob.conversation
    bob.conversation.messages = () => Promise.reject(new Error('store gone'))
    await act(() => result.current.loadOlder())
    expect(result.current).toMatchObject({ status: 'ready', loading: false, error: { message: 'store gone' } })
    bob.conversation.messages = messages
    await act(() => result.current.loadOlder())
    expect(result.current.error).toBeUndefined()
    expect(orders()[0]).toBe(1)
  })

  test('the same window again renders nothing', async () => {
    const { bob, renders } = await open(6)
    const count = renders()
    act(() => bob.window.signal())
    expect(renders()).toBe(count)
  })

  test('the watch and the subscription end with the component', async () => {
    const { bob, result, unmount } = await open(10)
    await act(() => result.current.loadOlder())
    expect(bob.watchers.size).toBe(1)
    unmount()
    await settle()
    expect([bob.watchers.size, bob.window.listeners.size]).toEqual([0, 0])
  })

  test('missing and error are states', async () => {
    const fake = fakeClient()
    const { result } = hookIn(fake.client, () => useMessages(conversationId('nobody')))
    await act(settle)
    expect(result.current).toMatchObject({ status: 'missing', loading: false })
    fake.client.conversations.get = () => Promise.reject(new Error('store gone'))
    const broken = hookIn(fake.client, () => useMessages(conversationId('bob')))
    await act(settle)
    expect(broken.result.current).toMatchObject({ status: 'error', loading: false, error: { message: 'store gone' } })
  })

  test('the limit goes to the client, 50 unless given', async () => {
    const bob = fakeConversation('bob')
    hookIn(fakeClient([bob.conversation]).client, () => [useMessages(conversationId('bob')), useMessages(conversationId('bob'), { limit: 7 })])
    await act(settle)
    expect(bob.state.limits).toEqual([50, 7])
  })
})
