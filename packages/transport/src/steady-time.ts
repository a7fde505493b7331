import type { Clock } from '@securechat/protocol'

/**
 * Time for measuring waits. Wall clocks are set back (by hand, by NTP); with the raw time every deadline would then move away by as
 * much and a dead socket stay unnoticed. Forward jumps stay visible: they tell that the machine slept.
 */
export class SteadyTime {
  readonly #clock: Clock
  #raw: number
  #lost = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#raw = clock.now()
  }

  now(): number {
    const raw = this.#clock.now()
    if (raw < this.#raw) this.#lost += this.#raw - raw
    this.#raw = raw
    return raw + this.#lost
  }

  /** A steady time as wall clock time. */
  toWall(steady: number): number {
    return steady - this.#lost
  }
}
