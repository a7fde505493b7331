export { nobleChunkCipher, nobleProvider } from '../primitives/noble.js'
