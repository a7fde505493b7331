import { SecureChatError } from '@securechat/protocol'
import * as z from 'zod/mini'
import { bytes, defineRecord } from '../../state/record.js'

/** What a primary device tells a new one inside the sealed answer (docs/protocol/13-linking.md, "Payload"). */
const payload = defineRecord(
  'linking payload',
  z.looseObject({
    /** What the primary device believes of the account: crypto's encoding of a manifest pin. */
    pin: bytes,
    phone: z.string(),
    /** For this one device, once the manifest lists it. */
    registrationToken: z.string(),
    /** The account's profile with its key. */
    profile: z.optional(bytes),
    /** Name and one-time key of a history transfer, in case the person agrees to one: without that, nothing ever lies under the name. */
    history: z.optional(z.looseObject({ id: bytes, key: bytes })),
  }),
)
export type LinkPayload = ReturnType<typeof payload.decode>

export const encodePayload = payload.encode

/** Throws `protocol/malformed`, `protocol/unsupported-version`. */
export function decodePayload(encoded: Uint8Array): LinkPayload {
  try {
    return payload.decode(encoded)
  } catch (cause) {
    if (cause instanceof SecureChatError && cause.code === 'protocol/unsupported-version') throw cause
    throw new SecureChatError('protocol/malformed', { detail: 'linking payload', cause })
  }
}
