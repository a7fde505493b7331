export { nodeProvider } from '../primitives/node.js'
export { nodeChunkCipher } from '../primitives/node-chunks.js'
export { fileSink } from './file-sink.js'
