import { encodeCounter, encodeFrame } from '@securechat/protocol'
import type { SocketSession } from './socket-session.js'

/**
 * What the caller has durably taken over from its mailbox. An acknowledgement deletes rows on the server, so it is kept with the
 * mailbox that it was made for and never said to another one.
 */
export class Acknowledgements {
  #mailbox: string | null = null
  #asked = 0
  #scheduled = false

  /** `flush` is called once for all that was asked in one run of the event loop's microtasks. */
  constructor(private readonly flush: () => void) {}

  /** The mailbox that a welcome named; null for an anonymous socket. */
  belongTo(mailbox: string | null): void {
    if (mailbox === null || mailbox === this.#mailbox) return
    this.#mailbox = mailbox
    this.#asked = 0
  }

  /** No effect before the first signed-in welcome: nothing was delivered that could be meant. */
  ask(upTo: number): void {
    if (this.#mailbox === null || !Number.isSafeInteger(upTo) || upTo <= this.#asked) return
    this.#asked = upTo
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  /** Says on this socket what it has not heard yet; nothing above what it has delivered, which a server takes for an error. */
  sayOn(session: SocketSession): void {
    const upTo = Math.min(this.#asked, session.delivered)
    if (session.cursor === null || upTo <= session.acknowledged) return
    session.acknowledged = upTo
    this.repeatOn(session)
  }

  /** A lost acknowledgement would stall a full delivery window: heartbeats say the last one again. */
  repeatOn(session: SocketSession): void {
    if (session.acknowledged > 0) session.send(encodeFrame('acknowledge', 0, encodeCounter(session.acknowledged)))
  }
}
