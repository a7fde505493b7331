/**
 * Every domain-separation label of the project. Labels are unique and, because `T` writes their length first, prefix-free
 * in what is hashed or signed. A label is never reused for another construction.
 */
export const LABELS = {
  manifest: 'SC1/manifest',
  deviceAccept: 'SC1/device-accept',
  succession: 'SC1/succession',
  prekey: 'SC1/prekey',
  handshake: 'SC1/pqxdh',
  handshakeSecret: 'SC1/pqxdh/sk',
  associatedData: 'SC1/ad',
  rootInput: 'SC1/root-ikm',
  root: 'SC1/root',
  chain: 'SC1/chain',
  message: 'SC1/msg',
  postQuantum: 'SC1/pq',
  expand: 'SC1/expand',
  plaintext: 'SC1/plaintext',
  common: 'SC1/common',
  perSession: 'SC1/per-session',
  frank: 'SC1/frank',
  safetyNumber: 'SC1/safety-number',
  profile: 'SC1/profile',
  profileKey: 'SC1/profile-key',
  directConversation: 'SC1/direct-conversation',
  socketProof: 'SC1/auth/socket',
  requestProof: 'SC1/auth/request',
  refreshProof: 'SC1/auth/refresh',
  retryRequest: 'SC1/retry',
  sealedRecord: 'SC1/store/record',
  sealedKey: 'SC1/store/key',
  serverOtp: 'SC1/server/otp',
  serverPhone: 'SC1/server/phone',
  serverToken: 'SC1/server/token',
} as const

export type Label = (typeof LABELS)[keyof typeof LABELS]
