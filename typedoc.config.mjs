import { join } from 'node:path'
import { members, sourceEntries } from './scripts/workspace.mjs'

/** @type {Partial<import('typedoc').TypeDocOptions> & Record<string, unknown>} */
export default {
  name: 'SecureChat',
  plugin: ['typedoc-plugin-markdown'],
  out: 'docs/api',
  readme: 'none',
  hideGenerator: true,
  disableSources: true,
  entryPoints: members().flatMap(({ published, folder, manifest }) => (published ? sourceEntries(manifest).map(([, source]) => join(folder, source)) : [])),
  tsconfig: 'tsconfig.json',
  excludeInternal: true,
  excludePrivate: true,
}
