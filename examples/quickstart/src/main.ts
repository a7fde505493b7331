import { quickstart } from './quickstart.js'

process.stdout.write(`Bob reads: ${await quickstart()}\n`)
