import { hex, idBytes, requireEqual } from '../bytes.mjs'
import { franking } from '../content.mjs'
import { frankingCommitment } from '../envelope.mjs'

function check(vector, { serverKeys, reporter }) {
  const { account, device } = { account: idBytes(vector.sender.accountId), device: vector.sender.deviceId }
  const [conversation, message] = [idBytes(vector.conversationId), idBytes(vector.messageId)]
  const [frankingKey, common, commitment] = [vector.frankingKey, vector.common, vector.commitment].map(hex)
  requireEqual(frankingCommitment({ frankingKey, common, conversation, account, device, message }), commitment, 'commitment')
  const audience = franking.audienceBytes(vector.audience, idBytes)
  const input = franking.tagInput({ commitment, account, device, audience, time: vector.time, keyId: vector.keyId })
  requireEqual(input, hex(vector.tagInput), 'input of the tag')
  const tag = franking.tag(hex(serverKeys[vector.keyId]), input)
  requireEqual(tag, hex(vector.tag), 'tag')
  const stamp = franking.stamp({ keyId: vector.keyId, time: vector.time, tag })
  requireEqual(stamp, hex(vector.stamp), 'stamp')
  const report = franking.readReport(hex(vector.report))
  for (const [name, value] of Object.entries({ account, device, audience, conversation, message, frankingKey, commitment, common, stamp }))
    requireEqual(report[name], value, name)
  requireEqual(franking.reportId(account, commitment), hex(vector.reportId), 'report id')
  if (vector.audience.kind === 'account') requireEqual(vector.audience.accountId, reporter, 'reporter')
}

export function* checks(vectors) {
  yield ['suite', () => requireEqual(vectors.suite, 1, 'suite')]
  for (const vector of vectors.messages) yield [`report ${vector.name}`, () => check(vector, vectors)]
}
