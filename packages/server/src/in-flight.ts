/** Counts calls in progress, so that a server can wait for them before it stops. */
export class InFlight {
  #count = 0
  #idle: (() => void)[] = []
  /** Set when the server stops: new calls are refused with `server/draining`. */
  stopping = false

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count > 0) return
    for (const done of this.#idle.splice(0)) done()
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((done) => this.#idle.push(done))
  }
}
