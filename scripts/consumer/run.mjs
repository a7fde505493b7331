// Copied beside quickstart.mjs and quickstart.cjs, which are examples/quickstart in either module format.
import { createRequire } from 'node:module'

const format = process.argv[2]
const { quickstart } = format === 'cjs' ? createRequire(import.meta.url)('./quickstart.cjs') : await import('./quickstart.mjs')
const text = await quickstart()
if (text !== 'Hello Bob') throw new Error(`Bob read ${JSON.stringify(text)}`)
process.stdout.write(`Bob read: ${text}\n`)
