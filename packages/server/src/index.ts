export type { ServerSecrets } from './auth/secrets.js'
export { addressKey } from './caller.js'
export { type CodePolicy, DEFAULT_CONFIG, DEFAULT_LIMITS, type RateLimits, type ServerConfig, type ServerConfigInput } from './config.js'
export { createServer, type Server, type ServerOptions } from './create-server.js'
export { openApiDocument } from './http/openapi.js'
export { inProcessBus } from './in-process-bus.js'
export { tokenBucketLimiter } from './limits/token-bucket.js'
export { memoryStore } from './memory/memory-store.js'
export { consoleOtp } from './otp/console.js'
export { type OtpTextOptions, otpText } from './otp/text.js'
export { type WebhookOtpOptions, webhookOtp } from './otp/webhook.js'
export type { Bus, BusMessage } from './ports/bus.js'
export { type LeaseSwap, type StoredLease, swapLease } from './ports/lease.js'
export type { Metrics } from './ports/metrics.js'
export type { SharedNonces } from './ports/nonces.js'
export type { OtpSender } from './ports/otp.js'
export type { RateLimiter, RateRule } from './ports/rate-limiter.js'
export { CLOSE_CODES, type ConnectionInfo, type ServerSocket, type ServerSocketHandlers } from './ports/socket.js'
export type {
  AccountState,
  AccountStore,
  Append,
  AppendOutcome,
  ArchiveStore,
  BackupManifestOutcome,
  ClaimedBundle,
  CodeTry,
  LinkPart,
  LinkStore,
  LiveSession,
  LoginStore,
  MailboxStore,
  ManifestOutcome,
  NewLogin,
  NewSession,
  PinTry,
  PreKeyCount,
  PreKeyStore,
  PreKeyUpload,
  Redemption,
  RegisterOutcome,
  Registration,
  RegistrationState,
  RotateOutcome,
  Rotation,
  SegmentName,
  ServerStore,
  SessionStore,
  StoredDevice,
  StoredLink,
  StoredLock,
  StoredManifest,
  StoredPreKey,
  StoredProfile,
} from './ports/store.js'
export type { RequestProof, VerifiedManifest, VerifiedPreKey, Verifier } from './ports/verifier.js'
export { signatureVerifier } from './signature-verifier.js'
