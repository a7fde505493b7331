import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import {
  SecureChatProvider,
  useAccount,
  useConnection,
  useContact,
  useConversation,
  useConversations,
  useMessages,
  useSafetyNumber,
  useSendMessage,
} from '../src/index.js'
import { accountId, conversationId, fakeClient } from './fake-client.js'

const All = () => {
  const states = [
    useAccount().status,
    useConversations().status,
    useConversation(conversationId('bob')).status,
    useMessages(conversationId('bob')).status,
    useContact(accountId('bob')).status,
    useSafetyNumber(accountId('bob')).status,
    useConnection().status,
    String(useSendMessage(conversationId('bob')).pending),
  ]
  return <p>{states.join(' ')}</p>
}

test('on a server a function is not called: the fallback is rendered', () => {
  const make = vi.fn(async () => fakeClient().client)
  const html = renderToString(
    <SecureChatProvider client={make} fallback={({ status }) => <i>{status}</i>}>
      <All />
    </SecureChatProvider>,
  )
  expect(html).toBe('<i>opening</i>')
  expect(make).not.toHaveBeenCalled()
})

test('on a server every hook is loading and nothing is subscribed or started', () => {
  const fake = fakeClient()
  fake.account.set({ status: 'signed-in' })
  const html = renderToString(
    <SecureChatProvider client={fake.client}>
      <All />
    </SecureChatProvider>,
  )
  expect(html).toBe('<p>loading loading loading loading loading loading stopped false</p>')
  expect([fake.calls.start, fake.account.listeners.size, fake.list.listeners.size, fake.connection.listeners.size]).toEqual([0, 0, 0, 0])
})
