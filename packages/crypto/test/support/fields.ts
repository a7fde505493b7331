/** One way in which the fields of a `T` can be other than a reader wants them. */
export interface Misshapen {
  readonly what: string
  /** The field whose length is another one; undefined where there is one field too many or too few. */
  readonly field?: number
  readonly fields: readonly Uint8Array[]
}

const ZERO = Uint8Array.of(0)
const appended = (field: Uint8Array): Uint8Array => Uint8Array.from([...field, 0])

/** A field too few in each place, the first ones alone, one too many, and every field but the `free` ones empty, shorter and longer by a byte. */
export function misshapen(fields: readonly Uint8Array[], free: readonly number[] = []): Misshapen[] {
  const fewer = fields.map((_, at) => ({ what: `without field ${at}`, fields: fields.filter((_, i) => i !== at) }))
  const first = fields.map((_, count) => ({ what: `the first ${count}`, fields: fields.slice(0, count) }))
  const lengths = fields.flatMap((field, at) => {
    if (free.includes(at)) return []
    const others = { empty: ZERO.subarray(1), shorter: field.subarray(0, -1), longer: appended(field) }
    return Object.entries(others)
      .filter(([, other]) => other.length !== field.length)
      .map(([what, other]) => ({ what: `field ${at} ${what}`, field: at, fields: fields.map((one, i) => (i === at ? other : one)) }))
  })
  return [...fewer, ...first, { what: 'one more', fields: [...fields, ZERO] }, ...lengths]
}
