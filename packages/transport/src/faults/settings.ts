/** What goes wrong in one direction. Probabilities are from 0 to 1 and drawn for each frame. */
export interface FaultSettings {
  /** Probability that a frame is lost. The channel is cut `cutAfterLossMs` later. */
  readonly drop: number
  /** Probability that a frame comes twice. */
  readonly duplicate: number
  /** Up to so many later frames may overtake a frame; 0: order is kept. */
  readonly reorder: number
  /** Milliseconds on the way, fixed or drawn between two bounds; delay alone keeps the order. */
  readonly delayMs: number | readonly [number, number]
  /** Probability that one byte of a frame arrives changed. */
  readonly corrupt: number
  /** Probability that the channel is cut at a frame, which is lost with everything on its way. */
  readonly cut: number
}

/** `up`: client to server. `down`: server to client. */
export type Direction = 'up' | 'down'

/** How often each fault has happened; for tests that must know that they tested something. */
export interface FaultCounts {
  dropped: number
  duplicated: number
  reordered: number
  corrupted: number
  cut: number
  refused: number
}

export const NO_FAULTS: FaultSettings = { drop: 0, duplicate: 0, reorder: 0, delayMs: 0, corrupt: 0, cut: 0 }
