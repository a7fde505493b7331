export { nodeProvider } from '../primitives/node.js'
