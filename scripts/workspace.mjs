import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bootstrap.mjs'

const FOLDERS = ['packages', 'examples']

/**
 * @typedef {object} Member a package of the workspace
 * @property {string} name the name in its package.json
 * @property {string} folder relative to the root, e.g. `packages/crypto`
 * @property {string} path absolute
 * @property {boolean} published
 * @property {Record<string, any>} manifest
 */

/** Every package and example, in the order of their folders. @returns {Member[]} */
export function members() {
  return FOLDERS.filter((parent) => existsSync(join(ROOT, parent))).flatMap((parent) =>
    readdirSync(join(ROOT, parent))
      .sort()
      .filter((name) => existsSync(join(ROOT, parent, name, 'package.json')))
      .map((name) => {
        const folder = `${parent}/${name}`
        const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
        return { name: manifest.name, folder, path: join(ROOT, folder), published: !manifest.private, manifest }
      }),
  )
}

/** The members that this one is built from, itself excluded. @param {Member} member @param {Member[]} all */
export function workspaceDependencies(member, all) {
  const found = new Set()
  const visit = ({ manifest }) => {
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies })) {
      const dependency = all.find((one) => one.name === name)
      if (!dependency || found.has(dependency)) continue
      found.add(dependency)
      visit(dependency)
    }
  }
  visit(member)
  found.delete(member)
  return [...found]
}

/** `exports` of a manifest as `[subpath, source file]`, from the list that builds and tests use too. */
export function sourceEntries(manifest) {
  return Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) =>
    target?.['@securechat/source'] ? [[subpath, target['@securechat/source']]] : [],
  )
}
