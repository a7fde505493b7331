import { fromBase64Url, readU64, SecureChatError } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { Runtime } from '../runtime.js'

const PROOF_BYTES = 8 + 16 + 64
const DEVICE = /^SecureChat ([\x21-\x7e]{16,2048})$/i
const REGISTRATION = /^SecureChat-Registration ([\x21-\x7e]{16,2048})$/i

/** `Authorization: SecureChat-Registration <token>` */
export const registrationTokenOf = (headers: Headers): string | undefined => REGISTRATION.exec(headers.get('authorization') ?? '')?.[1]

interface Proof {
  readonly issuedAt: number
  readonly nonce: Uint8Array
  readonly proof: Uint8Array
}

/** `SC-Proof: base64url(u64 time ‖ nonce 16 ‖ signature 64)` */
function proofOf(headers: Headers): Proof {
  const text = headers.get('sc-proof')
  if (text === null || text.length > 2 * PROOF_BYTES) throw new SecureChatError('auth/invalid-proof', { detail: 'header' })
  try {
    const bytes = fromBase64Url(text)
    if (bytes.length === PROOF_BYTES) return { issuedAt: readU64(bytes, 0), nonce: bytes.slice(8, 24), proof: bytes.slice(24) }
  } catch (cause) {
    throw new SecureChatError('auth/invalid-proof', { detail: 'header', cause })
  }
  throw new SecureChatError('auth/invalid-proof', { detail: 'header' })
}

/** The device behind a request: its token, its live session, its signature over this very call, and that for the first time. */
export async function authenticateRequest(
  { sessions, nonces }: Runtime,
  request: { readonly headers: Headers; readonly operation: string; readonly body: Uint8Array },
): Promise<DeviceCaller> {
  const accessToken = DEVICE.exec(request.headers.get('authorization') ?? '')?.[1]
  if (accessToken === undefined) throw new SecureChatError('auth/required')
  const proof = proofOf(request.headers)
  const { signingKey, ...device } = await sessions.authenticate(accessToken)
  sessions.checkRequestProof({ signingKey, operation: request.operation, body: request.body, accessToken, ...proof })
  // After the signature, so that nobody else can fill the memory or use up a nonce.
  nonces.use(`${device.sessionId}.${proof.nonce.join('.')}`)
  return device
}
