import { type Label, T } from '@securechat/protocol'

export type Fields = Readonly<Record<string, Uint8Array>>

export const written = (label: Label, fields: Fields): Uint8Array => T(label, ...Object.values(fields))

/** A transcript with each of its fields a byte shorter (where it has one) or longer, gone, or there twice, and with the first ones alone: what happened to which, and the bytes. */
export function misshapen(label: Label, fields: Fields): (readonly [string, Uint8Array])[] {
  const all = Object.values(fields)
  const first = all.map((_, count) => [`the first ${count}`, T(label, ...all.slice(0, count))] as const)
  const each = Object.entries(fields).flatMap(([name, field], at) => {
    const put = (...others: Uint8Array[]): Uint8Array => T(label, ...all.slice(0, at), ...others, ...all.slice(at + 1))
    const changed: (readonly [string, Uint8Array])[] = [
      [`${name} longer`, put(Uint8Array.of(...field, 0))],
      [`${name} gone`, put()],
      [`${name} twice`, put(field, field)],
    ]
    return field.length === 0 ? changed : [...changed, [`${name} shorter`, put(field.subarray(0, -1))] as const]
  })
  return [...first, ...each]
}
