export { nobleProvider } from '../primitives/noble.js'
