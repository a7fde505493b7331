import { type CryptoProvider, createSealer, Secret } from '@securechat/crypto'
import {
  idFromBytes,
  idToBytes,
  isIdText,
  isSecureChatError,
  LABELS,
  type MessageId,
  type Random,
  SecureChatError,
  T,
  type Timestamp,
  text,
  u64,
} from '@securechat/protocol'
import type { ClientStorage, StoreLock } from '@securechat/storage'
import * as z from 'zod/mini'
import { bytes, count, defineRecord } from '../state/record.js'

/** The row of the locks. It lies unsealed beside what it opens; what is secret in it is encrypted by the locks' keys. */
export const KEYRING_KEY = '!keyring'
const KEY_BYTES = 32
const MAX_LOCKS = 16
const MAX_KIND = 32
const MAX_NAME = 128
const MAX_PARAMETERS = 4096

const slotSchema = z.looseObject({
  id: z.string().check(z.refine(isIdText)),
  kind: z.string().check(z.minLength(1), z.maxLength(MAX_KIND)),
  name: z.optional(z.string().check(z.maxLength(MAX_NAME))),
  createdAt: count,
  parameters: bytes,
  /** The store's key, sealed by the lock's. */
  wrapped: bytes,
})
export type Slot = z.output<typeof slotSchema>

export const keyring = defineRecord('keyring', z.looseObject({ slots: z.array(slotSchema).check(z.minLength(1), z.maxLength(MAX_LOCKS)) }))
export type Keyring = ReturnType<typeof keyring.decode>

export interface KeyringDeps {
  readonly provider: CryptoProvider
  readonly random: Random
}

/** A slot opens in its own place only: another kind, other parameters or another time, and it does not. */
const slotData = ({ id, kind, createdAt, parameters }: Pick<Slot, 'id' | 'kind' | 'createdAt' | 'parameters'>): Uint8Array =>
  T(LABELS.sealedKey, idToBytes(id), text(kind), u64(createdAt), parameters)

export interface NewSlot {
  readonly lock: StoreLock
  readonly name?: string | undefined
  readonly now: Timestamp
}

/** Puts a lock on the store's key. Throws `client/invalid-argument`, and what the lock throws. */
export async function makeSlot(deps: KeyringDeps, storeKey: Secret, { lock, name, now }: NewSlot): Promise<Slot> {
  const { kind } = lock
  if (kind.length === 0 || kind.length > MAX_KIND || (name?.length ?? 0) > MAX_NAME) throw new SecureChatError('client/invalid-argument', { detail: 'lock' })
  const { parameters, key } = await lock.create()
  if (key.length !== KEY_BYTES || parameters.length > MAX_PARAMETERS) throw new SecureChatError('client/invalid-argument', { detail: 'lock' })
  const slot = { id: idFromBytes<MessageId>(deps.random(16)), kind, createdAt: now, parameters: parameters.slice(), ...(name !== undefined && { name }) }
  return { ...slot, wrapped: createSealer(deps, key).seal(storeKey.expose(), slotData(slot)) }
}

/** The store's key. Throws `storage/unlock-needed` (no lock of this kind on it), `storage/wrong-key`, and what the lock throws. */
export async function openKeyring(deps: KeyringDeps, { slots }: Keyring, lock: StoreLock): Promise<Secret> {
  const fitting = slots.filter(({ kind }) => kind === lock.kind)
  if (fitting.length === 0) throw new SecureChatError('storage/unlock-needed', { detail: 'another kind of lock' })
  for (const slot of fitting) {
    const key = await lock.open(slot.parameters.slice()).catch((error: unknown) => {
      if (isSecureChatError(error, 'storage/wrong-key')) return undefined
      throw error
    })
    if (key?.length !== KEY_BYTES) continue
    try {
      return new Secret(createSealer(deps, key).open(slot.wrapped, slotData(slot)))
    } catch (error) {
      // Not this one: another of the same kind may be.
      if (!isSecureChatError(error, 'crypto/authentication-failed')) throw error
    }
  }
  throw new SecureChatError('storage/wrong-key')
}

export async function readKeyring(storage: Pick<ClientStorage, 'get'>): Promise<{ readonly ring: Keyring; readonly version: number } | undefined> {
  const row = await storage.get(KEYRING_KEY)
  return row && { ring: keyring.decode(row.value), version: row.version }
}
