import { cpSync, symlinkSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { ROOT } from './bootstrap.mjs'

const NOT_COPIED = new Set(['.git', '.cache', 'node_modules', 'data', 'coverage', 'reports', 'screenshots', '.stryker-tmp'])

/** A tree of its own that can be broken on purpose, with the installed packages of this one. */
export function copyOfRepository(to) {
  cpSync(ROOT, to, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    // A package's own node_modules and .cache are kept: links that lead into the copy, and stamps of what is built.
    filter: (source) => !NOT_COPIED.has(basename(source)) || relative(ROOT, source).split('/').length === 3,
  })
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'))
}
