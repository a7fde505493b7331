import {
  type AccountId,
  type ConversationId,
  type DeviceId,
  equalPublicBytes,
  idFromBytes,
  idToBytes,
  isDeviceId,
  LABELS,
  parseT,
  readU32,
  readU64,
  SecureChatError,
  T,
  type Timestamp,
  u8,
  u32,
  u64,
} from '@securechat/protocol/core'
import type { LocalDevice, RemoteDevice } from '../identity/devices.js'
import type { CryptoProvider } from '../primitives/provider.js'
import { Secret } from '../secret.js'
import { PairwiseSender } from '../session/sender.js'
import { decodeGroupState, encodeGroupState, type GroupRecord, type GroupState, groupStateHash, memberOf } from './state.js'

const VERSION = 1
const NOTHING = new Uint8Array(0)

/** The state of a group as one device vouches for it to one account. Nothing of it is shown as true, or used, before `joinGroup`. */
export interface GroupInvitation {
  readonly state: GroupState
  /** BLAKE2b-256 of the state. */
  readonly hash: Uint8Array
  readonly inviter: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  /** Whose account it is for. */
  readonly invited: AccountId
  /** Of the inviter's clock; shown, never judged by. */
  readonly time: Timestamp
  /** Opens the state's title; null where it has none. */
  readonly titleKey: Secret | null
  /** Statement ‖ signature 64: proves to others, without the title's key, what the inviter has vouched for. */
  readonly signed: Uint8Array
}

/** Who may vouch: a joined administrator for an account that is only invited, and a device of a member for that account's other devices. */
function requireMayVouch(state: GroupState, { inviter, invited }: { readonly inviter: AccountId; readonly invited: AccountId }): void {
  const subject = memberOf(state, invited)
  if (!subject) throw new SecureChatError('groups/not-a-member', { detail: 'invited' })
  if (inviter === invited) return
  const by = memberOf(state, inviter)
  if (!by?.joined || by.role !== 'admin' || subject.joined) throw new SecureChatError('groups/not-allowed', { detail: 'invitation' })
}

export interface SignInvitationInput {
  readonly record: GroupRecord
  readonly local: LocalDevice
  readonly invited: AccountId
  readonly titleKey: Secret | null
  readonly time: Timestamp
}

/**
 * T("SC1/group/invitation", u8 version, statement, signature 64, state, title key 32 or empty) with statement = T("SC1/group/invite", u8 version, group,
 * u64 epoch, state hash, invited account, inviter's account, u32 inviter's device, manifest hash 32, u64 time), signed by the DSK. Secret bytes where a
 * title key is in it: sent only inside pairwise messages to devices of the invited account. Throws `groups/frozen`, `groups/not-a-member`, `groups/not-allowed`.
 */
export function signInvitation(provider: Pick<CryptoProvider, 'ed25519Sign'>, { record, local, invited, titleKey, time }: SignInvitationInput): Uint8Array {
  const { state, hash, fork } = record
  const { accountId, deviceId, manifest, deviceKeys } = local
  if (fork) throw new SecureChatError('groups/frozen')
  requireMayVouch(state, { inviter: accountId, invited })
  const names = [idToBytes(invited), idToBytes(accountId), u32(deviceId), manifest.hash.subarray(0, 32)] as const
  const statement = T(LABELS.groupInvite, u8(VERSION), idToBytes(state.groupId), u64(state.epoch), hash, ...names, u64(time))
  const signature = provider.ed25519Sign(deviceKeys.signing.secretKey.expose(), statement)
  return T(LABELS.groupInvitation, u8(VERSION), statement, signature, encodeGroupState(state), titleKey?.expose() ?? NOTHING)
}

interface Statement extends Pick<GroupInvitation, 'inviter' | 'invited' | 'time'> {
  readonly groupId: ConversationId
  readonly epoch: number
  readonly hash: Uint8Array
  readonly manifestHash: Uint8Array
}

