export { deriveRecoveryKeys, type RecoveryKeys } from './keys.js'
export { generateRecoveryEntropy, parseRecoveryWords, type RecoveryEntropy, recoveryWords } from './words.js'
