// Every guard is broken on purpose, once for each way around it, and has to say so; and what is right has to pass.
import { describe, expect, test } from 'vitest'
import { checkCitations } from '../guards/citations.mjs'
import { checkLabels } from '../guards/labels.mjs'
import { checkSites, checkSource } from '../guards/source.mjs'

const CRYPTO = { folder: 'packages/crypto', name: 'crypto', library: true, neutral: true }
const CLIENT = { folder: 'packages/client', name: 'client', library: true, neutral: true }
const HOST = { folder: 'packages/server-node', name: 'server-node', library: true, neutral: false }
const problemsOf = (text, member = CRYPTO, file = `${member.folder}/src/x/y.ts`) => checkSource({ file, text, member }).problems

describe('source', () => {
  test.each([
    ['console.log(1)', 'console'],
    ["console['error'](1)", 'console'],
    ['const log = console', 'console'],
    ['run(console)', 'console'],
    ['globalThis.console.log(1)', 'console'],
    ['const { log } = console', 'console'],
    ['const n = Math.random()', 'Math.random'],
    ["const n = Math['random']()", 'Math.random'],
    ['const { random } = Math', 'Math.random'],
    ['const { random: r } = Math', 'Math.random'],
    ['const n = globalThis.Math.random()', 'Math.random'],
    ['const now = Date.now()', 'Date.now'],
    ['const clock = Date.now', 'Date.now'],
    ["const now = Date['now']()", 'Date.now'],
    ['const { now } = Date', 'Date.now'],
    ['const now = new Date()', 'new Date()'],
    ['const now = new Date', 'new Date()'],
    ['const now = Date()', 'Date()'],
    ['const now = performance.now()', 'performance.now'],
    ['const now = globalThis.performance.now()', 'performance.now'],
    ['const k = crypto.getRandomValues(new Uint8Array(32))', 'getRandomValues'],
    ['const k = globalThis.crypto.randomUUID()', 'randomUUID'],
    ["import { createHash } from 'node:crypto'", 'also runs in browsers'],
    ["const fs = await import('node:fs')", 'also runs in browsers'],
    ['const env = process.env', 'exists in Node alone'],
    ['const b = Buffer.from(a)', 'exists in Node alone'],
    ["import { T } from '../../../protocol/src/index.js'", 'leaves its package'],
    ["import { a } from './a'", 'end in .js'],
    ['// TODO: later', 'finish it'],
    ['// @ts-ignore', 'with a reason'],
    ['// @ts-expect-error\nlet a = 1', 'with a reason'],
    ['// eslint-disable-next-line securechat/constant-time', 'only with a reason'],
    ['a\n'.repeat(401), 'does too much'],
  ])('%j is refused in the cryptography', (text, because) => {
    expect(problemsOf(text).join()).toContain(because)
  })

  test('an index that exports everything is refused', () => {
    expect(problemsOf("export * from './a.js'", CRYPTO, 'packages/crypto/src/index.ts').join()).toContain('lists names')
  })

  test.each([
    ['// console.log, Math.random and Date.now in a comment', CRYPTO],
    ["const text = 'console.log(Math.random(), Date.now())'", CRYPTO],
    ['const run = (process: number) => process + 1', CRYPTO],
    ['const at = new Date(now)', CRYPTO],
    ['const now = deps.clock.now()', CRYPTO],
    ["import type { KeyObject } from '@noble/curves/ed25519.js'", CRYPTO],
    ['// eslint-disable-next-line securechat/constant-time -- public: the tag of a row', CRYPTO],
    ['const now = Date.now()', CLIENT],
    ["import { readFileSync } from 'node:fs'", HOST],
    ['const env = process.env', HOST],
  ])('%j passes', (text, member) => {
    expect(problemsOf(text, member)).toEqual([])
  })

  test('a library has one import site in a package', () => {
    const sitesOf = (...texts) => {
      const sites = new Map()
      for (const [i, text] of texts.entries()) {
        const file = `packages/crypto/src/${i}.ts`
        for (const library of checkSource({ file, text, member: CRYPTO }).libraries) sites.set(library, (sites.get(library) ?? new Set()).add(file))
      }
      return checkSites('packages/crypto', sites)
    }
    const one = "import { sha512 } from '@noble/hashes/sha2.js'"
    expect(sitesOf(one, "import { blake2b } from '@noble/hashes/blake2.js'").join()).toContain('@noble/hashes is imported in 2 files')
    expect(sitesOf(one, "export { sha256 } from '@noble/hashes/sha2.js'").join()).toContain('imported in 2 files')
    expect(sitesOf(one, "const noble = await import('@noble/hashes/sha2.js')").join()).toContain('imported in 2 files')
    expect(sitesOf(one, "import type { Hash } from '@noble/hashes/utils.js'")).toEqual([])
    expect(sitesOf("import * as z from 'zod/mini'", "import * as z from 'zod/mini'")).toEqual([])
  })
})

