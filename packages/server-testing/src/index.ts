export { storeAttacks } from './attacks.js'
export { type SignedManifest, SigningKey, TestDevice } from './device.js'
export {
  type Answer,
  envelope,
  type FakeClock,
  fakeClock,
  type Harness,
  harness,
  type LogLine,
  newId,
  operationNames,
  sendTo,
  TestSocket,
  turns,
  type User,
  until,
} from './harness.js'
export type { Stage } from './stage.js'
