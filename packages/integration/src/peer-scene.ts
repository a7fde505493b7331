import type { Conversation } from '@securechat/client'
import { decodeSession, isRetryRequest, type PqState, type RemoteDevice, type Session, type SessionRecord, sendingSession } from '@securechat/crypto'
import type { MaliciousPeer, TestClient, TestNetwork } from '@securechat/testing'
import { accountOf, FIRST_DEVICE, network, stateOf } from './attack-scene.js'

/** Of a record, with its sending session changed. */
export function patched(record: SessionRecord, change: (session: Session) => Session): SessionRecord {
  const sending = sendingSession(record)
  return { ...record, sessions: record.sessions.map((session) => (session === sending ? change(session) : session)) }
}

export interface PeerScene {
  readonly net: TestNetwork
  readonly bob: TestClient
  readonly mallory: MaliciousPeer
  readonly toBob: RemoteDevice
  readonly conversation: Conversation
  /** Mallory writes and sends; resolves once Bob's client has dealt with it. */
  says(...texts: readonly string[]): Promise<Uint8Array[]>
  /** Bob writes, and Mallory reads what has come. */
  answers(...texts: readonly string[]): Promise<void>
  pqOfMallory(): PqState
  patchMallory(change: (session: Session) => Session): void
  /** From what Bob's client has stored. */
  pqOfBob(): Promise<PqState>
}

/** Bob's true client and Mallory, who has an account, real sessions and no rules. `starts`: whose session it is. */
export async function peerScene(starts: 'Bob' | 'Mallory'): Promise<PeerScene> {
  const net = await network()
  const bob = await net.client('Bob')
  const mallory = await net.malicious.peer('Mallory')
  const toBob = await net.drive(mallory.device(await accountOf(bob), FIRST_DEVICE))
  let last = 0
  const readAll = (): void => {
    // All rows come again after each reconnect.
    const fresh = mallory.rows.filter(({ sequence }) => sequence > last).sort((a, b) => a.sequence - b.sequence)
    for (const { envelope, sequence } of fresh) {
      if (sequence === last) continue
      last = sequence
      // Mallory does not help anybody to heal.
      if (isRetryRequest(envelope)) continue
      mallory.decrypt(toBob, envelope)
    }
  }
  const send = async (texts: readonly string[]): Promise<Uint8Array[]> => {
    const envelopes: Uint8Array[] = []
    for (const text of texts) {
      const envelope = await net.drive(mallory.encrypt(toBob, { type: 'text', text }))
      envelopes.push(envelope)
      await net.drive(mallory.send([{ to: toBob, envelope }]))
    }
    await net.advance(3_000)
    return envelopes
  }
  let conversation: Conversation
  if (starts === 'Mallory') {
    await send(['first'])
    const [shown] = await bob.conversations.list()
    conversation = (await bob.conversations.get(shown!.id)) as Conversation
    await conversation.accept()
    await conversation.send('first answer')
  } else {
    conversation = await net.drive(bob.conversations.direct({ phone: mallory.phone }))
    await conversation.send('first')
  }
  await net.settle()
  readAll()
  return {
    net,
    bob,
    mallory,
    toBob,
    conversation,
    says: async (...texts) => {
      readAll()
      return send(texts)
    },
    async answers(...texts) {
      for (const text of texts) await conversation.send(text)
      await net.advance(3_000)
      readAll()
    },
    pqOfMallory: () => sendingSession(mallory.session(toBob)!)!.ratchet.pq,
    patchMallory: (change) => mallory.setSession(toBob, patched(mallory.session(toBob)!, change)),
    async pqOfBob() {
      const stored = [...(await stateOf(bob))].find(([key]) => key.startsWith(`session/${mallory.accountId}/`))
      return sendingSession(decodeSession(stored![1]))!.ratchet.pq
    },
  }
}
