import type { CryptoDeps, CryptoProvider, DeviceKeys } from '@securechat/crypto'
import {
  type AccountId,
  type Clock,
  type ConversationId,
  type DeviceId,
  idFromBytes,
  idToBytes,
  LABELS,
  type Logger,
  type MessageId,
  type Random,
  T,
} from '@securechat/protocol'
import type { ClientStorage, StorageKeeping } from '@securechat/storage'
import type { Events } from './events.js'
import type { Network } from './network.js'
import { readAccount, readDeviceKeys, requireAccount } from './state/account.js'
import type { Database } from './state/database.js'

/** This device, as long as it is registered. */
export interface Self {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly deviceKeys: DeviceKeys
}

/** What every use case is given. */
export interface Context {
  /** Sealed. */
  readonly storage: ClientStorage
  /** How the platform keeps the store, where it can lose it. */
  readonly keeping?: StorageKeeping | undefined
  readonly db: Database
  readonly provider: CryptoProvider
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: Events
  readonly network: Network
  readonly identity: Identity
}

export const cryptoDeps = ({ provider, random, clock }: Pick<Context, 'provider' | 'random' | 'clock'>): CryptoDeps => ({ provider, random, now: clock.now() })

export const newMessageId = ({ random }: Pick<Context, 'random'>): MessageId => idFromBytes<MessageId>(random(16))

/** A one-to-one conversation has one id, which both sides derive: BLAKE2b-128 of T("SC1/direct-conversation", smaller id, greater id). */
export function directConversationId(provider: Pick<CryptoProvider, 'blake2b'>, a: AccountId, b: AccountId): ConversationId {
  const [first, second] = a < b ? [a, b] : [b, a]
  return idFromBytes<ConversationId>(provider.blake2b(16, T(LABELS.directConversation, idToBytes(first), idToBytes(second))))
}

/** The device's keys, read once. */
export interface Identity {
  /** Throws `auth/not-registered`. */
  self(): Promise<Self>
  /** undefined until registered. */
  accountId(): Promise<AccountId | undefined>
  /** To be called whenever account or keys were written. */
  forget(): void
}

export function createIdentity(db: Database): Identity {
  let loaded: Promise<Self> | undefined
  const load = async (): Promise<Self> => {
    const { accountId, deviceId } = await requireAccount(db)
    return { accountId, deviceId, deviceKeys: await readDeviceKeys(db) }
  }
  return {
    self() {
      if (!loaded) {
        const loading = load()
        loaded = loading
        // A failure is not remembered.
        loading.catch(() => {
          if (loaded === loading) loaded = undefined
        })
      }
      return loaded
    },
    accountId: async () => (await readAccount(db))?.accountId,
    forget() {
      loaded = undefined
    },
  }
}
