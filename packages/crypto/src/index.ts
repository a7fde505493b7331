export { openProfile, type ProfileSubject, sealProfile } from './aead/profile.js'
export { createSealer, type Sealer, type SealerDeps } from './aead/sealer.js'
export { type CryptoDeps, type CryptoDepsInput, createCryptoDeps } from './deps.js'
export { type FrankedMessage, frankingCommitment, verifyFrankingCommitment } from './franking/commitment.js'
export { encodeFrankingReport, type FrankingReport } from './franking/report.js'
export type { FrankedDelivery, FrankingAudience } from './franking/stamp.js'
export type { PreKeyLookup } from './handshake/accept.js'
export type { AcceptedSuccession } from './identity/account-change.js'
export { type PreKeyBundle, type VerifiedBundle, verifyPreKeyBundle } from './identity/bundle.js'
export { acceptDevice, type DeviceAccept, type DeviceAcceptSubject, verifyDeviceAccept } from './identity/device-accept.js'
export { type LocalDevice, localDevice, type ManifestId, type RemoteDevice, remoteDevice } from './identity/devices.js'
export {
  type AccountKeys,
  type DeviceKeys,
  decodeAccountKeys,
  decodeDeviceKeys,
  encodeAccountKeys,
  encodeDeviceKeys,
  generateAccountKeys,
  generateDeviceKeys,
  type KeyPair,
} from './identity/keys.js'
export { createManifest, DEVICE_FLAGS, decodeManifest, type Manifest, type ManifestDevice, type ManifestInput, verifyManifest } from './identity/manifest.js'
export {
  believedDevices,
  compareManifestRef,
  decodeManifestPin,
  encodeManifestPin,
  type ManifestChainInput,
  type ManifestChainResult,
  type ManifestPin,
  manifestRef,
  verifyManifestChain,
} from './identity/manifest-chain.js'
export { createAccount, type NewAccount, type NewAccountInput } from './identity/new-account.js'
export {
  decodePreKey,
  type GeneratedPreKey,
  generateOneTimePreKeys,
  generatePreKeys,
  type PreKey,
  type PreKeyBatch,
  type PreKeyInput,
  verifyPreKey,
} from './identity/prekeys.js'
export type { PreKeyType } from './identity/private-prekeys.js'
export { type AccountIdentity, safetyNumber } from './identity/safety-number.js'
export { expand, kdf } from './kdf/kdf.js'
export { pad, paddedLength, unpad } from './padding/padding.js'
export type { Collection, EpochSecret, PqPhase, PqState } from './pq/state.js'
export type { AeadInput, CryptoProvider, Encapsulation, RawKeyPair } from './primitives/provider.js'
export { pooledRandom } from './primitives/random.js'
export type { RatchetState, ReceiveChain, SendChain, SkippedKey } from './ratchet/state.js'
export { createSuccession, decodeSuccession, type Succession, verifySuccession } from './recovery/succession.js'
export { asDeviceOnly, type DeviceOnlyBytes, type PortableBytes, Secret } from './secret.js'
export { acknowledgementDue, pruneSessionRecord, sendingSession } from './session/choice.js'
export { decodeSession, encodeSession } from './session/codec.js'
export { type DecryptInput, type DecryptResult, decryptMessage } from './session/decrypt.js'
export { type EncryptInput, type EncryptResult, encryptMessage, needsBundle } from './session/encrypt.js'
export { type EncryptManyInput, type EncryptManyResult, encryptToMany, type Recipient } from './session/encrypt-many.js'
export { type EnvelopePeek, peekEnvelope, type RequiredPreKeys, requiredPreKeys } from './session/peek.js'
export type { ManifestEcho, Plaintext, PlaintextInput } from './session/plaintext.js'
export { dropSessions, type PeerKeys, type SeenHandshake, type Session, type SessionRecord } from './session/record.js'
export { judgeRetryRequest, type RetryAnswers, type RetryVerdict } from './session/retry-limits.js'
export {
  createRetryRequest,
  envelopeHash,
  isRetryRequest,
  type RetryRequest,
  type RetryRequestInput,
  sessionTagOf,
  type VerifyRetryRequestInput,
  verifyRetryRequest,
} from './session/retry-request.js'
export type { PairwiseSender } from './session/sender.js'
export { type PostQuantumStatus, postQuantumStatus } from './session/status.js'
export {
  decodeSharedBodyReference,
  encodeSharedBodyReference,
  openSharedBody,
  type SharedBodyDeps,
  type SharedBodyReference,
  sealSharedBody,
} from './shared-body/shared-body.js'
export {
  type RefreshProofInput,
  type RequestProofInput,
  type SocketProofInput,
  signRefreshProof,
  signRequestProof,
  signSocketProof,
} from './signatures/proofs.js'
