const PRINTED = '[secret]'

declare const exposed: unique symbol

/** Ordinary bytes, but for a type that is not lost on the way: a lint rule lets nobody compare them but in constant time. */
export type ExposedBytes = Uint8Array & { readonly [exposed]?: never }

/** Key bytes that print as `[secret]`, in text, JSON and Node's inspect, so that a logged object gives nothing away. */
export class Secret {
  readonly #bytes: Uint8Array

  /** Keeps `bytes` itself, without a copy; the caller must not change them afterwards. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The bytes themselves, not a copy: for the primitives and for encoding into a sealed store. */
  expose(): ExposedBytes {
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

declare const deviceOnly: unique symbol

/**
 * Encoded ratchet state, prekeys, sender chains, device keys: what lives on one device and dies with it, since two copies would use a key twice. An ordinary
 * `Uint8Array` but for its type, which a backup does not take (docs/protocol/11, "What is in a backup").
 */
export type DeviceOnlyBytes = Uint8Array & { readonly [deviceOnly]: true }

/** Bytes of any other kind. */
export type PortableBytes = Uint8Array & { readonly [deviceOnly]?: never }

/** Marks what an encoder of such a state gives out. */
export const asDeviceOnly = (bytes: Uint8Array): DeviceOnlyBytes => bytes as DeviceOnlyBytes
