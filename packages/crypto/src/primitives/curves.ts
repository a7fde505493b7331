/** The one import site of the curve library, so that contact discovery does not bring the whole pure TypeScript provider with it. */
export { ed25519, ristretto255, ristretto255_oprf, x25519 } from '@noble/curves/ed25519.js'
