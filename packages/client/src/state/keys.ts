import type { AccountId, ConversationId, DeviceId, MessageId } from '@securechat/protocol'

/**
 * The layout of the local store, all of it. Values are sealed, keys are readable for whoever holds the store, so no key carries a phone
 * number, a name or a text: only random ids, counters and words.
 *
 *   account                              who we are: ids, number, status
 *   keys/account, keys/device            AIK; DSK and DIK (crypto's own encoding)
 *   tokens                               access and refresh token
 *   registration                         a registration under way: committed before the call, erased with the commit of its answer
 *   profile                              own profile, its key and version
 *   prekeys                              next key id, current ids, uploads not yet confirmed
 *   prekey/<id>                          private prekeys
 *   manifest/pending                     own next manifest, signed, until the server has it
 *   pin/<account>                        the manifest that is believed, and a changed identity that waits for consent
 *   session/<account>/<device>           all sessions with a device (crypto's own encoding)
 *   contact/<account>
 *   conversation/<conversation>
 *   message/<conversation>/<order>       rows still queued have orders from QUEUED_ORDER on, so they come last
 *   message-id/<conversation>/<message>  → order
 *   outbox/<account>/<sequence>          one row for each message that has to go to a peer
 *   receipt/<conversation>/<message>     receipts that are due
 *   seen/<message>                       contents without a row of their own that were applied
 *   held/<sequence>                      envelopes of a newer version, kept for an update
 *   wanted/<account>/<device>/<sequence> envelopes of a device that could not be read and were asked for again
 *   retry/<account>/<device>             when we asked a device to send again, and when we answered it
 *   renewals                             devices for which the next message starts a new session
 *   device/<device>                      name, platform and days of a device of the own account
 *   device-alert/<number>                what happened to the own devices, until it is acknowledged
 *   promotion                            the account key is on its way from this device, or came to it just now
 *   sent/<account>/<sequence>            bodies that were sent, held for a while to be sent again
 *   log/<number>                         received messages in the order of their arrival, for `consume`
 *   consumer/<name>                      cursor of a consumer
 *   counters, inbox                      local sequence numbers; mailbox cursor
 *   backup                               the backup that this device makes: its key (never the words), state, what is on the server
 *   backup-run                           one that is being made: how far it is
 *   backup-out/<number>                  sealed segments until the server has them
 *   history/<transfer>                   history on its way to or from another own device
 *   history-out/<transfer>/<number>      sealed parts until the server has them
 *   restore                              a restore under way, or how it ended
 *   store-id                             random name of this store, for the lock between tabs
 *   lease                                what the server was last told of this store, to notice a copy
 *   wipe                                 the store is being erased
 */
export const KEYS = {
  account: 'account',
  accountKeys: 'keys/account',
  deviceKeys: 'keys/device',
  tokens: 'tokens',
  registration: 'registration',
  profile: 'profile',
  preKeys: 'prekeys',
  pendingManifest: 'manifest/pending',
  counters: 'counters',
  inbox: 'inbox',
  storeId: 'store-id',
  wipe: 'wipe',
  renewals: 'renewals',
  syncWant: 'sync-want',
  leader: 'leader',
  lease: 'lease',
  promotion: 'promotion',
  backup: 'backup',
  backupRun: 'backup-run',
  restore: 'restore',
} as const

/** Orders of rows that are not sent yet begin here: above every order that a conversation can reach. */
export const QUEUED_ORDER = 2 ** 52
const NUMBER_DIGITS = 16
const ID_DIGITS = 10

const padded = (value: number, digits = NUMBER_DIGITS): string => String(value).padStart(digits, '0')

