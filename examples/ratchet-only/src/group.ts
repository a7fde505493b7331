import { manifestRef, type RemoteDevice } from '@securechat/crypto'
import {
  applyGroupOperation,
  changeGroup,
  createGroup,
  decodeGroupOperation,
  decodeGroupRecord,
  encodeGroupRecord,
  freezeGroup,
  type GroupChange,
  type GroupRecord,
  groupView,
  senderKeys,
} from '@securechat/crypto/group'
import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import type { Batch } from './batch.js'
import { contact, nameOf } from './contacts.js'
import type { Device } from './device.js'
import { type Opened, stageMessage, stageSend } from './pairwise.js'
import { decodeFields, encodeFields, textOf, utf8 } from './wire.js'

// One group, kept small: operations travel in pairwise messages and one administrator makes them, so that none can lose a race. Where several may, a server
// orders them by (epoch, parent hash), and the loser rebases (docs/protocol/08-groups.md).

const NOTHING = new Uint8Array(0)

function groupOf({ deps }: Device, batch: Batch): GroupRecord {
  const stored = batch.get('group')
  if (!stored) throw new SecureChatError('client/not-found', { detail: 'group' })
  return decodeGroupRecord(deps.provider, stored)
}

/** Names of all other members; with `joined` only of those that have accepted. */
function others(who: Device, batch: Batch, { record, joined }: { readonly record: GroupRecord; readonly joined: boolean }): string[] {
  const { members } = record.state
  return members.flatMap((member) =>
    member.accountId === who.local.accountId || (joined && !member.joined) ? [] : [nameOf(batch, member.accountId) ?? []].flat(),
  )
}

/** The operations so far, each with the name of its actor: what an invited person checks from the first one on. */
function keepOperation(
  batch: Batch,
  { operation, actor, record }: { readonly operation: Uint8Array; readonly actor: string; readonly record: GroupRecord },
): void {
  batch.set('group', encodeGroupRecord(record))
  batch.set('group-log', encodeFields([...decodeFields(batch.get('group-log') ?? NOTHING), operation, utf8(actor)]))
}

export async function stageGroupChange(who: Device, batch: Batch, change: Exclude<GroupChange, { type: 'resolve' }>): Promise<void> {
  const before = change.type === 'create' ? null : groupOf(who, batch)
  const { operation, record } = changeGroup(who.deps, before, { local: who.local, change })
  keepOperation(batch, { operation, actor: who.name, record })
  forgetChains(who, batch, record)
  const invited = change.type === 'add' ? nameOf(batch, change.accountId) : undefined
  const recipients = new Set([...(before ? others(who, batch, { record: before, joined: false }) : []), ...others(who, batch, { record, joined: false })])
  for (const to of recipients) {
    const content =
      to === invited
        ? [utf8('invitation'), ...decodeFields(batch.get('group-log') ?? NOTHING)]
        : [utf8('operation'), operation, utf8(who.name), ...(invited ? [utf8(invited)] : [])]
    await stageMessage(who, batch, { to, content: encodeFields(content) })
  }
}

/** A message for all: one ciphertext. The chain's key goes first, to each device that has not got it, over its own session and no other way. */
export async function stageGroupMessage(who: Device, batch: Batch, text: string): Promise<void> {
  const { deps, local } = who
  const record = groupOf(who, batch)
  const view = groupView(record)
  const stored = batch.get('chain/own')
  let own = stored ? senderKeys.decodeOwn(stored) : null
  // Nobody's device is ever revoked here, since every account has one; an application gives the time of the last revocation among the members.
  const devicesRevokedAt = 0
  let given = own ? decodeFields(batch.get('chain/given') ?? NOTHING).map(textOf) : []
  if (!own || senderKeys.renewalDue(own, { view, now: deps.now, devicesRevokedAt })) {
    own = senderKeys.start(deps, { view, sender: local, replaces: own })
    given = []
  }
  const members = others(who, batch, { record, joined: true })
  for (const to of members.filter((name) => !given.includes(name)))
    await stageMessage(who, batch, { to, content: encodeFields([utf8('sender-key'), senderKeys.distribution(own)]) })
  const plaintext = { common: encodeFields([utf8('text'), utf8(text)]), manifest: manifestRef(local.manifest) }
  const sent = senderKeys.encrypt(deps, { own, view, plaintext, devicesRevokedAt })
  batch.set('chain/own', senderKeys.encodeOwn(sent.own))
  batch.set('chain/given', encodeFields(members.map(utf8)))
  for (const to of members) stageSend(batch, to, encodeFields([utf8('group'), sent.message]))
}

