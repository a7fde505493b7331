import { LABELS, SecureChatError, T, text, u64 } from '@securechat/protocol/core'
import type { KeyPair } from '../identity/keys.js'
import type { CryptoProvider } from '../primitives/provider.js'

type Hash = Pick<CryptoProvider, 'blake2b'>
type Signer = Pick<CryptoProvider, 'blake2b' | 'ed25519Sign'>
type Verifier = Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>

/** Opens a socket: the signed challenge is the server's, so the proof is worth nothing on another socket. */
export interface SocketProofInput {
  /** 32 bytes from the server. */
  readonly challenge: Uint8Array
  readonly accessToken: string
}
/** One HTTP call (in the manner of RFC 9449). */
export interface RequestProofInput {
  readonly operation: string
  /** The encoded input exactly as it is sent. */
  readonly body: Uint8Array
  readonly accessToken: string
  /** Milliseconds; the server allows `LIMITS.proofSkewSeconds`. */
  readonly issuedAt: number
  /** 16 random bytes, accepted once. */
  readonly nonce: Uint8Array
}
export interface RefreshProofInput {
  readonly refreshToken: string
  readonly issuedAt: number
  readonly nonce: Uint8Array
}
interface Signed {
  readonly signing: KeyPair
}
interface Presented {
  readonly signingKey: Uint8Array
  readonly proof: Uint8Array
}

const tokenHash = (provider: Hash, token: string): Uint8Array => provider.blake2b(32, text(token))

function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new SecureChatError('client/invalid-argument', { detail: 'proof input length' })
}

function socketBytes(provider: Hash, { challenge, accessToken }: SocketProofInput): Uint8Array {
  requireLength(challenge, 32)
  return T(LABELS.socketProof, challenge, tokenHash(provider, accessToken))
}

function requestBytes(provider: Hash, { operation, body, accessToken, issuedAt, nonce }: RequestProofInput): Uint8Array {
  requireLength(nonce, 16)
  return T(LABELS.requestProof, text(operation), provider.blake2b(32, body), tokenHash(provider, accessToken), u64(issuedAt), nonce)
}

function refreshBytes(provider: Hash, { refreshToken, issuedAt, nonce }: RefreshProofInput): Uint8Array {
  requireLength(nonce, 16)
  return T(LABELS.refreshProof, tokenHash(provider, refreshToken), u64(issuedAt), nonce)
}

const sign = (provider: Signer, { signing }: Signed, bytes: Uint8Array): Uint8Array => provider.ed25519Sign(signing.secretKey.expose(), bytes)

function verify(provider: Verifier, { signingKey, proof }: Presented, bytes: () => Uint8Array): void {
  let valid: boolean
  try {
    valid = provider.ed25519Verify(proof, bytes(), signingKey)
  } catch (cause) {
    throw new SecureChatError('auth/invalid-proof', { cause })
  }
  if (!valid) throw new SecureChatError('auth/invalid-proof')
}

/** DSK signature over T("SC1/auth/socket", challenge, BLAKE2b-256(token)), 64 bytes. */
export const signSocketProof = (provider: Signer, input: SocketProofInput & Signed): Uint8Array => sign(provider, input, socketBytes(provider, input))
/** DSK signature over T("SC1/auth/request", operation, BLAKE2b-256(body), BLAKE2b-256(token), u64 issuedAt, nonce). */
export const signRequestProof = (provider: Signer, input: RequestProofInput & Signed): Uint8Array => sign(provider, input, requestBytes(provider, input))
/** DSK signature over T("SC1/auth/refresh", BLAKE2b-256(token), u64 issuedAt, nonce). */
export const signRefreshProof = (provider: Signer, input: RefreshProofInput & Signed): Uint8Array => sign(provider, input, refreshBytes(provider, input))

/** Throws `auth/invalid-proof`. The caller sees to it that the challenge is this socket's and is used once. */
export const verifySocketProof = (provider: Verifier, input: SocketProofInput & Presented): void => verify(provider, input, () => socketBytes(provider, input))
/** Throws `auth/invalid-proof`. Age of `issuedAt` and single use of `nonce` are the caller's to check. */
export const verifyRequestProof = (provider: Verifier, input: RequestProofInput & Presented): void =>
  verify(provider, input, () => requestBytes(provider, input))
/** Throws `auth/invalid-proof`. Age of `issuedAt` and single use of `nonce` are the caller's to check. */
export const verifyRefreshProof = (provider: Verifier, input: RefreshProofInput & Presented): void =>
  verify(provider, input, () => refreshBytes(provider, input))
