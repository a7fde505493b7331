import { concatBytes, type Random, SecureChatError, systemRandom, u8 } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'

const VERSION = 1
const SALT = 32
const CHALLENGE = 32
const TIMEOUT_MS = 120_000

export interface PasskeyOptions {
  /** Shown by the browser beside the new passkey: whose it is. */
  readonly userName: string
  /** Shown as the application's name. Default: the page's host. */
  readonly appName?: string
  readonly random?: Random
}

/** COSE algorithms (RFC 9053): Ed25519, ES256, RS256. The signature is not used, only the PRF. */
const ALGORITHMS = [-8, -7, -257].map((alg) => ({ type: 'public-key' as const, alg }))

interface PrfOutputs {
  readonly prf?: { readonly enabled?: boolean; readonly results?: { readonly first?: BufferSource } }
}

/** A person who says no, or waits too long, is no fault. */
function browserError(error: unknown): never {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'AbortError') throw new SecureChatError('client/cancelled', { detail: 'passkey', cause: error })
  throw new SecureChatError('client/unsupported', { detail: 'passkey', cause: error })
}

const outputsOf = (credential: PublicKeyCredential): PrfOutputs => credential.getClientExtensionResults() as PrfOutputs

function bytesOf(source: BufferSource): Uint8Array {
  return source instanceof ArrayBuffer ? new Uint8Array(source) : new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
}

/** A copy in a buffer of its own, as the browser's types want it. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

/**
 * Opens with a passkey of this device or a security key: its PRF (WebAuthn Level 3, extension `prf`) gives 32 bytes for a salt, to whoever the authenticator
 * has verified. u8 version ‖ salt 32 ‖ credential id are the parameters. Must be called in answer to a click; a browser asks the person each time.
 * Throws `client/unsupported` (no WebAuthn, or an authenticator without PRF), `client/cancelled`.
 */
export function passkeyLock({ userName, appName, random = systemRandom }: PasskeyOptions): StoreLock {
  const evaluate = async (credentialId: Uint8Array, salt: Uint8Array): Promise<Uint8Array> => {
    const found = await credentials()
      .get({
        publicKey: {
          challenge: own(random(CHALLENGE)),
          allowCredentials: [{ type: 'public-key', id: own(credentialId) }],
          userVerification: 'required',
          timeout: TIMEOUT_MS,
          extensions: { prf: { eval: { first: own(salt) } } } as AuthenticationExtensionsClientInputs,
        },
      })
      .catch(browserError)
    const first = found && outputsOf(found as PublicKeyCredential).prf?.results?.first
    if (!first) throw new SecureChatError('client/unsupported', { detail: 'passkey without PRF' })
    return bytesOf(first)
  }
  return {
    kind: 'passkey',
    async create() {
      const salt = random(SALT)
      const made = (await credentials()
        .create({
          publicKey: {
            challenge: own(random(CHALLENGE)),
            rp: { name: appName ?? location.hostname },
            user: { id: own(random(16)), name: userName, displayName: userName },
            pubKeyCredParams: ALGORITHMS,
            authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
            timeout: TIMEOUT_MS,
            extensions: { prf: { eval: { first: own(salt) } } } as AuthenticationExtensionsClientInputs,
          },
        })
        .catch(browserError)) as PublicKeyCredential | null
      const { prf } = made ? outputsOf(made) : {}
      if (!made || prf?.enabled !== true) throw new SecureChatError('client/unsupported', { detail: 'passkey without PRF' })
      const credentialId = new Uint8Array(made.rawId)
      // Many authenticators evaluate only when the passkey is used, which asks the person once more.
      const key = prf.results?.first ? bytesOf(prf.results.first) : await evaluate(credentialId, salt)
      return { key, parameters: concatBytes(u8(VERSION), salt, credentialId) }
    },
    async open(parameters) {
      if (parameters[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'passkey lock' })
      if (parameters.length <= 1 + SALT) throw new SecureChatError('storage/corrupt', { detail: 'passkey lock' })
      return evaluate(parameters.subarray(1 + SALT), parameters.subarray(1, 1 + SALT))
    },
  }
}

function credentials(): CredentialsContainer {
  if (typeof navigator === 'undefined' || !navigator.credentials || typeof PublicKeyCredential === 'undefined')
    throw new SecureChatError('client/unsupported', { detail: 'no WebAuthn here' })
  return navigator.credentials
}
