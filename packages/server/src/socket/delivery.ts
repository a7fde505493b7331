import {
  type Clock,
  deliverLength,
  FRAME_HEADER_BYTES,
  LIMITS,
  type Logger,
  type MailboxRow,
  SecureChatError,
  writeDeliver,
  writeFrameHeader,
} from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { Metrics } from '../ports/metrics.js'
import type { MailboxStore } from '../ports/store.js'
import type { Slab } from './slab.js'

/** Bytes queued in a socket above which no more rows are read for it. */
const PAUSE_BYTES = 1024 * 1024
/** The largest row. A page that had room for one more and for its bytes ended because there was none. */
const MAX_ROW_BYTES = 2 * LIMITS.envelopeBytes
/** Milliseconds until a paused socket is looked at again; its acknowledgements do that earlier. */
const PAUSE_MS = 100
/** Milliseconds until a store that failed is asked again. */
const RETRY_MS = 1_000

export interface DeliveryDeps {
  readonly store: MailboxStore
  readonly clock: Clock
  readonly logger: Logger
  readonly device: DeviceCaller
  readonly slab: Slab
  readonly send: (frame: Uint8Array) => void
  readonly bufferedBytes: () => number
  readonly metrics?: Metrics
}

const bytesOf = (rows: readonly MailboxRow[]): number => {
  let bytes = 0
  for (const { envelope, body } of rows) bytes += envelope.length + (body?.length ?? 0)
  return bytes
}

/**
 * Brings the rows of one mailbox to one socket, in order, each once. Invariants:
 * 1. `position` is the sequence of the last row that was queued; nothing at or below it is queued again.
 * 2. A row may come from memory only if none is missing before it. With an exclusive store that is while `caughtUp`: every stored row is at or below
 *    `position`. With consecutive numbers it is while nothing is being read and the row is number `position` + 1.
 * 3. At most `deliveryWindow` rows (and one batch) are queued and not acknowledged.
 */
export class Delivery {
  #position: number
  #caughtUp = false
  #reading = false
  #again = false
  #stopped = false
  #flushing = false
  #timer: (() => void) | undefined
  /** From memory, queued at the end of this turn: rows of one turn share a frame. */
  #offered: MailboxRow[] = []
  /** Delivered frames that are not acknowledged yet, oldest first. */
  #outstanding: { readonly upTo: number; readonly rows: number }[] = []
  #unacknowledged = 0
  /** Numbers the frames of this socket from 1, so that the client notices a lost or overtaken one. */
  #frames = 0

  constructor(
    private readonly deps: DeliveryDeps,
    after: number,
  ) {
    this.#position = after
  }

  /** A row that was just stored; taken if nothing is missing before it. Rows are offered in the order of their sequences. */
  offer(row: MailboxRow): void {
    const { exclusive } = this.deps.store
    if (exclusive ? !this.#caughtUp || row.sequence <= this.#position : this.#reading || row.sequence !== this.#position + 1) return
    if (!this.#hasRoom()) {
      this.#caughtUp = false
      return
    }
    this.#position = row.sequence
    this.#offered.push(row)
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(this.#flush)
  }

  /** A row with this sequence was stored by somebody. */
  wake(sequence: number): void {
    if (sequence > this.#position) this.look()
  }

  /** Reads on if there may be more than what is known. */
  look(): void {
    this.#caughtUp = false
    if (this.#reading) this.#again = true
    else void this.#read()
  }

  /** Cumulative. Throws `protocol/out-of-order` for rows that were not delivered: they are not to be deleted. */
  acknowledge(upTo: number): void {
    this.#flush()
    if (upTo > this.#position) throw new SecureChatError('protocol/out-of-order', { detail: 'acknowledge' })
    let settled = 0
    while (settled < this.#outstanding.length && this.#outstanding[settled]!.upTo <= upTo) this.#unacknowledged -= this.#outstanding[settled++]!.rows
    this.#outstanding.splice(0, settled)
    this.acknowledgeStored(upTo)
    if (!this.#caughtUp && !this.#reading) void this.#read()
  }

  acknowledgeStored(upTo: number): void {
    const { store, device, logger } = this.deps
    // Not awaited: should it be lost, the rows come again and the client drops them by their ids.
    store.acknowledge(device.accountId, device.deviceId, upTo).catch(() => logger.warn('acknowledge-failed'))
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.()
    this.#offered = []
  }

  #hasRoom(): boolean {
    return this.#unacknowledged + this.#offered.length < LIMITS.deliveryWindow && this.deps.bufferedBytes() < PAUSE_BYTES
  }

  #flush = (): void => {
    this.#flushing = false
    if (this.#offered.length === 0 || this.#stopped) return
    const rows = this.#offered
    this.#offered = []
    let from = 0
    let bytes = 0
    for (let i = 0; i < rows.length; i++) {
      const size = rows[i]!.envelope.length + (rows[i]!.body?.length ?? 0)
      if (i > from && (i - from >= LIMITS.deliveryBatch || bytes + size > LIMITS.deliveryBatchBytes)) {
        this.#deliver(rows.slice(from, i))
        from = i
        bytes = 0
      }
      bytes += size
    }
    this.#deliver(from === 0 ? rows : rows.slice(from))
  }

  #deliver(rows: MailboxRow[]): void {
    this.#outstanding.push({ upTo: rows[rows.length - 1]!.sequence, rows: rows.length })
    this.#unacknowledged += rows.length
    this.deps.metrics?.rows('delivered', rows.length)
    const frame = this.deps.slab.take(FRAME_HEADER_BYTES + deliverLength(rows))
    writeFrameHeader(frame, 'deliver', ++this.#frames)
    writeDeliver(frame, FRAME_HEADER_BYTES, rows)
    this.deps.send(frame)
  }

  /** One reader at a time; ends when caught up (an empty answer and no wake-up meanwhile), out of room or stopped. */
  async #read(): Promise<void> {
    const { store, device, logger } = this.deps
    this.#reading = true
    try {
      while (!this.#stopped) {
        if (!this.#hasRoom()) {
          this.#later(PAUSE_MS)
          return
        }
        this.#again = false
        const limit = Math.min(LIMITS.deliveryBatch, LIMITS.deliveryWindow - this.#unacknowledged)
        const { accountId, deviceId } = device
        const rows = await store.readMailbox({ accountId, deviceId, after: this.#position, limit, maxBytes: LIMITS.deliveryBatchBytes })
        if (this.#stopped) return
        if (rows.length > 0) {
          this.#position = rows[rows.length - 1]!.sequence
          this.#deliver(rows)
        }
        if (!this.#again && rows.length < limit && bytesOf(rows) + MAX_ROW_BYTES <= LIMITS.deliveryBatchBytes) {
          this.#caughtUp = true
          return
        }
      }
    } catch {
      logger.warn('delivery-read-failed')
      this.#later(RETRY_MS)
    } finally {
      this.#reading = false
    }
  }

  #later(milliseconds: number): void {
    this.#timer?.()
    if (this.#stopped) return
    this.#timer = this.deps.clock.after(milliseconds, () => {
      if (!this.#reading && !this.#stopped) void this.#read()
    })
  }
}
