import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { generateAgreementKeys } from '../../src/identity/keys.js'
import type { CryptoProvider } from '../../src/index.js'
import { PQ_PARAMETERS } from '../../src/pq/parameters.js'
import { takeChunk } from '../../src/pq/receive.js'
import { receiveStep } from '../../src/ratchet/receive.js'
import { sendStep } from '../../src/ratchet/send.js'
import { startInitiator, startResponder } from '../../src/ratchet/start.js'
import type { RatchetState } from '../../src/ratchet/state.js'
import { Secret } from '../../src/secret.js'
import { plaintextLength, writePlaintext } from '../../src/session/plaintext.js'
import { bytesOf, DAY, NOTHING, START } from '../support/people.js'
import { mixedBy } from '../support/pq.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

/**
 * docs/protocol/vectors/pq-ratchet.json: a ratchet from its root key to the second epoch, one message a turn, with every random draw in the
 * order in which it is made. SECURECHAT_WRITE_VECTORS=1 writes the file anew.
 */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/pq-ratchet.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

interface MessageVector {
  readonly from: 'initiator' | 'responder'
  readonly time: number
  readonly draws: string[]
  readonly ratchetKey: string
  readonly previousChainLength: number
  readonly counter: number
  readonly pqEpoch?: number
  readonly messageKey: string
  readonly chunk?: string
  readonly rootKeyAfter: string
}

function conversation(provider: CryptoProvider) {
  const source = seededRandom(70)
  let draws: string[] = []
  const random = (length: number): Uint8Array => {
    const bytes = source(length)
    draws.push(hex(bytes))
    return bytes
  }
  let now = START
  const deps = () => ({ provider, random, now })
  const [th, rootKey] = [source(64), source(32)]
  const signedPreKey = generateAgreementKeys(deps())
  const start = { th: hex(th), rootKey: hex(rootKey), signedPreKeySecret: draws.pop(), time: now }
  const keys = { th, rootKey: new Secret(rootKey) }
  const sides: Record<MessageVector['from'], RatchetState> = {
    initiator: startInitiator(deps(), { ...keys, signedPreKey: signedPreKey.publicKey }),
    responder: startResponder(now, { ...keys, signedPreKey }),
  }
  const initiatorDraws = draws
  const messages: MessageVector[] = []
  const secrets: Record<MessageVector['from'], string[]> = { initiator: [], responder: [] }
  now += DAY
  for (let from: MessageVector['from'] = 'initiator'; secrets.initiator.length + secrets.responder.length < 4; ) {
    const to: MessageVector['from'] = from === 'initiator' ? 'responder' : 'initiator'
    draws = []
    const sent = sendStep(deps(), sides[from])
    const mixedBySender = mixedBy(sides[from].pq, sent.state.pq)
    if (mixedBySender !== null) secrets[from].push(mixedBySender)
    messages.push({
      from,
      time: now,
      draws,
      ratchetKey: hex(sent.ratchetKey),
      previousChainLength: sent.previousChainLength,
      counter: sent.counter,
      ...(sent.pqEpoch > 0 && { pqEpoch: sent.pqEpoch }),
      messageKey: hex(sent.messageKey.expose()),
      ...(sent.chunk && { chunk: hex(sent.chunk) }),
      rootKeyAfter: hex(sent.state.rootKey.expose()),
    })
    const { state, result } = receiveStep(provider, sides[to], { ...sent, now, open: (messageKey) => hex(messageKey.expose()) })
    expect(result).toBe(hex(sent.messageKey.expose()))
    const mixedByReceiver = mixedBy(sides[to].pq, state.pq)
    if (mixedByReceiver !== null) {
      secrets[to].push(mixedByReceiver)
      now += DAY
    }
    sides[from] = sent.state
    sides[to] = sent.chunk ? takeChunk(provider, state, { chunk: sent.chunk, parameters: PQ_PARAMETERS }) : state
    from = to
  }
  expect(secrets.initiator).toEqual(secrets.responder)
  return {
    start: { ...start, initiatorDraws },
    drawOrder: 'ratchet key 32 in a DH step; then ML-KEM seed 64 or encapsulation 32',
    secrets: secrets.initiator,
    messages,
  }
}

function compute(provider: CryptoProvider) {
  const ratchet = conversation(provider)
  const chunk = new Uint8Array(Buffer.from(ratchet.messages.find((message) => message.chunk)?.chunk ?? '', 'hex'))
  const manifest = (version: number) => ({ version, hash: new Uint8Array(32).fill(version) })
  const plaintext = { common: bytesOf('hello'), perSession: NOTHING }
  const padded = new Uint8Array(plaintextLength(plaintext, chunk))
  writePlaintext(padded, 0, { plaintext, echo: { sender: manifest(1), recipient: manifest(2) }, chunk })
  return {
    suite: 1,
    ...ratchet,
    plaintext: { common: 'hello', senderVersion: 1, recipientVersion: 2, hashes: 'the version in every byte', chunk: hex(chunk), padded: hex(padded) },
  }
}

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces the published vectors of the post-quantum ratchet', (provider) => {
  expect(compute(provider)).toEqual(JSON.parse(readFileSync(FILE, 'utf8')))
})
