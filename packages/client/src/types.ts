import type { KeyPair } from '@securechat/crypto'
import type { AccountId, ConversationId, DeviceId, MessageId, SecureChatError, Timestamp } from '@securechat/protocol'
import type { StoreLock } from '@securechat/storage'
import type { BackupState, Backups, History, HistoryTransfer } from './backups/types.js'
import type { CallOptions, LiveQuery } from './calls.js'
import type { DeviceAlerts, LinkScan, OwnDevice, PromotionRequest, RegistrationLock } from './devices/types.js'
import type { StorageState, StorageWatch } from './storage-risk/types.js'

export type { ApproveOptions, CallOptions, LiveQuery } from './calls.js'

/** The public shapes of the client. Every object here is a snapshot: frozen data that a UI can render and compare. */

/** waiting-for-tab: another tab or window holds the connection of this store and has not answered; this one takes over when that one ends. */
export type ConnectionStatus = 'stopped' | 'waiting-for-tab' | 'connecting' | 'online' | 'offline' | 'signed-out' | 'update-required'
export interface ConnectionState {
  readonly status: ConnectionStatus
  /** When `offline`: the time of the next attempt and why the last one failed. */
  readonly retryAt?: Timestamp
  readonly error?: SecureChatError
  /** True once everything that waited in the mailbox at the last connect has been applied. */
  readonly synced: boolean
}

export interface Profile {
  readonly name: string
  /** PNG, JPEG or WebP bytes, at most 48 KiB. */
  readonly avatar?: Uint8Array
}

/** revoked: the server has ended this device's session, or refuses it again and again; history and keys stay, and signing in goes on with them. */
export type AccountStatus = 'signed-out' | 'signed-in' | 'revoked'
export interface AccountState {
  readonly status: AccountStatus
  readonly accountId?: AccountId
  readonly deviceId?: DeviceId
  readonly phone?: string
  /** Absent until `setProfile`. */
  readonly profile?: Profile
}

export interface Contact {
  readonly accountId: AccountId
  readonly phone?: string
  readonly profile?: Profile
  /** What to show: profile name, else the phone number, else a short form of the id. */
  readonly displayName: string
  /** request: a stranger wrote first and waits for Accept or Block. */
  readonly relation: 'accepted' | 'request' | 'blocked'
  /** The account key changed since it was last accepted; sending waits for `devices.acceptIdentity`. */
  readonly identityChanged: boolean
  readonly verified: boolean
}

/** queued: stored here. sent: on the server's disk. delivered, read: the recipient's encrypted receipt. failed: will not be retried on its own. */
export type MessageStatus = 'queued' | 'sent' | 'delivered' | 'read' | 'failed'
export interface Message {
  readonly id: MessageId
  readonly conversationId: ConversationId
  readonly sender: AccountId
  readonly mine: boolean
  /** text; unsupported: from a newer version; undecryptable: a placeholder that is replaced in place when the message heals; event: e.g. the account key changed. */
  readonly kind: 'text' | 'unsupported' | 'undecryptable' | 'deleted' | 'identity-changed' | 'identity-recovered'
  readonly text: string
  /** Sender's clock, for display only. */
  readonly sentAt: Timestamp
  /** Position in the conversation: ascending; rows still queued come last. */
  readonly order: number
  /** Only of own messages. */
  readonly status?: MessageStatus
  readonly error?: SecureChatError
  readonly edited: boolean
  readonly replyTo?: MessageId
  readonly reactions: readonly { readonly accountId: AccountId; readonly emoji: string }[]
}

export interface ConversationSnapshot {
  readonly id: ConversationId
  readonly peer: Contact
  readonly lastMessage?: Message
  readonly unread: number
  readonly updatedAt: Timestamp
  readonly draft: string
  readonly muted: boolean
  readonly pinned: boolean
  readonly archived: boolean
  /** The other side is typing (expires by itself). */
  readonly typing: boolean
}

export interface SafetyNumber {
  /** 12 groups of 5 digits. */
  readonly digits: string
  /** What a QR code of the safety number holds. */
  readonly qr: Uint8Array
  readonly verified: boolean
}

