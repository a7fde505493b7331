// @vitest-environment happy-dom
import { isSecureChatError, type Message } from '@securechat/client'
import { act, cleanup } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { type Outcome, useAction, useConversationActions, useSendMessage } from '../src/index.js'
import { conversationId, fakeClient, fakeConversation, message, messageId } from './fake-client.js'
import { hookIn, settle } from './render.js'

afterEach(cleanup)

test('useSendMessage: pending, then the stored message', async () => {
  let stored = (_: Message): void => undefined
  const sent: unknown[] = []
  const bob = fakeConversation('bob', {
    send: (input) => {
      sent.push(input)
      return new Promise((resolve) => {
        stored = resolve
      })
    },
  })
  const { result } = hookIn(fakeClient([bob.conversation]).client, () => useSendMessage(conversationId('bob')))
  let outcome: Promise<Outcome<Message>> | undefined
  await act(async () => {
    outcome = result.current.send({ text: 'hello', replyTo: messageId('m1') })
    await settle()
  })
  expect(result.current.pending).toBe(true)
  await act(async () => {
    stored(message(1))
    await settle()
  })
  expect(await outcome).toMatchObject({ ok: true, value: { order: 1 } })
  expect(result.current).toMatchObject({ pending: false, error: undefined })
  expect(sent).toEqual([{ text: 'hello', replyTo: 'm1' }])
})

test('useSendMessage: an unknown conversation is a typed error, until reset', async () => {
  const { result } = hookIn(fakeClient().client, () => useSendMessage(conversationId('nobody')))
  await act(async () => {
    const outcome = await result.current.send('hello')
    expect(outcome.ok).toBe(false)
  })
  expect(isSecureChatError(result.current.error, 'client/not-found')).toBe(true)
  act(() => result.current.reset())
  expect(result.current.error).toBeUndefined()
})

test('useAction: the error is that of the latest run, pending counts them all', async () => {
  const ends = new Map<string, (error?: Error) => void>()
  const { result } = hookIn(fakeClient().client, () =>
    useAction((_client, name: string) => new Promise<string>((resolve, reject) => ends.set(name, (error) => (error ? reject(error) : resolve(name))))),
  )
  const { run } = result.current
  act(() => {
    void run('first')
    void run('second')
  })
  await act(async () => {
    ends.get('second')!()
    await settle()
  })
  expect(result.current.pending).toBe(true)
  await act(async () => {
    ends.get('first')!(new Error('late'))
    await settle()
  })
  expect(result.current).toMatchObject({ pending: false, error: undefined })
  expect(result.current.run).toBe(run)
})

test('useAction: a thrown value that is no error becomes one', async () => {
  const { result } = hookIn(fakeClient().client, () => useAction(() => Promise.reject('text')))
  await act(async () => void (await result.current.run()))
  expect(result.current.error).toMatchObject({ cause: 'text' })
})

test('useConversationActions: each call reaches the conversation, the functions keep their identity', async () => {
  const calls: unknown[][] = []
  const record =
    (name: string) =>
    async (...args: unknown[]): Promise<never> =>
      calls.push([name, ...args]) as never
  const names = ['send', 'react', 'edit', 'delete', 'retry', 'markRead', 'setTyping', 'update', 'accept', 'block', 'unblock'] as const
  const bob = fakeConversation('bob', Object.fromEntries(names.map((name) => [name, record(name)])))
  const { result, rerender } = hookIn(fakeClient([bob.conversation]).client, () => useConversationActions(conversationId('bob')))
  const actions = result.current
  const id = messageId('m1')
  await actions.send('hello')
  await actions.react(id, '👍')
  await actions.edit(id, 'new')
  await actions.delete(id)
  await actions.retry(id)
  await actions.markRead()
  await actions.setTyping(true)
  await actions.update({ muted: true })
  await actions.accept()
  await actions.block()
  await actions.unblock()
  rerender()
  expect(result.current).toBe(actions)
  expect(calls).toEqual([
    ['send', 'hello', undefined],
    ['react', id, '👍'],
    ['edit', id, 'new'],
    ['delete', id],
    ['retry', id],
    ['markRead'],
    ['setTyping', true],
    ['update', { muted: true }],
    ['accept'],
    ['block'],
    ['unblock'],
  ])
})
