import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

// Run in a package's folder: the entries are what its `exports` name, so that there is one list.
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { '@securechat/source'?: string; import?: { default: string } }>
  bin?: Record<string, string>
}
const entry: Record<string, string> = {}
for (const target of Object.values(manifest.exports)) {
  if (typeof target === 'string' || !target['@securechat/source'] || !target.import) continue
  entry[target.import.default.replace('./dist/', '').replace(/\.js$/, '')] = target['@securechat/source']
}
for (const path of Object.values(manifest.bin ?? {})) entry[path.replace('./dist/', '').replace(/\.js$/, '')] = './src/bin.ts'

export default defineConfig({
  entry,
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  dts: process.env.SECURECHAT_BUILD !== 'js',
  clean: true,
  sourcemap: true,
  splitting: true,
  treeshake: true,
  // Some modules, `node:sqlite` among them, exist under the full name alone.
  removeNodeProtocol: false,
  external: [/^node:/],
})
