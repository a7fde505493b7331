/** Something that reads bytes from outside. `encode` gives what a value was read from, byte for byte. */
export interface Decoder<Value = unknown> {
  readonly decode: (bytes: Uint8Array) => Value
  readonly encode?: (value: Value) => Uint8Array
  readonly sample: Uint8Array
}

export const decoder = <Value>(entry: Decoder<Value>): Decoder => entry as Decoder
