export { sodiumProvider } from '../primitives/sodium.js'
