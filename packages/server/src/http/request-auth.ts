import { fromBase64Url, readU64, SecureChatError, toBase64Url } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { Runtime } from '../runtime.js'

const PROOF_BYTES = 8 + 16 + 64
const DEVICE = /^SecureChat ([\x21-\x7e]{16,2048})$/i
const REGISTRATION = /^SecureChat-Registration ([\x21-\x7e]{16,2048})$/i

/** `Authorization: SecureChat-Registration <token>` */
const registrationTokenOf = (headers: Headers): string | undefined => REGISTRATION.exec(headers.get('authorization') ?? '')?.[1]

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

/** Who a request says it is from: known from its headers alone, and not believed before `prove`. */
export interface ClaimedDevice {
  /** That the device signed this very call, and that for the first time. Throws `auth/invalid-proof`. */
  prove(call: { readonly operation: string; readonly body: Uint8Array }): Promise<DeviceCaller>
}

/** Token and live session, before a byte of the body is read: what has none of both is not worth memory. Throws `auth/…`. */
export async function claimedDevice({ sessions, nonces, claimNonce }: Runtime, headers: Headers): Promise<ClaimedDevice> {
  const accessToken = DEVICE.exec(headers.get('authorization') ?? '')?.[1]
  if (accessToken === undefined) throw new SecureChatError('auth/required')
  const proof = proofOf(headers)
  const { signingKey, ...device } = await sessions.authenticate(accessToken)
  return {
    async prove({ operation, body }) {
      sessions.checkRequestProof({ signingKey, operation, body, accessToken, ...proof })
      // After the signature, so that nobody else can fill the memory or use up a nonce.
      const nonce = toBase64Url(proof.nonce)
      nonces.use(device.sessionId, nonce)
      await claimNonce(device.sessionId, nonce)
      return device
    },
  }
}

/** The registration token of a request, where it stands for a number. Throws `auth/…`. */
export async function requireRegistration({ registrationExists }: Runtime, headers: Headers): Promise<string> {
  const token = registrationTokenOf(headers)
  if (token === undefined) throw new SecureChatError('auth/required', { detail: 'registration token' })
  if (!(await registrationExists(token))) throw new SecureChatError('auth/code-expired', { detail: 'registration token' })
  return token
}