export interface ConfirmInput {
  readonly code: string
  /** Gives a number that has keys already new ones, which every contact has to accept. */
  readonly replaceKeys?: boolean
  /**
   * `deriveRecoveryKeys(provider, parseRecoveryWords(words)).signing` of `@securechat/crypto/recovery`. A new account's first manifest names it. For an
   * account that names it already it signs that the new keys follow the lost ones, so that contacts go on and are told. It is not stored.
   */
  readonly recoveryKey?: KeyPair
  /** Of the account's registration lock. Not needed with the recovery key. */
  readonly pin?: string
  /** Instead of `recoveryKey`: the 24 words themselves. They are not stored; `backups.restore` asks for them again. */
  readonly recoveryWords?: string | readonly string[]
}

export interface Login {
  readonly phone: string
  readonly codeDigits: number
  readonly expiresAt: Timestamp
  readonly resendAt: Timestamp
  /**
   * Registers the account and this device. Throws `auth/code-wrong`, `auth/code-expired`, `auth/too-many-tries`, and
   * `auth/account-exists` where the number has keys already: then call again with `replaceKeys: true` after telling the
   * person that every contact will see a changed safety number and old messages stay on the old device. `client/invalid-argument`: the recovery
   * key is not the account's. `auth/pin-required`: the account has a registration lock; call again with `pin`. `auth/pin-wrong` with `triesLeft`, and after ten within a day
   * `auth/too-many-tries` with `retryAfterSeconds`.
   */
  confirm(input: ConfirmInput, options?: CallOptions): Promise<AccountState>
}

export interface PageOptions {
  /** At most this many; 50 by default, 200 at most. */
  readonly limit?: number
  /** Only messages below this `order`. */
  readonly before?: number
}

export interface Conversation {
  readonly id: ConversationId
  readonly peerId: AccountId
  /** Resolves once the message is stored and queued, also offline; the same `id` twice is one message. */
  send(input: string | { text: string; replyTo?: MessageId; id?: MessageId }, options?: CallOptions): Promise<Message>
  react(target: MessageId, emoji: string | null): Promise<void>
  edit(target: MessageId, text: string): Promise<void>
  delete(target: MessageId): Promise<void>
  retry(id: MessageId): Promise<void>
  markRead(): Promise<void>
  setTyping(active: boolean): Promise<void>
  update(changes: { draft?: string; muted?: boolean; pinned?: boolean; archived?: boolean }): Promise<void>
  /** Accepts a stranger's conversation, or blocks its sender. */
  accept(): Promise<void>
  block(): Promise<void>
  unblock(): Promise<void>
  /** Oldest first. */
  messages(options?: PageOptions): Promise<readonly Message[]>
  /** The newest `limit` messages, live. */
  liveMessages(options?: { limit?: number }): LiveQuery<readonly Message[]>
  snapshot(): Promise<ConversationSnapshot>
  live(): LiveQuery<ConversationSnapshot>
  /** New and changed messages from now on, until the signal aborts. A view of the store: nothing is lost by a reconnect. */
  watch(options?: CallOptions): AsyncIterable<Message>
}

/** A lock of the local store. */
export interface StoreLockInfo {
  readonly id: string
  /** `passphrase`, `passkey`, `device`, `key`, or an application's own. */
  readonly kind: string
  readonly name?: string
  readonly createdAt: Timestamp
}

/** A new device that shows a code. */
export interface LinkRequest {
  /** For the QR code, as bare text. */
  readonly code: string
  readonly expiresAt: Timestamp
  /** Resolves when the primary device has scanned and answered. Throws `devices/link-expired`, `crypto/authentication-failed` (the answer is not of who saw the code), `request/aborted`. */
  answered(options?: CallOptions): Promise<LinkInvitation>
  cancel(): void
}

/** An authentic answer: show whose account it is and the digits, and confirm only when the person says that both are right. */
export interface LinkInvitation {
  readonly accountId: AccountId
  readonly phone: string
  /** Six, the same on the other screen. */
  readonly digits: string
  readonly expiresAt: Timestamp
  /** Waits for the other side's approval, then this device is signed in. Throws `devices/link-expired`, `devices/invalid-manifest`, `request/aborted`. */
  confirm(options?: CallOptions): Promise<AccountState>
}

