import * as crypto from '@securechat/crypto'
import * as group from '@securechat/crypto/group'
import { type ConversationId, idFromBytes, parseSenderKeyMessage, text } from '@securechat/protocol'
import { type Decoder, decoder } from './decoder.js'
import type { End } from './people.js'

const NOTHING = new Uint8Array(0)

/** Groups, and requests to send again. `sender` comes from a message of `writer` that `reader` has read, which is the only way to have one. */
export function groupDecoders({ writer, reader, sender }: { writer: End; reader: End; sender: crypto.PairwiseSender }): Record<string, Decoder> {
  const { deps } = writer
  const { provider } = deps
  const { local, remote } = writer.self
  const groupId = idFromBytes<ConversationId>(new Uint8Array(16).fill(9))
  const place = { groupId, epoch: 0, parentHash: NOTHING, time: deps.now, local }
  const operation = group.signGroupOperation(provider, { ...place, change: { type: 'create', title: NOTHING } })
  const record = group.createGroup(provider, { operation, actor: remote })
  const view = group.groupView(record)
  const own = group.startChain(deps, { view, sender: local, replaces: null })
  const distribution = group.encodeDistribution(own)
  const peer = group.acceptDistribution(deps, { sender, distribution, view, known: null })
  const plaintext = { common: text('to the group'), manifest: { version: 1, hash: new Uint8Array(32) } }
  const { message } = group.encryptToGroup(deps, { own, view, plaintext, franking: null, devicesRevokedAt: 0 })
  const titleKey = new Uint8Array(32).fill(4)
  const added = { type: 'add', accountId: reader.self.local.accountId, role: 'member' } as const
  const add = group.signGroupOperation(provider, { ...place, epoch: 1, parentHash: record.hash, change: added })
  const withReader = group.applyGroupOperation(provider, record, { operation: add, actor: remote })
  const vouching = { record: withReader, local, invited: reader.self.local.accountId, titleKey: new crypto.Secret(titleKey), time: deps.now }
  const invitation = group.signInvitation(provider, vouching)
  const title = group.sealGroupTitle(deps, { titleKey, groupId, title: text('A title') })
  const request = { groupId, epoch: 0, chainId: own.chainId }
  const { accountId, deviceId } = reader.self.local
  const envelopes = [crypto.envelopeHash(provider, message)]
  const retry = crypto.createRetryRequest(deps, { local, peer: { accountId, deviceId }, envelopes, time: deps.now })
  return {
    parseSenderKeyMessage: decoder({ decode: parseSenderKeyMessage, sample: message }),
    decodeGroupOperation: decoder({ decode: group.decodeGroupOperation, sample: operation }),
    verifyGroupOperation: decoder({ decode: (bytes) => group.verifyGroupOperation(provider, bytes, remote), sample: operation }),
    decodeGroupState: decoder({ decode: group.decodeGroupState, encode: group.encodeGroupState, sample: group.encodeGroupState(record.state) }),
    decodeGroupRecord: decoder({
      decode: (bytes) => group.decodeGroupRecord(provider, bytes),
      encode: group.encodeGroupRecord,
      sample: group.encodeGroupRecord(record),
    }),
    decodeOwnChain: decoder({ decode: group.decodeOwnChain, encode: group.encodeOwnChain, sample: group.encodeOwnChain(own) }),
    decodePeerChains: decoder({ decode: group.decodePeerChains, encode: group.encodePeerChains, sample: group.encodePeerChains(peer) }),
    decodeSenderKeyRequest: decoder({
      decode: group.decodeSenderKeyRequest,
      encode: group.encodeSenderKeyRequest,
      sample: group.encodeSenderKeyRequest(request),
    }),
    acceptDistribution: decoder({
      decode: (bytes) => group.acceptDistribution(deps, { sender, distribution: bytes, view, known: null }),
      sample: distribution,
    }),
    decryptFromGroup: decoder({ decode: (bytes) => group.decryptFromGroup(deps, { peer, view, message: bytes }), sample: message }),
    openInvitation: decoder({
      decode: (bytes) => group.openInvitation(provider, { sender, inviter: remote, invitation: bytes, accountId: reader.self.local.accountId }),
      sample: invitation,
    }),
    openGroupTitle: decoder({ decode: (sealed) => group.openGroupTitle(deps, { titleKey, groupId, sealed }), sample: title }),
    verifyRetryRequest: decoder({
      decode: (envelope) => crypto.verifyRetryRequest(provider, { local: { accountId, deviceId }, remote, envelope }),
      sample: retry,
    }),
  }
}
