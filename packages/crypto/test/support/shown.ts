import { Secret } from '../../src/index.js'

/** A value with all of its bytes, those of secrets too, which JSON alone does not show. */
export const shown = (value: unknown): string =>
  JSON.stringify(value, function (this: Record<string, unknown>, name, field) {
    const raw = this[name]
    return raw instanceof Secret ? [...raw.expose()] : field
  })
