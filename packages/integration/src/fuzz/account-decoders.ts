import * as crypto from '@securechat/crypto'
import * as backup from '@securechat/crypto/backup'
import * as linking from '@securechat/crypto/linking'
import { type DeviceId, text } from '@securechat/protocol'
import { type Decoder, decoder } from './decoder.js'
import type { Registered } from './people.js'

/** Recovery, backup, linking. */
export function accountDecoders(deps: crypto.CryptoDeps, owner: Registered): Record<string, Decoder> {
  const { provider, random } = deps
  const { accountId, account, deviceKeys } = owner
  const succession = {
    accountId,
    oldAccountKey: account.publicKey,
    newAccountKey: deviceKeys.signing.publicKey,
    lastVersion: 1,
    lastHash: owner.manifest.hash,
  }
  const statement = crypto.createSuccession(provider, { ...succession, recoveryKey: account })
  const backupKey = new crypto.Secret(random(32))
  const records = [{ name: text('name'), value: text('value') }]
  const { state, entry, bytes } = backup.sealSegment(deps, { backupKey, state: backup.startBackup(deps, accountId), kind: 'messages', records })
  const manifest = backup.sealBackupManifest(deps, { backupKey, state }).bytes
  const offer = linking.createLinkOffer(deps, deviceKeys)
  const answered = linking.answerLink(deps, { ...offer, accountId, accountKey: account.publicKey, deviceId: 2 as DeviceId, payload: text('payload') })
  const joined = linking.openLinkAnswer(deps, offer, answered.answer)
  const { agreed } = linking.confirmPromotion(deps, joined)
  const handover = linking.sealHandover(deps, agreed, { accountKeys: account, manifest: owner.manifest.bytes })
  return {
    decodeSuccession: decoder({ decode: crypto.decodeSuccession, sample: statement }),
    verifySuccession: decoder({ decode: (input) => crypto.verifySuccession(provider, input, account.publicKey), sample: statement }),
    openSegment: decoder({ decode: (input) => backup.openSegment(provider, { backupKey, accountId, entry, bytes: input }), sample: bytes }),
    openBackupManifest: decoder({ decode: (input) => backup.openBackupManifest(provider, { backupKey, accountId, bytes: input }), sample: manifest }),
    openStreamPart: decoder({
      decode: (input) => backup.openStreamPart(provider, { backupKey, accountId, backupId: state.backupId, received: [], bytes: input }),
      sample: bytes,
    }),
    decodeBackupState: decoder({ decode: backup.decodeBackupState, encode: backup.encodeBackupState, sample: backup.encodeBackupState(state) }),
    parseLinkCode: decoder({ decode: linking.parseLinkCode, sample: offer.code }),
    openLinkAnswer: decoder({ decode: (input) => linking.openLinkAnswer(deps, offer, input), sample: answered.answer }),
    openHandover: decoder({ decode: (input) => linking.openHandover(deps, agreed, input), sample: handover }),
    finishLink: decoder({ decode: (input) => linking.finishLink(deps, answered.state, input), sample: linking.confirmLink(deps, joined).confirmation }),
  }
}
