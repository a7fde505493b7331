import { type AccountId, type Clock, type DeviceId, isDeviceId, isIdText, LIMITS, SecureChatError, toBase64Url } from '@securechat/protocol'
import { calculateJwkThumbprint, errors, exportJWK, importJWK, jwtVerify, SignJWT } from 'jose'

export interface AccessTokenSubject {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly sessionId: string
  /** DSK: the token is of no use without it (RFC 7800 `cnf`, RFC 7638 thumbprint). */
  readonly signingKey: Uint8Array
}
export interface AccessClaims {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly sessionId: string
  readonly keyThumbprint: string
}
export interface AccessTokens {
  issue(subject: AccessTokenSubject): Promise<{ readonly accessToken: string; readonly accessExpiresAt: number }>
  /** Throws `auth/expired-token` or `auth/invalid-token`. That the session still lives is the caller's to check. */
  verify(token: string): Promise<AccessClaims>
  thumbprint(signingKey: Uint8Array): Promise<string>
}

const PKCS8_ED25519 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)
const TYPE = 'at+jwt'

/** JWT (RFC 9068 shape), EdDSA and nothing else. `tokenKey` is an Ed25519 seed. */
export async function createAccessTokens({
  tokenKey,
  issuer,
  clock,
}: {
  readonly tokenKey: Uint8Array
  readonly issuer: string
  readonly clock: Clock
}): Promise<AccessTokens> {
  const pkcs8 = new Uint8Array(PKCS8_ED25519.length + 32)
  pkcs8.set(PKCS8_ED25519)
  pkcs8.set(tokenKey, PKCS8_ED25519.length)
  const privateKey = await globalThis.crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign'])
  const { x = '' } = await exportJWK(privateKey)
  const publicJwk = { kty: 'OKP', crv: 'Ed25519', x }
  const publicKey = await importJWK(publicJwk, 'EdDSA')
  const kid = await calculateJwkThumbprint(publicJwk)
  const thumbprint = (signingKey: Uint8Array): Promise<string> => calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: toBase64Url(signingKey) })

  return {
    thumbprint,
    async issue({ accountId, deviceId, sessionId, signingKey }) {
      const issuedAt = Math.floor(clock.now() / 1000)
      const expiresAt = issuedAt + LIMITS.accessTokenSeconds
      const accessToken = await new SignJWT({ device: deviceId, session: sessionId, cnf: { jkt: await thumbprint(signingKey) } })
        .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(accountId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(privateKey)
      return { accessToken, accessExpiresAt: expiresAt * 1000 }
    },
    async verify(token) {
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: ['EdDSA'],
        typ: TYPE,
        issuer,
        audience: issuer,
        currentDate: new Date(clock.now()),
        maxTokenAge: LIMITS.accessTokenSeconds,
        // Another node's clock may run ahead by this much.
        clockTolerance: 5,
        requiredClaims: ['sub', 'exp', 'iat', 'device', 'session', 'cnf'],
      }).catch((cause: unknown) => {
        throw new SecureChatError(cause instanceof errors.JWTExpired ? 'auth/expired-token' : 'auth/invalid-token')
      })
      const { sub, device, session } = payload
      const jkt = (payload['cnf'] as { jkt?: unknown } | null)?.jkt
      if (!isIdText(sub) || !isDeviceId(device) || !isIdText(session) || typeof jkt !== 'string') throw new SecureChatError('auth/invalid-token')
      return { accountId: sub as AccountId, deviceId: device, sessionId: session, keyThumbprint: jkt }
    },
  }
}
