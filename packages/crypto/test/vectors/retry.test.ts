import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { createRetryRequest, envelopeHash, sessionTagOf, verifyRetryRequest } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { createWorld, Person, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'

/** docs/protocol/vectors/retry.json: retry requests of docs/protocol/14-healing.md. SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/retry.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function vectors() {
  const world = createWorld(sodium, 1400)
  const [alice, bob] = [new Person(world), new Person(world)]
  const missed = [alice.write(bob, 'one', { bundle: bob.bundle() }), alice.write(bob, 'two')]
  const hashes = missed.map((envelope) => envelopeHash(sodium, envelope))
  const make = (envelopes: readonly Uint8Array[], sessionTag?: Uint8Array) => {
    const nonce = world.random(16)
    const envelope = createRetryRequest({ provider: sodium, random: () => nonce }, { local: bob.local(), peer: alice, envelopes, sessionTag, time: START })
    return { time: START, nonce: hex(nonce), session: sessionTag ? hex(sessionTag) : '', hashes: envelopes.map(hex), envelope: hex(envelope) }
  }
  const requests = [make(hashes, sessionTagOf(missed[1]!)), make(hashes.slice(0, 1))]
  return {
    file: {
      description: 'docs/protocol/14-healing.md: bob asks alice for what he could not read',
      requester: { account: bob.accountId, device: 1, dsk: hex(bob.keys.signing.publicKey), dskSecret: hex(bob.keys.signing.secretKey.expose()) },
      peer: { account: alice.accountId, device: 1 },
      missed: missed.map((envelope, i) => ({ envelope: hex(envelope), hash: hex(hashes[i]!) })),
      requests,
    },
    alice,
    bob,
  }
}

test('vectors: retry requests are made and read as in docs/protocol/vectors/retry.json, by every provider', () => {
  const { file, alice, bob } = vectors()
  if (process.env['SECURECHAT_WRITE_VECTORS'] === '1') {
    mkdirSync(dirname(FILE), { recursive: true })
    writeFileSync(FILE, `${JSON.stringify(file, null, 2)}\n`)
  }
  const stored = JSON.parse(readFileSync(FILE, 'utf8')) as typeof file
  expect(JSON.parse(JSON.stringify(file))).toEqual(stored)
  for (const provider of providers) {
    for (const { envelope, hash } of stored.missed) expect(hex(envelopeHash(provider, Buffer.from(envelope, 'hex')))).toBe(hash)
    for (const { envelope, time, nonce, session, hashes } of stored.requests) {
      const bytes = new Uint8Array(Buffer.from(envelope, 'hex'))
      const read = verifyRetryRequest(provider, { local: alice, remote: bob.remote(), envelope: bytes })
      expect([read.time, hex(read.nonce), read.sessionTag ? hex(read.sessionTag) : '', read.envelopes.map(hex)]).toEqual([time, nonce, session, hashes])
      bytes[20]! ^= 1
      expect(codeOf(() => verifyRetryRequest(provider, { local: alice, remote: bob.remote(), envelope: bytes }))).toBe('crypto/invalid-signature')
    }
  }
})
