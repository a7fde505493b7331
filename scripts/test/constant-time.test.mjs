// The lint rule is broken on purpose, once for each way to compare bytes, and has to say so; and what is right has to pass.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, test } from 'vitest'
import constantTime from '../lint/constant-time.mjs'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** What a file of ours has around it. */
const DECLARATIONS = `
declare const exposed: unique symbol
declare class Secret { expose(): Uint8Array & { readonly [exposed]?: never } }
declare function equalPublicBytes(a: Uint8Array, b: Uint8Array): boolean
declare function equalSecretBytes(a: Uint8Array, b: Uint8Array): boolean
declare function toBase64Url(bytes: Uint8Array): string
declare function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
declare class Buffer extends Uint8Array { static compare(a: Uint8Array, b: Uint8Array): number; equals(other: Uint8Array): boolean; compare(other: Uint8Array): number }
declare const provider: { equal(a: Uint8Array, b: Uint8Array): boolean }
declare const a: Uint8Array, b: Uint8Array, maybe: Uint8Array | undefined, buffer: Buffer, key: Secret, other: Secret
declare const message: { readonly keyCommitment: Uint8Array; readonly tag: Uint8Array; readonly hash: Uint8Array; readonly id: string; readonly profileKey?: Uint8Array }
declare const row: { readonly code_mac: Uint8Array; readonly password: string; readonly token: string }
declare const typed: string
declare function send(value: unknown): void;
`
const linter = new Linter({ cwd: ROOT })
const config = {
  files: ['**/*.ts'],
  languageOptions: {
    parser: tseslint.parser,
    parserOptions: { projectService: { allowDefaultProject: ['*.ts'], defaultProject: 'tsconfig.json' }, tsconfigRootDir: ROOT },
  },
  plugins: { securechat: { rules: { 'constant-time': constantTime } } },
  rules: { 'securechat/constant-time': 'error' },
}
/** One file for all, so that the types are read once: what the rule says, by line. */
function judge(snippets) {
  const bodies = snippets.map((snippet) => `{ ${snippet} }`)
  const messages = linter.verify(`${DECLARATIONS}\n${bodies.join('\n')}\nexport {}\n`, [config], { filename: join(ROOT, 'snippets.ts') })
  const first = DECLARATIONS.split('\n').length + 1
  expect(messages.filter(({ fatal }) => fatal)).toEqual([])
  return snippets.map((_, i) => messages.filter(({ line }) => line === first + i).map(({ messageId }) => messageId))
}

const REFUSED = [
  ['send(a === b)', 'reference'],
  ['send(a == b)', 'reference'],
  ['send(maybe !== b)', 'reference'],
  ['send(key === other)', 'reference'],
  ['send(key.expose() === a)', 'reference'],
  ['for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) send(i)', 'element'],
  ['for (let i = 0; i < a.length; i++) if (a[i]! === maybe![i]!) send(i)', 'element'],
  ['let d = 0; for (let i = 0; i < a.length; i++) d |= a[i]! ^ b[i]!; send(d)', 'element'],
  ['send(a.every((byte, i) => byte === b[i]))', 'element'],
  ['send(a.some((byte, i) => b[i] !== byte))', 'element'],
  ['send(!a.find((byte, i) => byte !== b[i]))', 'element'],
  ['send(a.findIndex(function (byte, i) { return byte != b[i] }))', 'element'],
  ['send(a.filter((byte, i) => byte !== b[i]).length)', 'element'],
  ['send(key.expose().every((byte, i) => byte === a[i]))', 'element'],
  ['send(Buffer.compare(a, b) === 0)', 'library'],
  ['send(buffer.equals(a))', 'library'],
  ['send(buffer.compare(a))', 'library'],
  ['send(timingSafeEqual(a, b))', 'library'],
  ['send(equalPublicBytes(message.tag, a))', 'secret'],
  ['send(equalPublicBytes(a, message.keyCommitment))', 'secret'],
  ['send(equalPublicBytes(a, message.profileKey!))', 'secret'],
  ['send(equalPublicBytes(a.subarray(0, 32), message.tag.subarray(0, 16)))', 'secret'],
  ['send(equalPublicBytes(row.code_mac, a))', 'secret'],
  ['send(equalPublicBytes(key.expose(), a))', 'secret'],
  ['const bytes = key.expose(); send(equalPublicBytes(bytes, a))', 'secret'],
  ['const { tag: renamed } = { tag: key.expose() }; send(equalPublicBytes(a, renamed))', 'secret'],
  ['const mac = a; send(equalPublicBytes(mac, b))', 'secret'],
  ['const frankTag = a; send(equalPublicBytes(frankTag, b))', 'secret'],
  ['send(toBase64Url(message.tag) === typed)', 'secret'],
  ['send(typed !== toBase64Url(key.expose()))', 'secret'],
  ['send(message.tag.toString() === typed)', 'secret'],
  ["send(message.keyCommitment.join('') === typed)", 'secret'],
  ['send(String(key.expose()) === typed)', 'secret'],
  ['send(row.password === typed)', 'secret'],
]
const ALLOWED = [
  'send(provider.equal(message.tag, a))',
  'send(equalSecretBytes(key.expose(), a))',
  'send(equalPublicBytes(message.hash, a))',
  'send(toBase64Url(message.hash) === typed)',
  'send(message.id === typed)',
  'send(maybe === undefined)',
  'send(maybe !== undefined && maybe.length === 32)',
  'send(a[0] === 1)',
  'send(a.length !== b.length)',
  'send(typeof typed === "string")',
  'send(row.password === "")',
  'send(a.map((byte, i) => byte ^ b[i]!))',
  'send([1, 2].every((item, i) => item === i))',
  'const sessionTag = a; send(equalPublicBytes(sessionTag, b))',
  'send(Object.getPrototypeOf(a) === Uint8Array.prototype)',
]

describe('comparisons of bytes', () => {
  const verdicts = judge([...REFUSED.map(([snippet]) => snippet), ...ALLOWED])
  test.each(REFUSED.map(([snippet, messageId], i) => ({ snippet, messageId, i })))('$snippet is refused', ({ messageId, i }) => {
    expect(verdicts[i]).toContain(messageId)
  })
  test.each(ALLOWED.map((snippet, i) => ({ snippet, i })))('$snippet passes', ({ i }) => {
    expect(verdicts[REFUSED.length + i]).toEqual([])
  })
})
