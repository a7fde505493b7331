import fc from 'fast-check'

const edit = fc.oneof(
  fc.record({ kind: fc.constant('overwrite' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
  // A length or a count that claims far more than there is: what a decoder allocates for must be what has come.
  fc.record({
    kind: fc.constant('overwrite' as const),
    at: fc.nat(),
    bytes: fc.constantFrom(
      Uint8Array.of(255, 255, 255, 255),
      Uint8Array.of(127, 255, 255, 255),
      Uint8Array.of(255, 255),
      Uint8Array.of(0, 31, 255, 255, 255, 255, 255, 255),
    ),
  }),
)
type Edit = typeof edit extends fc.Arbitrary<infer One> ? One : never

function edited(sample: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let bytes = sample
  for (const { kind, at, bytes: piece } of changes) {
    const index = at % (bytes.length + 1)
    const removed = kind === 'insert' ? 0 : piece.length
    bytes = Uint8Array.from([...bytes.subarray(0, index), ...(kind === 'cut' ? [] : piece), ...bytes.subarray(index + removed)])
  }
  return bytes
}

/** Noise, prefixes of `sample`, `sample` with surplus bytes, and `sample` changed in up to three places, so that most inputs get past the first checks. */
export const inputsLike = (sample: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
    { weight: 1, arbitrary: fc.nat({ max: sample.length }).map((length) => sample.slice(0, length)) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 4 }).map((surplus) => Uint8Array.from([...sample, ...surplus])) },
    { weight: 5, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }).map((changes) => edited(sample, changes)) },
  )
