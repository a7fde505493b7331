import { type Clock, SecureChatError } from '@securechat/protocol'
import type { Channel, ChannelHandlers, Transport } from '../port.js'
import { FaultLane } from './lane.js'
import { type Direction, type FaultCounts, type FaultSettings, NO_FAULTS } from './settings.js'

export type { Direction, FaultCounts, FaultSettings }

/** Live handle on all channels of one faulty transport, open ones included. */
export interface Faults {
  /** Changes the given settings of a direction, or of both. `refuse`: probability (or always) that an opening fails. */
  set(changes: Partial<FaultSettings> & { readonly refuse?: number | boolean }, direction?: Direction): void
  /** Ends all faults; what is delayed still arrives, what is lost stays lost. */
  clear(): void
  /** Cuts every open channel now; frames on their way are lost in both directions. Returns how many were cut. */
  cut(): number
  readonly counts: Readonly<FaultCounts>
}

export interface FaultyTransportOptions {
  readonly clock: Clock
  /** Numbers in [0, 1), seeded: the same seed and the same traffic give the same faults. */
  readonly random: () => number
  /**
   * Milliseconds from a dropped frame to the cut of its channel; Infinity: never. A WebSocket is reliable and ordered, so in reality a frame
   * is lost only with its connection, and a connection that lost one does not live on.
   */
  readonly cutAfterLossMs?: number
}

/**
 * Wraps a transport with faults of whole frames. Dropping, duplicating and reordering are nastier than any WebSocket can be; what
 * stands above must survive them all the same (a lost answer looks like a lost connection, a resend like a duplicate).
 */
export function faultyTransport(inner: Transport, options: FaultyTransportOptions): { readonly transport: Transport; readonly faults: Faults } {
  const counts: FaultCounts = { dropped: 0, duplicated: 0, reordered: 0, corrupted: 0, cut: 0, refused: 0 }
  const settings: Record<Direction, FaultSettings> = { up: NO_FAULTS, down: NO_FAULTS }
  const channels = new Set<FaultyChannel>()
  let refuse = 0

  const transport: Transport = {
    kind: `faulty ${inner.kind}`,
    ...(inner.networkHints && { networkHints: inner.networkHints }),
    async open(handlers, openOptions) {
      if (refuse > 0 && options.random() < refuse) {
        counts.refused++
        throw new SecureChatError('network/unreachable', { detail: 'refused' })
      }
      const channel = new FaultyChannel({ ...options, handlers, counts, settings: (direction) => settings[direction], onEnd: () => channels.delete(channel) })
      channels.add(channel)
      return channel.open(inner, openOptions)
    },
  }
  const faults: Faults = {
    set({ refuse: refusal, ...changes }, direction) {
      if (refusal !== undefined) refuse = Number(refusal)
      for (const each of ['up', 'down'] as const) if (direction === undefined || direction === each) settings[each] = { ...settings[each], ...changes }
    },
    clear() {
      refuse = 0
      settings.up = NO_FAULTS
      settings.down = NO_FAULTS
    },
    cut() {
      const open = [...channels]
      for (const channel of open) channel.cut()
      counts.cut += open.length
      return open.length
    },
    counts,
  }
  return { transport, faults }
}

interface FaultyChannelOptions extends FaultyTransportOptions {
  readonly handlers: ChannelHandlers
  readonly counts: FaultCounts
  readonly settings: (direction: Direction) => FaultSettings
  readonly onEnd: () => void
}

class FaultyChannel implements Channel {
  readonly #options: FaultyChannelOptions
  readonly #up: FaultLane
  readonly #down: FaultLane
  #inner: Channel | null = null
  #opened = false
  #over = false
  #cancelCut: (() => void) | null = null

  constructor(options: FaultyChannelOptions) {
    this.#options = options
    const lane = (direction: Direction, deliver: (bytes: Uint8Array) => void): FaultLane =>
      new FaultLane({
        clock: options.clock,
        random: options.random,
        counts: options.counts,
        settings: () => options.settings(direction),
        deliver,
        onLoss: () => this.#cutLater(),
        onCut: () => this.cut(),
      })
    this.#up = lane('up', (bytes) => this.#inner?.send(bytes))
    this.#down = lane('down', (bytes) => options.handlers.onMessage(bytes))
  }

  async open(inner: Transport, openOptions: { signal: AbortSignal }): Promise<Channel> {
    try {
      this.#inner = await inner.open(
        {
          onMessage: (bytes) => this.#down.push(bytes),
          onClose: (error) => this.#down.finish(() => this.#end(error ?? new SecureChatError('network/closed'))),
        },
        openOptions,
      )
    } catch (error) {
      this.#over = true
      this.#options.onEnd()
      throw error
    }
    // Cut by a fault of the very first frames: the owner has not got the channel, so the opening failed.
    if (this.#over) {
      this.#inner.close()
      throw new SecureChatError('network/unreachable', { detail: 'cut' })
    }
    this.#opened = true
    return this
  }

  get bufferedBytes(): number {
    return this.#over ? 0 : this.#up.bytes + (this.#inner?.bufferedBytes ?? 0)
  }

  send(bytes: Uint8Array): void {
    if (!this.#over) this.#up.push(bytes)
  }

  close(): void {
    if (this.#over) return
    // What was sent before the close still arrives, then the close itself.
    const inner = this.#inner
    this.#up.finish(() => inner?.close())
    this.#end(undefined)
  }

  cut(): void {
    if (this.#over) return
    this.#up.dispose()
    this.#inner?.close()
    this.#end(new SecureChatError('network/closed', { detail: 'cut' }))
  }

  #cutLater(): void {
    const { cutAfterLossMs = 2_000, clock } = this.#options
    if (this.#over || this.#cancelCut || cutAfterLossMs === Number.POSITIVE_INFINITY) return
    this.#cancelCut = clock.after(cutAfterLossMs, () => this.cut())
  }

  #end(error: SecureChatError | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#cancelCut?.()
    this.#down.dispose()
    this.#options.onEnd()
    if (this.#opened) queueMicrotask(() => this.#options.handlers.onClose(error))
  }
}