describe('labels', () => {
  const registry = "export const LABELS = { one: 'SC1/one', two: 'SC1/one/two', own: 'SC1/server/own' } as const"
  const sources = new Map([
    ['packages/crypto/src/a.ts', 'T(LABELS.one, a)'],
    ['packages/crypto/src/b.ts', 'T(LABELS.two, a)'],
    ['packages/server/src/c.ts', 'T(LABELS.own, a)'],
  ])
  const documents = new Map([['docs/protocol/01.md', 'T("SC1/one", a) and T("SC1/one/two", a)']])
  const judge = (changes) => checkLabels({ registry, sources, documents, ...changes })

  test('what is right passes', () => expect(judge({})).toEqual([]))

  test.each([
    ['the same label twice', { registry: registry.replace('SC1/one/two', 'SC1/one') }, 'SC1/one is there twice'],
    ['the same name twice', { registry: registry.replace('two:', 'one:') }, 'one is there twice'],
    ['another beginning', { registry: registry.replace('SC1/one/two', 'SC2/one/two') }, 'is not SC1/'],
    ['other characters', { registry: registry.replace('SC1/one/two', 'SC1/One two') }, 'is not SC1/'],
    ['a label that is computed', { registry: registry.replace("'SC1/one/two'", "'SC1/one' + suffix") }, 'not a plain text'],
    ['used for two constructions', { sources: new Map([...sources, ['packages/client/src/d.ts', 'T(LABELS.one, b, c)']]) }, 'is for one construction'],
    ['used nowhere', { sources: new Map([...sources].slice(1)) }, 'one is used nowhere'],
    ['in no document', { documents: new Map([['docs/protocol/01.md', 'T("SC1/one", a)']]) }, 'SC1/one/two is in no document'],
    ['in a document alone', { documents: new Map([...documents, ['docs/protocol/02.md', 'T("SC1/three")']]) }, 'SC1/three is not in the registry'],
    ['written in place', { sources: new Map([...sources, ['packages/crypto/src/d.ts', "T('SC1/one' as never, a)"]]) }, 'comes from the registry'],
    [
      'put together in place',
      { sources: new Map([...sources, ['packages/crypto/src/d.ts', ['T(`SC1/', 'one}` as never, a)'].join('${')]]) },
      'comes from the registry',
    ],
  ])('%s is refused', (_, changes, because) => {
    expect(judge(changes).join('\n')).toContain(because)
  })
})

describe('citations', () => {
  const documents = new Map([
    ['docs/protocol/04-ratchet.md', '# 04 Ratchet\n\n## Message keys\n\n**Committing encryption.** The commitment\n'],
    ['docs/protocol/14-healing.md', '# 14 Healing\n\n## 14.2 Asking\n\nSee "Message keys" in [04](04-ratchet.md).\n'],
  ])
  const judge = (comment, more = []) =>
    checkCitations({ sources: new Map([['packages/a/src/b.ts', comment]]), documents: new Map([...documents, ...more]), exists: () => false })

  test.each([
    'docs/protocol/04-ratchet.md',
    'docs/protocol/04, "Message keys"',
    'docs/protocol/04-ratchet.md, "Committing encryption"',
    'docs/protocol/14-healing.md, section 14.2',
    'docs/protocol/14-healing.md, "Asking".',
    'as docs/protocol/04-ratchet.md.',
  ])('%s is there', (comment) => expect(judge(`/** ${comment} */`)).toEqual([]))

  test.each([
    ['docs/protocol/05-login.md', 'does not exist'],
    ['docs/protocol/05', 'does not exist'],
    ['docs/protocol/vectors/none.json', 'does not exist'],
    ['docs/threats.md', 'does not exist'],
    ['docs/protocol/04-ratchet.md, "Keys of messages"', 'no section'],
    ['docs/protocol/14-healing.md, section 14.7', 'no section'],
  ])('%s is not', (comment, because) => expect(judge(`/** ${comment} */`).join()).toContain(because))

  test.each([
    ['[05](05-envelope.md)', 'does not exist'],
    ['[decision](../adr/0099-none.md)', 'does not exist'],
    ['"Keys of messages" in [04](04-ratchet.md)', 'no section'],
    ['([14](14-healing.md), "Answering")', 'no section'],
  ])('documents are held to it too: %s', (text, because) => {
    expect(judge('', [['docs/protocol/15-more.md', text]]).join()).toContain(because)
  })
})
