/** Rows that will be committed together, seen as if they were already there. Nothing is stored before the owner commits `changes`. */
export class Batch {
  readonly changes = new Map<string, Uint8Array | null>()
  readonly #below: (key: string) => Uint8Array | undefined

  constructor(below: { get(key: string): Uint8Array | undefined }) {
    this.#below = (key) => below.get(key)
  }

  get(key: string): Uint8Array | undefined {
    const changed = this.changes.get(key)
    return changed === undefined ? this.#below(key) : (changed ?? undefined)
  }

  set(key: string, value: Uint8Array | null): void {
    this.changes.set(key, value)
  }

  /** Takes over what another batch, which was made on this one, has changed. */
  add(other: Batch): void {
    for (const [key, value] of other.changes) this.changes.set(key, value)
  }
}