export interface ClientEvents {
  /** The backup or a restore went on, ended or failed. */
  backup: (state: BackupState) => void
  /** A history transfer went on, ended or failed. */
  history: (transfers: readonly HistoryTransfer[]) => void
  /** The list of the own account has changed: a device that nobody here knows of has to be revoked. */
  'devices-changed': (event: { added: readonly DeviceId[]; removed: readonly DeviceId[] }) => void
  /**
   * The account's list of devices ran out 15 days ago, and there is no newer one: its owner was not online for long, or somebody keeps its lists back. What is known goes on, no new
   * device of it is believed. Once for each account and start; for the own account too.
   */
  'devices-stale': (event: { accountId: AccountId }) => void
  message: (event: { conversation: Conversation; message: Message }) => void
  'message-status': (event: { conversation: Conversation; message: Message }) => void
  connection: (state: ConnectionState) => void
  'identity-changed': (event: { accountId: AccountId }) => void
  /** The contact has a new account key, and the recovery key that the former one had named says so: sending goes on, the safety number is another one. */
  'identity-recovered': (event: { accountId: AccountId; endedFork: boolean }) => void
  /**
   * A device list was refused: rollback, fork or a device that no manifest names. `evidence`, with a fork: the signed manifests that contradict
   * one another, the believed one first, for whoever looks into it; nobody but the holder of the account key can have made them.
   */
  'security-alert': (event: { accountId: AccountId; error: SecureChatError; evidence?: readonly Uint8Array[] }) => void
  /**
   * No new post-quantum secret came into the conversation with this device for 14 days although both sides wrote: its app cannot, or somebody
   * withholds messages. Once for each device and start.
   */
  'pq-stalled': (event: { accountId: AccountId; deviceId: DeviceId }) => void
  'decryption-failed': (event: { accountId: AccountId; error: SecureChatError; willHeal: boolean }) => void
  /**
   * This store is an older state, or a copy, of one that has gone on since (a restored disk image, a copied profile), as the server counts it. Sessions and prekeys were replaced; messages
   * that the lost state had are not here, those under way are asked for again. Also a `store-rolled-back` alert of the device. Told again and again where two copies are used.
   */
  'store-rolled-back': (event: Readonly<Record<never, never>>) => void
  'signed-out': (event: { reason: 'revoked' | 'logout' }) => void
  /** Something threatens the store that was not told since the start, or the store is gone. */
  'storage-at-risk': (state: StorageState) => void
}