/** Chains of those who are no members any more: kept, they would be read on. */
function forgetChains({ store }: Device, batch: Batch, record: GroupRecord): void {
  const view = groupView(record)
  for (const key of store.keys('chain/peer/')) {
    const stored = batch.get(key)
    if (stored && !view.isMember(senderKeys.decodePeer(stored).accountId)) batch.set(key, null)
  }
}

/** The device that signed, under the name that came with the operation; the operation's own words decide whether it is that one. */
async function actorOf(who: Device, batch: Batch, { operation, name }: { readonly operation: Uint8Array; readonly name: string }): Promise<RemoteDevice> {
  const { accountId } = decodeGroupOperation(operation).actor
  if (accountId === who.local.accountId) {
    const { signing, identity } = who.local.deviceKeys
    return { ...who.local, signingKey: signing.publicKey, identityKey: identity.publicKey }
  }
  const device = await contact(who, batch, name)
  if (device.accountId !== accountId) throw new SecureChatError('groups/invalid-operation', { detail: 'actor' })
  return device
}

async function apply(who: Device, batch: Batch, { operation, name }: { readonly operation: Uint8Array; readonly name: string }): Promise<void> {
  const actor = await actorOf(who, batch, { operation, name })
  const { provider } = who.deps
  const stored = batch.get('group')
  const record = stored ? applyGroupOperation(provider, groupOf(who, batch), { operation, actor }) : createGroup(provider, { operation, actor })
  keepOperation(batch, { operation, actor: name, record })
  forgetChains(who, batch, record)
}

/** What a pairwise message brought for the group. Gives the line to show; null where there is none. */
export async function takeGroupContent(
  who: Device,
  batch: Batch,
  { from, sender, fields }: { from: string; sender: Opened['sender']; fields: readonly Uint8Array[] },
): Promise<string | null> {
  const [type, first, second, third] = fields
  if (textOf(type) === 'sender-key' && first) {
    const known = batch.get(`chain/peer/${from}`)
    const peer = senderKeys.accept(who.deps, {
      sender,
      distribution: first,
      view: groupView(groupOf(who, batch)),
      known: known ? senderKeys.decodePeer(known) : null,
    })
    batch.set(`chain/peer/${from}`, senderKeys.encodePeer(peer))
    return null
  }
  if (textOf(type) === 'operation' && first && second) {
    await apply(who, batch, { operation: first, name: textOf(second) })
    // Under which name the relay knows a new member; an operation knows accounts only.
    if (third) await contact(who, batch, textOf(third))
    return describe(who, batch)
  }
  if (textOf(type) !== 'invitation' || batch.get('group')) throw new SecureChatError('protocol/malformed', { detail: 'content' })
  for (let at = 1; at + 1 < fields.length; at += 2) await apply(who, batch, { operation: fields[at]!, name: textOf(fields[at + 1]) })
  if (!groupOf(who, batch).state.members.some(({ accountId }) => accountId === who.local.accountId)) throw new SecureChatError('groups/not-a-member')
  return `${from} invites to the group`
}

export function describe(who: Device, batch: Batch): string {
  const { state } = groupOf(who, batch)
  const names = state.members.map(
    ({ accountId, joined }) => `${accountId === who.local.accountId ? who.name : (nameOf(batch, accountId) ?? '?')}${joined ? '' : '?'}`,
  )
  return `group ${state.epoch}: ${names.sort().join(' ')}`
}

/** Null where the chain is not known yet: a renewed one may come behind its first message. */
function opened<Result>(decrypt: () => Result): Result | null {
  try {
    return decrypt()
  } catch (error) {
    if (isSecureChatError(error) && error.code === 'crypto/no-session') return null
    throw error
  }
}

/** `wait`: what it needs has not come yet, so it stays unacknowledged with the relay. */
export function openGroupMessage(who: Device, batch: Batch, { from, message }: { readonly from: string; readonly message: Uint8Array }): string | 'wait' {
  const [stored, group] = [batch.get(`chain/peer/${from}`), batch.get('group')]
  if (!stored || !group) return 'wait'
  const record = groupOf(who, batch)
  const result = opened(() => senderKeys.decrypt(who.deps, { peer: senderKeys.decodePeer(stored), view: groupView(record), message }))
  if (!result) return 'wait'
  if (result.kind === 'future') return 'wait'
  if (result.kind === 'fork') {
    batch.set('group', encodeGroupRecord(freezeGroup(record, result.seen)))
    return `warning: ${from} has another history of the group; nothing more is sent there`
  }
  batch.set(`chain/peer/${from}`, senderKeys.encodePeer(result.peer))
  const missing = result.missing.reduce((sum, { from: first, to }) => sum + to - first, 0)
  const [, text] = decodeFields(result.plaintext.common)
  return `[group] ${from}: ${textOf(text)}${missing > 0 ? ` (${missing} earlier missing)` : ''}`
}
