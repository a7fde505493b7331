/** Results kept after their last component has gone, so that going back shows them at once. */
const KEPT = 32

/** One query for one question, however many components ask it. Belongs to one client. */
export class SharedQueries {
  readonly #queries = new Map<string, unknown>()

  /** `key` must name the type as well as the arguments: equal keys get the same object. */
  get<Q>(key: string, create: () => Q): Q {
    const query = this.#queries.has(key) ? (this.#queries.get(key) as Q) : create()
    // Re-inserted: a map's order is that of insertion, so the first one is the one unused for longest.
    this.#queries.delete(key)
    this.#queries.set(key, query)
    if (this.#queries.size > KEPT) this.#queries.delete(this.#queries.keys().next().value!)
    return query
  }
}
