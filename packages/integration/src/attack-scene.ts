import type { Conversation, Message } from '@securechat/client'
import type { AccountId, DeviceId, ErrorCode } from '@securechat/protocol'
import { createTestNetwork, readStored, type TestClient, type TestClientOptions, type TestNetwork, type TestNetworkOptions } from '@securechat/testing'
import { afterEach, expect } from 'vitest'

const networks: TestNetwork[] = []

/** A network that ends with the test. Call it in tests of a file that has called `closeNetworks`. */
export async function network(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const net = await createTestNetwork(options)
  networks.push(net)
  return net
}

/** Once in each file. */
export function closeNetworks(): void {
  afterEach(async () => {
    for (const net of networks.splice(0)) {
      net.faults.clear()
      net.malicious.clear()
      await net.close()
    }
  })
}

export const accountOf = async (client: TestClient): Promise<AccountId> => (await client.account.state()).accountId as AccountId
export const FIRST_DEVICE = 1 as DeviceId

/** All messages of all conversations, oldest first in each. */
export async function messagesOf(client: TestClient): Promise<Message[]> {
  const all: Message[] = []
  for (const { id } of await client.conversations.list()) {
    const conversation = (await client.conversations.get(id)) as Conversation
    const messages: Message[] = []
    for (let before: number | undefined; ; before = messages[0]?.order) {
      const page = await conversation.messages({ limit: 200, ...(before !== undefined && { before }) })
      if (page.length === 0) break
      messages.unshift(...page)
    }
    all.push(...messages)
  }
  return all
}
export const received = async (client: TestClient): Promise<string[]> => (await messagesOf(client)).flatMap(({ mine, text }) => (mine ? [] : [text]))
export const sent = async (client: TestClient): Promise<[string, string | undefined][]> =>
  (await messagesOf(client)).flatMap(({ mine, text, status }) => (mine ? [[text, status] as [string, string | undefined]] : []))

/** What a client tells its app while something is done to it. */
export interface Heard {
  readonly alerts: ErrorCode[]
  readonly failures: ErrorCode[]
  readonly identityChanges: AccountId[]
  readonly recoveries: AccountId[]
  readonly messages: string[]
}

/** From now on. `messages`: where the texts of received messages are noted. */
export function listenTo(client: TestClient, messages: string[] = []): Heard {
  const heard: Heard = { alerts: [], failures: [], identityChanges: [], recoveries: [], messages }
  client.on('security-alert', ({ error }) => void heard.alerts.push(error.code))
  client.on('decryption-failed', ({ error }) => void heard.failures.push(error.code))
  client.on('identity-changed', ({ accountId }) => void heard.identityChanges.push(accountId))
  client.on('identity-recovered', ({ accountId }) => void heard.recoveries.push(accountId))
  client.on('message', ({ message }) => void (message.mine || heard.messages.push(message.text)))
  return heard
}

export interface Friends {
  readonly net: TestNetwork
  readonly alice: TestClient
  readonly bob: TestClient
  readonly aliceId: AccountId
  readonly bobId: AccountId
  readonly toBob: Conversation
  readonly toAlice: Conversation
}

/** Two people who have accepted and answered one another; nothing is on its way. */
export async function friends({ bob: made = {}, ...options }: TestNetworkOptions & { readonly bob?: TestClientOptions } = {}): Promise<Friends> {
  const net = await network(options)
  const [alice, bob] = [await net.client('Alice'), await net.client('Bob', made)]
  const toBob = await net.drive(alice.conversations.direct({ phone: bob.phone }))
  await toBob.send('Hello Bob')
  await net.settle()
  const toAlice = (await bob.conversations.get(toBob.id)) as Conversation
  await toAlice.accept()
  await toAlice.send('Hello Alice')
  await net.settle()
  await toBob.send('How are you?')
  await net.settle()
  const [aliceId, bobId] = [await accountOf(alice), await accountOf(bob)]
  return { net, alice, bob, aliceId, bobId, toBob, toAlice }
}

/** What is stored, but for rows that say only how far the mailbox was read, which tokens are in use and which lease of the store is the newest. */
export async function stateOf(client: TestClient): Promise<Map<string, Uint8Array>> {
  const stored = await readStored(client.disk)
  for (const key of ['inbox', 'tokens', 'lease']) stored.delete(key)
  return stored
}

/** The client's state is what it was before; says which rows are not. */
export async function expectUnchanged(client: TestClient, before: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const after = await stateOf(client)
  const hex = (rows: ReadonlyMap<string, Uint8Array>): [string, string][] => [...rows].map(([key, value]) => [key, Buffer.from(value).toString('hex')])
  expect(hex(after)).toEqual(hex(before))
}
