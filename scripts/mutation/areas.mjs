import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Quick, pure tests of the cryptography and the codecs; the models and the long properties take minutes and find other faults. */
const FOLDERS = ['packages/protocol/test', 'packages/crypto/test/scenario', 'packages/crypto/test/vectors', 'packages/crypto/test/property']
const LEFT_OUT = ['post-quantum.test.ts', 'fuzz.test.ts'].map((name) => join('packages/crypto/test/property', name))
/** What every decoder says of changed inputs. */
const VERDICTS = 'packages/integration/test/fuzz/verdicts.test.ts'

/** Parts of paths of test files, for whoever writes tests and does not want to wait for all others. */
const ONLY = (process.env.SECURECHAT_MUTATION_TESTS ?? '').split(',').filter((part) => part !== '')

export const testFiles = () =>
  FOLDERS.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name)))
    .filter((file) => file.endsWith('.test.ts') && !LEFT_OUT.includes(file))
    .concat(VERDICTS)
    .filter((file) => ONLY.length === 0 || ONLY.some((part) => file.includes(part)))
    .sort()

/** Sources without side effects, so loading them is not part of a test. */
export const loadedFirst = () =>
  ['packages/protocol/src', 'packages/crypto/src'].flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  )
