import type { MailboxRow } from '@securechat/protocol'
import { createManifests } from '../src/devices/manifests.js'
import type { Effects } from '../src/receive/apply.js'
import { createReceiver, type Receiver } from '../src/receive/pipeline.js'
import type { MessageRecord } from '../src/state/messages.js'
import { type Person, turns } from './harness.js'

export interface Listening {
  readonly receiver: Receiver
  readonly received: MessageRecord[]
  readonly changed: MessageRecord[]
}

export function listen(who: Person): Listening {
  const received: MessageRecord[] = []
  const changed: MessageRecord[] = []
  const effects: Effects = {
    received: (message) => void received.push(message),
    statusChanged: (message) => void changed.push(message),
    typing: () => {},
    profileDue: () => {},
  }
  const receiver = createReceiver(who.context, { manifests: createManifests(who.context), effects, ready: async () => {} })
  receiver.start()
  return { receiver, received, changed }
}

/** Delivers rows and gives the messages that they made. */
export async function receiveAll(who: Person, rows: readonly MailboxRow[]): Promise<MessageRecord[]> {
  const { receiver, received } = listen(who)
  receiver.deliver(rows)
  await turns()
  await receiver.stop()
  return received
}
