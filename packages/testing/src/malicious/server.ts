import type { OperationName, ServerEvent } from '@securechat/protocol'
import type { Transport } from '@securechat/transport'
import { type Hooks, InterceptedChannel } from './channel.js'
import type { CallHandler, InterceptedRow, InterceptedSend, RowHandler, SendHandler } from './handlers.js'
import { type ForgedRow, ShownMailbox } from './mailbox.js'

/**
 * A server that sees and decides over everything between the clients of a test network and the true server. It is always there and
 * honest until a handler is set; it has no keys of anybody, so what it can do is what a real server could.
 */
export interface MaliciousServer {
  /** Stands between an operation's request and its answer. One handler an operation; gives the function that takes it away. */
  on<Name extends OperationName>(name: Name, handler: CallHandler<Name>): () => void
  onSend(handler: SendHandler): () => void
  onDeliver(handler: RowHandler): () => void
  /** Puts rows of its own into the mailbox that a connected client sees. Throws for a client without a signed-in connection. */
  deliver(client: string, rows: readonly ForgedRow[]): void
  /** Tells a client of something that may not have happened. */
  event(client: string, event: ServerEvent): void
  /** Everything that clients have sent and were delivered, oldest first, as it was before any handler. */
  readonly sends: readonly Omit<InterceptedSend, 'forward'>[]
  readonly rows: readonly InterceptedRow[]
  /** Honest from now on. */
  clear(): void
}

export function createMaliciousServer(): { readonly server: MaliciousServer; readonly between: (client: string, transport: Transport) => Transport } {
  const calls = new Map<OperationName, CallHandler<OperationName>>()
  const sends: Omit<InterceptedSend, 'forward'>[] = []
  const rows: InterceptedRow[] = []
  const mailboxes = new Map<string, ShownMailbox>()
  const latest = new Map<string, ShownMailbox>()
  const channels = new Map<string, InterceptedChannel>()
  const handlers: { send?: SendHandler | undefined; row?: RowHandler | undefined } = {}

  const hooksOf = (client: string): Hooks => ({
    client,
    call: (name) => calls.get(name),
    send: () => handlers.send,
    row: () => handlers.row,
    saw: {
      send: (frame) => void sends.push({ client, frame }),
      row: (row) => void rows.push({ client, row }),
    },
    mailbox: () => latest.get(client),
    signedIn(device) {
      const mailbox = mailboxes.get(device) ?? new ShownMailbox()
      mailboxes.set(device, mailbox)
      latest.set(client, mailbox)
    },
  })
  const channelOf = (client: string): InterceptedChannel => {
    const channel = channels.get(client)
    if (!channel) throw new Error(`${client} is not connected`)
    return channel
  }

  const server: MaliciousServer = {
    on(name, handler) {
      const given = handler as unknown as CallHandler<OperationName>
      calls.set(name, given)
      return () => void (calls.get(name) === given && calls.delete(name))
    },
    onSend(handler) {
      handlers.send = handler
      return () => void (handlers.send === handler && delete handlers.send)
    },
    onDeliver(handler) {
      handlers.row = handler
      return () => void (handlers.row === handler && delete handlers.row)
    },
    deliver: (client, forged) => channelOf(client).invent(forged),
    event: (client, event) => channelOf(client).tell(event),
    sends,
    rows,
    clear() {
      calls.clear()
      delete handlers.send
      delete handlers.row
    },
  }
  const between = (client: string, transport: Transport): Transport => ({
    kind: transport.kind,
    ...(transport.networkHints && { networkHints: transport.networkHints }),
    async open(given, options) {
      const channel = new InterceptedChannel(hooksOf(client), given, () => {
        if (channels.get(client) === channel) channels.delete(client)
      })
      await channel.open(transport, options)
      channels.set(client, channel)
      return channel
    },
  })
  return { server, between }
}