const malformed = (): never => {
  throw new SecureChatError('protocol/malformed', { detail: 'group invitation' })
}

function requireVersion(version: Uint8Array | undefined): void {
  if (version?.length !== 1) return malformed()
  if (version[0] !== VERSION) throw new SecureChatError('protocol/unsupported-version', { detail: 'group invitation' })
}

function decodeStatement(bytes: Uint8Array): Statement {
  const [version, group, epoch, hash, invited, account, device, manifestHash, time, ...more] = parseT(bytes, LABELS.groupInvite)
  requireVersion(version)
  if (!group || epoch?.length !== 8 || hash?.length !== 32 || !invited || !account || device?.length !== 4) return malformed()
  if (manifestHash?.length !== 32 || time?.length !== 8 || more.length > 0) return malformed()
  const deviceId = readU32(device, 0)
  if (!isDeviceId(deviceId)) return malformed()
  return {
    groupId: idFromBytes<ConversationId>(group),
    epoch: readU64(epoch, 0),
    hash: hash.slice(),
    invited: idFromBytes<AccountId>(invited),
    inviter: { accountId: idFromBytes<AccountId>(account), deviceId },
    manifestHash,
    time: readU64(time, 0),
  }
}

export interface OpenInvitationInput {
  /** What `decryptMessage` said of the very message that carried the invitation. */
  readonly sender: PairwiseSender
  /** That device, under the verified manifest that the invitation names. */
  readonly inviter: RemoteDevice
  readonly invitation: Uint8Array
  /** The reader's own account. */
  readonly accountId: AccountId
}

/**
 * What somebody vouches for, to be shown to the user, whose consent comes before anything else; then `joinGroup`. Throws `groups/invalid-operation` (signature,
 * another device, account or state than signed), `groups/not-allowed` (no administrator), `groups/not-a-member` (the account is not in the state),
 * `protocol/malformed`, `protocol/unsupported-version`, `client/invalid-argument`.
 */
export function openInvitation(provider: Pick<CryptoProvider, 'blake2b' | 'ed25519Verify'>, input: OpenInvitationInput): GroupInvitation {
  const { sender, inviter, accountId } = input
  if (!PairwiseSender.is(sender) || sender.accountId !== inviter.accountId || sender.deviceId !== inviter.deviceId)
    throw new SecureChatError('client/invalid-argument', { detail: 'pairwise sender' })
  const [version, statement, signature, stateBytes, titleKey, ...more] = parseT(input.invitation, LABELS.groupInvitation)
  requireVersion(version)
  if (!statement || signature?.length !== 64 || !stateBytes || !titleKey || more.length > 0) return malformed()
  if (titleKey.length !== 0 && titleKey.length !== 32) return malformed()
  const { manifestHash, groupId, epoch, hash, ...said } = decodeStatement(statement)
  const state = decodeGroupState(stateBytes)
  const sameDevice = said.inviter.accountId === inviter.accountId && said.inviter.deviceId === inviter.deviceId
  if (!sameDevice || said.invited !== accountId || !equalPublicBytes(manifestHash, inviter.manifest.hash.subarray(0, 32)))
    throw new SecureChatError('groups/invalid-operation', { detail: 'invitation of or for another' })
  if (!provider.ed25519Verify(signature, statement, inviter.signingKey))
    throw new SecureChatError('groups/invalid-operation', { detail: 'signature of an invitation' })
  if (state.groupId !== groupId || state.epoch !== epoch || !equalPublicBytes(groupStateHash(provider, state), hash))
    throw new SecureChatError('groups/invalid-operation', { detail: 'state of an invitation' })
  requireMayVouch(state, { inviter: inviter.accountId, invited: accountId })
  const signed = new Uint8Array(statement.length + 64)
  signed.set(statement)
  signed.set(signature, statement.length)
  return { ...said, state, hash, titleKey: titleKey.length === 32 ? new Secret(titleKey.slice()) : null, signed }
}