export interface Client {
  readonly account: {
    state(): Promise<AccountState>
    live(): LiveQuery<AccountState>
    requestCode(input: { phone: string }, options?: CallOptions): Promise<Login>
    setProfile(profile: { name: string; avatar?: Uint8Array | Blob }, options?: CallOptions): Promise<void>
    /**
     * From the primary device: whoever registers the number from now on needs this PIN beside a right code, or the recovery words. `null` takes it away. Throws `devices/not-primary`,
     * `client/invalid-argument` (4 to 64 characters).
     */
    setRegistrationLock(pin: string | null, options?: CallOptions): Promise<void>
    registrationLock(options?: CallOptions): Promise<RegistrationLock | undefined>
    /** Ends the session on the server and erases the local store. */
    logout(options?: CallOptions): Promise<void>
    /** Erases the account on the server, then the local store. */
    erase(options?: CallOptions): Promise<void>
  }
  readonly contacts: {
    /** Null: the number is not registered here. */
    find(input: { phone: string }, options?: CallOptions): Promise<Contact | null>
    get(accountId: AccountId): Promise<Contact | undefined>
    list(): Promise<readonly Contact[]>
  }
  readonly conversations: {
    /** Throws `client/not-found` when the number is not registered. */
    direct(peer: { phone: string } | { accountId: AccountId }, options?: CallOptions): Promise<Conversation>
    get(id: ConversationId): Promise<Conversation | undefined>
    /** Newest first. */
    list(options?: { archived?: boolean }): Promise<readonly ConversationSnapshot[]>
    live(options?: { archived?: boolean }): LiveQuery<readonly ConversationSnapshot[]>
  }
  readonly devices: {
    /** The devices of the own account. Throws `auth/not-registered`. */
    list(): Promise<readonly OwnDevice[]>
    live(): LiveQuery<readonly OwnDevice[]>
    /** On the new device, instead of signing in: shows a code that the primary device scans. Throws `auth/already-registered`. */
    requestLink(options?: CallOptions): Promise<LinkRequest>
    /**
     * On the primary device: answers a code that its camera has read, from a scanner that the person has opened. `kind` says whether it is a new device or one that is to be the
     * primary one. Throws `client/invalid-argument` (not a code), `devices/not-primary`, `devices/limit-reached` (the longest unseen of `idle()` may go), `devices/link-expired`,
     * `crypto/authentication-failed`.
     */
    scanLink(code: string, options?: CallOptions): Promise<LinkScan>
    /** From the primary device: ends another one's sessions, takes it off the list and erases its queue. Throws `devices/not-primary`, `client/not-found`. */
    revoke(deviceId: DeviceId): Promise<void>
    /** The name is the account's devices' alone. Throws `client/not-found`, `client/invalid-argument` (empty, or above 128 characters). */
    rename(deviceId: DeviceId, name: string): Promise<void>
    /** All but the primary device, longest unseen first. */
    idle(): Promise<readonly OwnDevice[]>
    readonly alerts: DeviceAlerts
    /** On a linked device: shows a code that the primary device scans to hand the account key over. Throws `auth/not-registered`, `client/invalid-argument` (it has the key). */
    requestPromotion(options?: CallOptions): Promise<PromotionRequest>
    readonly history: History
    safetyNumber(accountId: AccountId): Promise<SafetyNumber>
    /**
     * `compared`: the digits that the people have compared, as `safetyNumber` gave them; `false` takes it back. Where the key has changed
     * meanwhile nothing is marked and `devices/identity-changed` is thrown: what was compared is not what would be believed.
     */
    setVerified(accountId: AccountId, compared: string | false): Promise<void>
    /**
     * Accepts a changed account key; queued messages are sent to the new key from then on. With `shown`, only the key with these digits: where it
     * has changed once more, `devices/identity-changed` is thrown.
     */
    acceptIdentity(accountId: AccountId, shown?: string): Promise<void>
  }
  readonly backups: Backups
  readonly storage: StorageWatch
  readonly privacy: {
    /** What opens the local store. The key that seals its rows stays the same, so nothing is written anew when a lock comes or goes. */
    readonly locks: {
      /** Empty: the store opens without any. */
      list(): Promise<readonly StoreLockInfo[]>
      /** From now on this opens the store too; the first one takes the place of the key that lay beside the rows. */
      add(lock: StoreLock, options?: { name?: string }): Promise<StoreLockInfo>
      /** The new one opens the store, the old one does not any more: a changed passphrase. */
      replace(id: string, lock: StoreLock, options?: { name?: string }): Promise<StoreLockInfo>
      /** The last one only with `leaveOpen`, which puts the key back beside the rows; else `client/invalid-argument`. */
      remove(id: string, options?: { leaveOpen?: boolean }): Promise<void>
    }
  }
  readonly connection: { state(): ConnectionState; live(): LiveQuery<ConnectionState>; retryNow(): void }
  /** Idempotent. Connects, receives and sends in the background from now on. */
  start(): Promise<void>
  /** Idempotent. Nothing is lost: what is queued is sent after the next start. */
  close(): Promise<void>
  on<Name extends keyof ClientEvents>(event: Name, listener: ClientEvents[Name]): () => void
  /**
   * For whoever must not miss a message (bots): calls `handler` for every received message from a durable cursor of that
   * name, one at a time, at least once; the cursor moves when the handler's promise resolves. A rejection is retried with backoff.
   */
  consume(name: string, handler: (event: { conversation: Conversation; message: Message }) => Promise<void> | void): () => Promise<void>
}
