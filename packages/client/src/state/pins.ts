import { type CryptoProvider, decodeManifestPin, encodeManifestPin, type ManifestPin } from '@securechat/crypto'
import type { AccountId } from '@securechat/protocol'
import * as z from 'zod/mini'
import type { Reader, Transaction } from './database.js'
import { keyOf } from './keys.js'
import { bytes, count, defineRecord } from './record.js'

const record = defineRecord(
  'pin',
  z.looseObject({
    pin: bytes,
    /** What the account shows since its key has changed: received from, never sent to, until the user accepts it. */
    candidate: z.optional(bytes),
    /** Own account only: hashes of earlier manifests, which first messages on their way may name. */
    past: z.optional(z.array(z.looseObject({ version: count, hash: bytes }))),
  }),
)

export interface Pins {
  readonly pin: ManifestPin
  readonly candidate?: ManifestPin
  readonly past: readonly { readonly version: number; readonly hash: Uint8Array }[]
}

/** Enough for the 37 days in which a first message may name an old manifest, at two a month and with room for changes. */
const PAST_KEPT = 32

export async function readPins(reader: Reader, provider: Pick<CryptoProvider, 'blake2b'>, account: AccountId): Promise<Pins | undefined> {
  const stored = await record.read(reader, keyOf.pin(account))
  if (!stored) return undefined
  return {
    pin: decodeManifestPin(provider, stored.pin),
    ...(stored.candidate && { candidate: decodeManifestPin(provider, stored.candidate) }),
    past: stored.past ?? [],
  }
}

/** The believed manifest and a changed identity that waits, as they are stored: for an archive. */
export function decodePins(stored: Uint8Array): { pin: Uint8Array; candidate?: Uint8Array } {
  const { pin, candidate } = record.decode(stored)
  return { pin, ...(candidate && { candidate }) }
}

/** Without `candidate` none is kept. */
export function writePins(
  tx: Transaction,
  account: AccountId,
  { pin, candidate, past }: { pin: ManifestPin; candidate?: ManifestPin | undefined; past?: Pins['past'] },
): void {
  record.write(tx, keyOf.pin(account), {
    pin: encodeManifestPin(pin),
    ...(candidate && { candidate: encodeManifestPin(candidate) }),
    ...(past && past.length > 0 && { past: past.slice(-PAST_KEPT).map((entry) => ({ ...entry })) }),
  })
}
