import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, test } from 'vitest'

const FOLDER = process.env.SECURECHAT_VECTORS ?? resolve(import.meta.dirname, '../../../../../shared/vectors')

export const unhex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** Public vectors are not part of the repository: absent, they are skipped visibly, and are an error in CI. */
export function describeVectors(name: string, file: string, define: (data: unknown) => void): void {
  const path = resolve(FOLDER, file)
  if (existsSync(path)) {
    describe(name, () => define(JSON.parse(readFileSync(path, 'utf8'))))
  } else if (process.env.CI) {
    test(name, () => {
      throw new Error(`the vectors ${file} are missing (SECURECHAT_VECTORS)`)
    })
  } else {
    describe.skip(name, () => test(`needs ${file}: set SECURECHAT_VECTORS`, () => undefined))
  }
}
