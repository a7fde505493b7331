import {
  asSecureChatError,
  type DeviceId,
  decodeAs,
  decodeCounter,
  decodeDeliver,
  decodeFrame,
  decodeSend,
  decodeValue,
  encodeCounter,
  encodeDeliver,
  encodeFrame,
  encodeSend,
  encodeValue,
  errorBodySchema,
  type Frame,
  type FrameKind,
  type Hello,
  isErrorCode,
  type MailboxRow,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  SecureChatError,
  type SendFrame,
  type ServerEvent,
  welcomeSchema,
} from '@securechat/protocol'
import type { Channel, ChannelHandlers, Transport } from '@securechat/transport'
import type { CallHandler, RowHandler, SendHandler } from './handlers.js'
import type { ForgedRow, ShownMailbox } from './mailbox.js'

/** What one channel asks the server that it is a part of. */
export interface Hooks {
  readonly client: string
  call(name: OperationName): CallHandler<OperationName> | undefined
  send(): SendHandler | undefined
  row(): RowHandler | undefined
  readonly saw: { send(frame: SendFrame): void; row(row: MailboxRow): void }
  /** Of the device that signed in last. */
  mailbox(): ShownMailbox | undefined
  signedIn(device: string): void
}

/** Above the ids that a client counts up from 1: calls of the malicious server itself. */
const OWN_IDS = 0x8000_0000

interface Pending {
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: SecureChatError) => void
}

/** One connection of a client, frame by frame. What no handler asks for passes unchanged. */
export class InterceptedChannel implements Channel {
  readonly #hooks: Hooks
  readonly #client: ChannelHandlers
  readonly #onEnd: () => void
  readonly #pending = new Map<number, Pending>()
  #inner: Channel | null = null
  #nextId = OWN_IDS
  /** Number of the last delivery of the true server, and how far the ones that the client sees are from them. */
  #delivered = 0
  #shift = 0
  #acknowledged = 0

  constructor(hooks: Hooks, client: ChannelHandlers, onEnd: () => void) {
    this.#hooks = hooks
    this.#client = client
    this.#onEnd = onEnd
  }

