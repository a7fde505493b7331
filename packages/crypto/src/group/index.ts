export { type AnswerInput, answerSenderKeyRequest } from './answer.js'
export { applyGroupOperation, createGroup, type ReceivedOperation, recordSibling, resolveFork } from './apply.js'
export type { ChainOwner } from './chain.js'
export { type ChangeGroupInput, changeGroup } from './change.js'
export { decodeOwnChain, decodePeerChains, encodeOwnChain, encodePeerChains } from './codec.js'
export { decryptFromGroup, type GroupDecryptInput, type GroupDecryptResult } from './decrypt.js'
export { type DistributeInput, distributeSenderKey } from './distribute.js'
export { type AcceptDistributionInput, acceptDistribution, encodeDistribution } from './distribution.js'
export { encryptToGroup, type GroupEncryptInput, type GroupEncryptResult } from './encrypt.js'
export { type GroupCrypto, senderKeys } from './group-crypto.js'
export { type GroupInvitation, type OpenInvitationInput, openInvitation, type SignInvitationInput, signInvitation } from './invitation.js'
export { type JoinInput, joinGroup } from './join.js'
export {
  decodeGroupOperation,
  type GroupChange,
  type GroupOperation,
  groupOperationHash,
  type SignOperationInput,
  signGroupOperation,
  verifyGroupOperation,
} from './operation.js'
export {
  type OwnChain,
  type PreviousChain,
  type RenewalInput,
  type RenewalReason,
  renewalDue,
  type StartChainInput,
  startChain,
} from './own-chain.js'
export { type ParkedMessage, parkMessage, unparkMessages } from './parked.js'
export { type Gap, gapsOf, mustForget, type PeerChain, type PeerChains } from './peer-chain.js'
export type { GroupPlaintext } from './plaintext.js'
export { decodeGroupRecord, encodeGroupRecord } from './record-codec.js'
export { decodeSenderKeyRequest, encodeSenderKeyRequest, type SenderKeyRequest } from './request.js'
export {
  decodeGroupState,
  encodeGroupState,
  freezeGroup,
  GROUP_ROLES,
  type GroupMember,
  type GroupRecord,
  type GroupRole,
  type GroupState,
  groupStateHash,
  groupView,
  type SiblingOperation,
} from './state.js'
export { openGroupTitle, sealGroupTitle, type TitleSubject } from './title.js'
export type { ForkSeen, GroupView } from './view.js'