export const PREFIX = {
  preKey: 'prekey/',
  pin: 'pin/',
  session: 'session/',
  contact: 'contact/',
  conversation: 'conversation/',
  message: 'message/',
  outbox: 'outbox/',
  receipt: 'receipt/',
  seen: 'seen/',
  held: 'held/',
  log: 'log/',
  wanted: 'wanted/',
  retry: 'retry/',
  sent: 'sent/',
  ownDevice: 'device/',
  deviceAlert: 'device-alert/',
  syncDue: 'sync/',
  syncStamp: 'sync-stamp/',
  syncAll: 'sync-all/',
  readAhead: 'read-ahead/',
  backupOut: 'backup-out/',
  history: 'history/',
  historyOut: 'history-out/',
} as const

export const keyOf = {
  preKey: (keyId: number): string => `${PREFIX.preKey}${padded(keyId, ID_DIGITS)}`,
  pin: (account: AccountId): string => `${PREFIX.pin}${account}`,
  session: (account: AccountId, device: DeviceId): string => `${PREFIX.session}${account}/${padded(device, ID_DIGITS)}`,
  contact: (account: AccountId): string => `${PREFIX.contact}${account}`,
  conversation: (conversation: ConversationId): string => `${PREFIX.conversation}${conversation}`,
  message: (conversation: ConversationId, order: number): string => `${PREFIX.message}${conversation}/${padded(order)}`,
  messageId: (conversation: ConversationId, message: MessageId): string => `message-id/${conversation}/${message}`,
  outbox: (account: AccountId, sequence: number): string => `${PREFIX.outbox}${account}/${padded(sequence)}`,
  receipt: (conversation: ConversationId, message: MessageId): string => `${PREFIX.receipt}${conversation}/${message}`,
  seen: (message: MessageId): string => `${PREFIX.seen}${message}`,
  held: (sequence: number): string => `${PREFIX.held}${padded(sequence)}`,
  log: (number: number): string => `${PREFIX.log}${padded(number)}`,
  consumer: (name: string): string => `consumer/${name}`,
  wanted: (account: AccountId, device: DeviceId, sequence: number): string => `${PREFIX.wanted}${account}/${padded(device, ID_DIGITS)}/${padded(sequence)}`,
  ownDevice: (device: DeviceId): string => `${PREFIX.ownDevice}${padded(device, ID_DIGITS)}`,
  deviceAlert: (number: number): string => `${PREFIX.deviceAlert}${padded(number)}`,
  syncDue: (kind: string, key: string): string => `${PREFIX.syncDue}${kind}/${key}`,
  syncStamp: (kind: string, key: string): string => `${PREFIX.syncStamp}${kind}/${key}`,
  syncAll: (device: DeviceId): string => `${PREFIX.syncAll}${padded(device, ID_DIGITS)}`,
  readAhead: (conversation: ConversationId, message: MessageId): string => `${PREFIX.readAhead}${conversation}/${message}`,
  backupOut: (number: number): string => `${PREFIX.backupOut}${padded(number, ID_DIGITS)}`,
  history: (transfer: string): string => `${PREFIX.history}${transfer}`,
  historyOut: (transfer: string, number: number): string => `${PREFIX.historyOut}${transfer}/${padded(number, ID_DIGITS)}`,
  retry: (account: AccountId, device: DeviceId): string => `${PREFIX.retry}${account}/${padded(device, ID_DIGITS)}`,
} as const

export const prefixOf = {
  sessions: (account: AccountId): string => `${PREFIX.session}${account}/`,
  messages: (conversation: ConversationId): string => `${PREFIX.message}${conversation}/`,
  outbox: (account: AccountId): string => `${PREFIX.outbox}${account}/`,
  wanted: (account: AccountId, device: DeviceId): string => `${PREFIX.wanted}${account}/${padded(device, ID_DIGITS)}/`,
  sent: (account: AccountId): string => `${PREFIX.sent}${account}/`,
  historyOut: (transfer: string): string => `${PREFIX.historyOut}${transfer}/`,
  receipts: (conversation: ConversationId): string => `${PREFIX.receipt}${conversation}/`,
} as const

/** The second part of a key: `message/<this>/…`. */
export const secondPart = (key: string): string => key.split('/', 2)[1] ?? ''