  async open(transport: Transport, options: { signal: AbortSignal }): Promise<void> {
    this.#inner = await transport.open(
      {
        onMessage: (bytes) => this.#down(bytes),
        onClose: (error) => {
          this.#onEnd()
          this.#client.onClose(error)
        },
      },
      options,
    )
  }

  get bufferedBytes(): number {
    return this.#inner?.bufferedBytes ?? 0
  }

  close(): void {
    this.#inner?.close()
  }

  send(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if (frame.kind === 'hello') return this.#hello(frame)
    if (frame.kind === 'request') return this.#request(bytes, frame)
    if (frame.kind === 'send') return this.#send(bytes, frame)
    if (frame.kind === 'acknowledge') return this.#acknowledge(frame)
    this.#inner?.send(bytes)
  }

  invent(rows: readonly ForgedRow[]): void {
    const mailbox = this.#hooks.mailbox()
    if (!mailbox) throw new Error(`${this.#hooks.client} is not signed in`)
    this.#shift++
    this.#deliver(mailbox.invent(rows))
  }

  tell(event: ServerEvent): void {
    this.#client.onMessage(encodeFrame('event', 0, encodeValue(event)))
  }

  #real(shown: number): number {
    return this.#hooks.mailbox()?.realOf(shown) ?? 0
  }

  #hello(frame: Frame): void {
    const hello = decodeValue(frame.body) as Hello
    const cursor = hello.cursor === undefined ? {} : { cursor: this.#real(hello.cursor) }
    this.#acknowledged = cursor.cursor ?? 0
    this.#inner?.send(encodeFrame('hello', frame.id, encodeValue({ ...hello, ...cursor })))
  }

  #acknowledge(frame: Frame): void {
    const real = this.#real(decodeCounter(frame.body))
    if (real <= this.#acknowledged) return
    this.#acknowledged = real
    this.#inner?.send(encodeFrame('acknowledge', 0, encodeCounter(real)))
  }

  #request(bytes: Uint8Array, frame: Frame): void {
    const [name, input, token] = decodeValue(frame.body) as [OperationName, OperationInput<OperationName>, string?]
    const handler = this.#hooks.call(name) ?? (name === 'mailbox.fetch' ? this.#page : undefined)
    if (!handler) return this.#inner?.send(bytes)
    const forward = async (other: OperationInput<OperationName> = input): Promise<OperationOutput<OperationName>> =>
      decodeValue(await this.#ask('request', encodeValue(token === undefined ? [name, other] : [name, other, token]))) as OperationOutput<OperationName>
    this.#answer(frame, 'response', async () => encodeValue(await handler({ client: this.#hooks.client, input, forward } as never)))
  }

  #send(bytes: Uint8Array, frame: Frame): void {
    const sent = decodeSend(frame.body.slice())
    this.#hooks.saw.send(sent)
    const handler = this.#hooks.send()
    if (!handler) return this.#inner?.send(bytes)
    let time = 0
    const forward = async (other: SendFrame = sent): Promise<void> => {
      time = decodeCounter(await this.#ask('send', encodeSend(other)))
    }
    this.#answer(frame, 'sent', async () => {
      await handler({ client: this.#hooks.client, frame: sent, forward })
      return encodeCounter(time)
    })
  }

  /** The sequences of a fetched page are those of the shown mailbox, too. */
  readonly #page = async ({
    input,
    forward,
  }: {
    input: OperationInput<OperationName>
    forward: (input: OperationInput<OperationName>) => Promise<OperationOutput<OperationName>>
  }): Promise<OperationOutput<OperationName>> => {
    const { after, ...rest } = input as OperationInput<'mailbox.fetch'>
    const { rows } = (await forward({ ...rest, after: this.#real(after) })) as OperationOutput<'mailbox.fetch'>
    return { rows: rows.flatMap((row) => this.#shown(row as MailboxRow)).map((row) => ({ ...row })) } as OperationOutput<'mailbox.fetch'>
  }

  #answer(frame: Frame, kind: FrameKind, work: () => Promise<Uint8Array>): void {
    work().then(
      (body) => this.#client.onMessage(encodeFrame(kind, frame.id, body)),
      (cause: unknown) => {
        const { code, detail, retryAfterSeconds } = asSecureChatError(cause, 'server/internal')
        const body = { code, ...(detail !== undefined && { detail }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
        this.#client.onMessage(encodeFrame('error', frame.id, encodeValue(body)))
      },
    )
  }

  #ask(kind: 'request' | 'send', body: Uint8Array): Promise<Uint8Array> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#inner?.send(encodeFrame(kind, id, body))
    })
  }

  #down(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    const pending = this.#pending.get(frame.id)
    if (pending && ['response', 'sent', 'error'].includes(frame.kind)) {
      this.#pending.delete(frame.id)
      if (frame.kind !== 'error') return pending.resolve(frame.body.slice())
      const { code, detail } = decodeAs(errorBodySchema, frame.body)
      return pending.reject(new SecureChatError(isErrorCode(code) ? code : 'server/internal', detail === undefined ? {} : { detail }))
    }
    if (frame.kind === 'welcome') {
      const account = decodeAs(welcomeSchema, frame.body).account as { accountId: string; deviceId: DeviceId } | undefined
      if (account) this.#hooks.signedIn(`${account.accountId}/${account.deviceId}`)
    }
    if (frame.kind !== 'deliver') return this.#client.onMessage(bytes)
    // What was lost or doubled below is so above, too: a delivery that is missing has to be seen to be missing.
    if (frame.id <= this.#delivered) return
    if (frame.id !== this.#delivered + 1) return this.#client.onMessage(encodeFrame('deliver', frame.id + this.#shift, frame.body))
    this.#delivered = frame.id
    const rows = decodeDeliver(frame.body.slice()).flatMap((row) => this.#shown(row))
    if (rows.length === 0) this.#shift--
    else this.#deliver(rows)
  }

  #shown(row: MailboxRow): readonly MailboxRow[] {
    const mailbox = this.#hooks.mailbox()
    if (!mailbox) return [row]
    return mailbox.show(row.sequence, () => {
      this.#hooks.saw.row(row)
      return this.#hooks.row()?.({ client: this.#hooks.client, row }) ?? [row]
    })
  }

  #deliver(rows: readonly MailboxRow[]): void {
    // A row that was kept back until now comes behind those that were not.
    const ascending = [...rows].sort((a, b) => a.sequence - b.sequence)
    this.#client.onMessage(encodeFrame('deliver', this.#delivered + this.#shift, encodeDeliver(ascending)))
  }
}
