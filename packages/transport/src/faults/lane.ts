import type { Clock } from '@securechat/protocol'
import type { FaultCounts, FaultSettings } from './settings.js'

/** Longest time that a frame is held back to be overtaken when nothing overtakes it. */
const HOLD_MS = 100

interface LaneOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly settings: () => FaultSettings
  readonly counts: FaultCounts
  readonly deliver: (bytes: Uint8Array) => void
  /** A frame was dropped. */
  readonly onLoss: () => void
  readonly onCut: () => void
}

interface Held {
  readonly bytes: Uint8Array
  readonly cancel: () => void
  left: number
}

/**
 * One direction of a faulty channel: loss, corruption, duplication, then delay (order kept), then reordering. Randomness is only
 * drawn for faults that are switched on, so that a seeded run without them stays the run it was.
 */
export class FaultLane {
  /** Bytes taken and not delivered yet. */
  bytes = 0
  readonly #options: LaneOptions
  #delayed: (Uint8Array | (() => void))[] = []
  #held: Held[] = []
  #cancels = new Set<() => void>()
  #lastDue = 0
  #over = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  push(bytes: Uint8Array): void {
    if (this.#over) return
    const { settings, counts, onCut, onLoss } = this.#options
    const { cut, drop, corrupt, duplicate } = settings()
    if (this.#happens(cut)) {
      counts.cut++
      return onCut()
    }
    if (this.#happens(drop)) {
      counts.dropped++
      return onLoss()
    }
    let frame = new Uint8Array(bytes)
    if (frame.length > 0 && this.#happens(corrupt)) {
      counts.corrupted++
      frame = this.#corrupted(frame)
    }
    this.#delay(frame)
    if (this.#happens(duplicate)) {
      counts.duplicated++
      this.#delay(new Uint8Array(frame))
    }
  }

  /** Runs `last` after everything taken so far, as the end of a stream does. */
  finish(last: () => void): void {
    this.#delay(() => {
      for (const held of [...this.#held]) this.#releaseHeld(held)
      this.#over = true
      last()
    })
  }

  /** Everything on its way is lost. */
  dispose(): void {
    this.#over = true
    this.bytes = 0
    for (const cancel of this.#cancels) cancel()
    for (const { cancel } of this.#held) cancel()
    this.#cancels.clear()
    this.#delayed = []
    this.#held = []
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#options.random() < probability
  }

  #corrupted(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const { random } = this.#options
    const out = new Uint8Array(bytes)
    const at = Math.floor(random() * out.length)
    // One to 255 added: never the same byte again.
    out[at] = (out[at]! + 1 + Math.floor(random() * 255)) & 0xff
    return out
  }

  #delay(item: Uint8Array | (() => void)): void {
    const { clock, random, settings } = this.#options
    if (typeof item !== 'function') this.bytes += item.length
    const { delayMs } = settings()
    const [least, most] = typeof delayMs === 'number' ? [delayMs, delayMs] : delayMs
    const now = clock.now()
    const due = Math.max(this.#lastDue, now + (most > least ? least + random() * (most - least) : least))
    if (due <= now && this.#delayed.length === 0) return this.#arrive(item)
    this.#lastDue = due
    this.#delayed.push(item)
    // Each timer takes the first of the queue: timers of equal time need not fire in order.
    const cancel = clock.after(due - now, () => {
      this.#cancels.delete(cancel)
      const first = this.#delayed.shift()
      if (first) this.#arrive(first)
    })
    this.#cancels.add(cancel)
  }

  #arrive(item: Uint8Array | (() => void)): void {
    if (typeof item === 'function') return item()
    const { clock, random, settings, counts } = this.#options
    const { reorder } = settings()
    const left = reorder > 0 ? Math.floor(random() * (reorder + 1)) : 0
    if (left > 0) {
      counts.reordered++
      const held: Held = { bytes: item, left, cancel: clock.after(HOLD_MS, () => this.#releaseHeld(held)) }
      this.#held.push(held)
      return
    }
    this.#deliver(item)
    for (const held of [...this.#held]) {
      held.left--
      if (held.left === 0) this.#releaseHeld(held)
    }
  }

  #releaseHeld(held: Held): void {
    const at = this.#held.indexOf(held)
    if (at < 0) return
    this.#held.splice(at, 1)
    held.cancel()
    this.#deliver(held.bytes)
  }

  #deliver(bytes: Uint8Array): void {
    if (this.#over) return
    this.bytes -= bytes.length
    this.#options.deliver(bytes)
  }
}
