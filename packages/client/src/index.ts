export { type ErrorCode, isSecureChatError, SecureChatError } from '@securechat/protocol'
export type { BackupState, Backups, ConfirmedWords, History, HistoryTransfer, NewBackupWords, Progress, RestoreState } from './backups/types.js'
export { type ClientOptions, createClient } from './create-client.js'
export type {
  DeviceAlert,
  DeviceAlertKind,
  DeviceAlerts,
  LinkScan,
  OwnDevice,
  PromotionInvitation,
  PromotionRequest,
  PromotionWarning,
  RegistrationLock,
} from './devices/types.js'
export type { StorageRisk, StorageState, StorageWatch } from './storage-risk/types.js'
export { storeLocks } from './store-key/locks.js'
export type { LockPort, LockRequest } from './tabs/lock.js'
export type { OpenTabPort, TabPort } from './tabs/port.js'
export type {
  AccountState,
  AccountStatus,
  ApproveOptions,
  CallOptions,
  Client,
  ClientEvents,
  ConfirmInput,
  ConnectionState,
  ConnectionStatus,
  Contact,
  Conversation,
  ConversationSnapshot,
  LinkInvitation,
  LinkRequest,
  LiveQuery,
  Login,
  Message,
  MessageStatus,
  PageOptions,
  Profile,
  SafetyNumber,
  StoreLockInfo,
} from './types.js'
