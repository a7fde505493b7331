import * as z from 'zod/mini'
import { accountId, bytes, counter, deviceId, object, shortText, timestamp, token } from '../schema.js'

/** What this server has switched on; clients treat an absent entry as "no". Unknown entries are kept. */
export const capabilities = object({
  versions: z.array(z.int()),
  features: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
})
export type Capabilities = z.output<typeof capabilities>

export const challenge = object({ challenge: bytes(32), time: timestamp })
export type Challenge = z.output<typeof challenge>

/**
 * `proof` is a DSK signature over T("SC1/auth/socket", challenge, BLAKE2b-256 of the access token), so that a stolen token
 * alone opens nothing. Without `login` the socket may only call operations that need none.
 */
export const hello = object({
  versions: z.array(z.int()).check(z.minLength(1), z.maxLength(16)),
  client: z.optional(shortText),
  login: z.optional(object({ accessToken: token, proof: bytes(64) })),
  /** Rows above this sequence are delivered; everything up to it counts as acknowledged. */
  cursor: z.optional(counter),
  /** Compare-and-swap counter of the client's store, for the detection of clones (docs/protocol/06-transport.md, section 6.4). */
  lease: z.optional(counter),
})
export type Hello = z.output<typeof hello>

export const welcome = object({
  version: z.int(),
  time: timestamp,
  capabilities,
  /** Present when the hello signed in. */
  account: z.optional(object({ accountId, deviceId })),
})
export type Welcome = z.output<typeof welcome>

export const errorBody = object({ code: z.string(), retryAfterSeconds: z.optional(z.number()), detail: z.optional(z.string()) })

export const eventBody = object({ type: z.string() })
/** Events that a client knows; every one of them only says "look again", so a lost one costs latency and nothing else. */
export type ServerEvent =
  | { readonly type: 'prekeys-low'; readonly oneTime: number }
  | { readonly type: 'manifest-changed'; readonly accountId: string; readonly version: number }
  /** Somebody who had a right code for the account's number did not have the PIN of its registration lock. */
  | { readonly type: 'sign-in-refused' }
  | { readonly type: 'draining' }
  | { readonly type: 'revoked' }
