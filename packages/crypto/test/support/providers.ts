import { nobleProvider } from '../../src/noble/index.js'
import { nodeProvider } from '../../src/node/index.js'
import { sodiumProvider } from '../../src/sodium/index.js'

export const sodium = await sodiumProvider()
export const noble = nobleProvider()
export const node = await nodeProvider()
export const providers = [sodium, noble, node]
