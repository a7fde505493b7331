import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createGroup, decryptFromGroup, encodeDistribution, encodeGroupState, groupView } from '../../src/group/index.js'
import type { CryptoProvider } from '../../src/index.js'
import { groupPerson, NO_HASH, operationOf, ownChain, said, taken } from '../support/groups.js'
import { START, textOf } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { unhex } from '../support/vectors.js'

/** docs/protocol/vectors/groups.json; SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/groups.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const alice = groupPerson(1)
const creation = operationOf(alice, { epoch: 0, parentHash: NO_HASH }, { type: 'create', title: NO_HASH })

function compute(provider: CryptoProvider) {
  const record = createGroup(provider, creation)
  const own = ownChain(record, alice)
  const { accountId, deviceId, signingKey } = alice.remote
  const base = { suite: 1, sender: { accountId, deviceId, signingKey: hex(signingKey) }, operation: hex(creation.operation) }
  const state = { state: hex(encodeGroupState(record.state)), stateHash: hex(record.hash) }
  return { ...base, ...state, distribution: hex(encodeDistribution(own)), message: hex(said(record, own, 'to the group').message), common: 'to the group' }
}

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces and reads the published vectors of groups', (provider) => {
  const published = JSON.parse(readFileSync(FILE, 'utf8')) as ReturnType<typeof compute>
  expect(compute(provider)).toEqual(published)
  const record = createGroup(provider, creation)
  const peer = taken(record, alice, ownChain(record, alice))
  const result = decryptFromGroup({ provider, now: START }, { peer, view: groupView(record), message: unhex(published.message) })
  expect(result.kind === 'message' && textOf(result.plaintext.common)).toBe(published.common)
})
