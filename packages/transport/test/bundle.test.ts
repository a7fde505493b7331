import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const bundled = async (entry: string, options: BuildOptions = {}) => {
  const { metafile, errors, warnings } = await build({
    stdin: { contents: `export * from '@securechat/transport${entry}'`, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    splitting: true,
    format: 'esm',
    outdir: 'out',
    write: false,
    metafile: true,
    minify: true,
    conditions: ['@securechat/source'],
    logLevel: 'silent',
    ...options,
  })
  if (!metafile) throw new Error('esbuild gave no metafile')
  return { metafile, errors, warnings }
}

describe('browser bundle (esbuild without any configuration)', () => {
  for (const entry of ['', '/websocket', '/loopback', '/faults', '/conformance']) {
    it(`@securechat/transport${entry} needs no Node module and no ws`, async () => {
      // A Node built-in would be an error here: platform "browser" resolves none.
      const { metafile, errors, warnings } = await bundled(entry, { platform: 'browser' })
      expect([errors, warnings]).toEqual([[], []])
      const inputs = Object.keys(metafile.inputs)
      expect(inputs.some((path) => path.includes('/transport/src/'))).toBe(true)
      expect(inputs.filter((path) => /node_modules\/ws\//.test(path) || path.startsWith('node:'))).toEqual([])
    })
  }
  it('the WebSocket fallback is a chunk of its own, loaded on demand', async () => {
    const { metafile } = await bundled('/websocket', { platform: 'browser' })
    const entry = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined)!
    expect(Object.keys(entry.inputs).some((path) => path.includes('isomorphic-ws'))).toBe(false)
    expect(entry.imports.map(({ kind }) => kind)).toContain('dynamic-import')
  })
  it('for Node the fallback is ws', async () => {
    const { metafile } = await bundled('/websocket', { platform: 'node' })
    expect(Object.keys(metafile.inputs).some((path) => /node_modules\/ws\//.test(path))).toBe(true)
  })
})
