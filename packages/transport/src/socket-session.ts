import { asSecureChatError, type SecureChatError, type Welcome } from '@securechat/protocol'
import { DeliveryOrder } from './incoming.js'
import type { Channel, Transport } from './port.js'

export interface SocketOwner {
  onOpened(session: SocketSession): void
  onFrame(session: SocketSession, bytes: Uint8Array): void
  /** Not called for a session that its owner closed. */
  onFailed(session: SocketSession, error: SecureChatError): void
}

/** One socket from its opening to its end, and what was agreed on it. */
export class SocketSession {
  /** Resolves when nothing of this socket is left. */
  readonly ended: Promise<void>
  readonly deliveries = new DeliveryOrder()
  challenge: Uint8Array | null = null
  /** Frame id of the hello, so that its refusal is known. */
  helloId = 0
  /** The cursor that the hello named; null for an anonymous one. */
  cursor: number | null = null
  welcome: Welcome | null = null
  /** Highest sequence that came here, at first the cursor. */
  delivered = 0
  /** Highest acknowledgement sent here. */
  acknowledged = 0

  readonly #abort = new AbortController()
  #channel: Channel | null = null
  #early: Uint8Array[] = []
  #over = false

  constructor(
    readonly number: number,
    private readonly owner: SocketOwner,
    transport: Transport,
  ) {
    this.ended = this.#run(transport)
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get bufferedBytes(): number {
    return this.#channel?.bufferedBytes ?? 0
  }

  send(bytes: Uint8Array): void {
    if (!this.#over) this.#channel?.send(bytes)
  }

  /** Idempotent. Nothing is reported to the owner afterwards. */
  close(): void {
    this.#over = true
    this.#early = []
    this.#abort.abort()
    this.#channel?.close()
  }

  async #run(transport: Transport): Promise<void> {
    let closed = (): void => {}
    const closing = new Promise<void>((resolve) => {
      closed = resolve
    })
    let channel: Channel
    try {
      channel = await transport.open(
        {
          onMessage: (bytes) => {
            if (this.#over) return
            if (this.#channel) this.owner.onFrame(this, bytes)
            else this.#early.push(bytes)
          },
          onClose: (error) => {
            closed()
            this.#fail(asSecureChatError(error, 'network/closed'))
          },
        },
        { signal: this.#abort.signal },
      )
    } catch (error) {
      this.#fail(asSecureChatError(error, 'network/unreachable'))
      return
    }
    if (this.#over) channel.close()
    else this.#opened(channel)
    await closing
  }

  #opened(channel: Channel): void {
    this.#channel = channel
    this.owner.onOpened(this)
    const early = this.#early
    this.#early = []
    for (const bytes of early) if (!this.#over) this.owner.onFrame(this, bytes)
  }

  #fail(error: SecureChatError): void {
    if (this.#over) return
    this.#over = true
    this.owner.onFailed(this, error)
  }
}
