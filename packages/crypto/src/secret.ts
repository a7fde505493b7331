const PRINTED = '[secret]'

/** Key bytes that print as `[secret]`, in text, JSON and Node's inspect, so that a logged object gives nothing away. */
export class Secret {
  readonly #bytes: Uint8Array

  /** Keeps `bytes` itself, without a copy; the caller must not change them afterwards. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The bytes themselves, not a copy: for the primitives and for encoding into a sealed store. */
  expose(): Uint8Array {
    return this.#bytes
  }

  toString(): string {
    return PRINTED
  }

  toJSON(): string {
    return PRINTED
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return PRINTED
  }
}
