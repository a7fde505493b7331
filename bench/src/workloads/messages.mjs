import * as baileys from '../contenders/baileys.mjs'
import * as libsignal from '../contenders/libsignal.mjs'
import * as olm from '../contenders/olm.mjs'
import * as privacyresearch from '../contenders/privacyresearch.mjs'
import * as securechat from '../contenders/securechat.mjs'
import { expectSame, timed } from '../rounds.mjs'

const PEERS = {
  'libsignal-client': libsignal.pair,
  olm: olm.pair,
  'libsignal (Baileys)': baileys.pair,
  privacyresearch: privacyresearch.pair,
}
const OURS = {
  SecureChat: () => securechat.pair(),
  'SecureChat, node': () => securechat.pair('node'),
  'SecureChat, stored': () => securechat.storedPair(),
  'SecureChat, noble': () => securechat.pair('noble'),
}

/** `count` different texts of 256 ASCII bytes. */
const texts = (count) => Array.from({ length: count }, (_, i) => String(i).padStart(8, '0').repeat(32))

function check(actual, text, asText) {
  if (asText) {
    if (actual !== text) throw new Error('a plaintext came out changed')
  } else expectSame(new Uint8Array(actual), Buffer.from(text))
}

/** Peers whose functions answer with promises are awaited at each message, as an application must; others are not. */
async function each(items, work) {
  const results = new Array(items.length)
  for (let i = 0; i < items.length; i++) {
    const result = work(items[i])
    results[i] = result instanceof Promise ? await result : result
  }
  return results
}

/** One direction: the batch is encrypted, then decrypted. */
const oneWay = (make) => async () => {
  const { alice, bob, text } = await make()
  return {
    async run(n) {
      const plain = texts(n)
      const input = text ? plain : plain.map((value) => new Uint8Array(Buffer.from(value)))
      let wire
      let output
      const encrypt = await timed(async () => {
        wire = await each(input, alice.encrypt)
      })
      const decrypt = await timed(async () => {
        output = await each(wire, bob.decrypt)
      })
      for (let i = 0; i < n; i++) check(output[i], plain[i], text)
      return { encrypt, decrypt }
    },
  }
}

/** Every message turns the DH ratchet; one unit is a message there and its answer. */
const pingPong = (make) => async () => {
  const { alice, bob, text } = await make()
  return {
    async run(n) {
      const plain = texts(n)
      const input = text ? plain : plain.map((value) => new Uint8Array(Buffer.from(value)))
      const output = []
      const pingPong = await timed(async () => {
        for (const value of input) {
          output.push(await bob.decrypt(await alice.encrypt(value)))
          output.push(await alice.decrypt(await bob.encrypt(value)))
        }
      })
      for (let i = 0; i < n * 2; i++) check(output[i], plain[i >> 1], text)
      return { 'ping-pong': pingPong }
    },
  }
}

/** 1,000 messages that arrive in reverse order: the whole batch is one unit of 1,000. */
const reversed = (make) => async () => {
  const { alice, bob, text } = await make()
  return {
    async run(n) {
      const plain = texts(n)
      const input = text ? plain : plain.map((value) => new Uint8Array(Buffer.from(value)))
      const wire = (await each(input, alice.encrypt)).reverse()
      let output
      const reverse = await timed(async () => {
        output = await each(wire, bob.decrypt)
      })
      for (let i = 0; i < n; i++) check(output[i], plain[n - 1 - i], text)
      return { 'reverse order': reverse }
    },
  }
}

const wrap = (shape, makers) => Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, shape(make)]))
const without = (makers, ...names) => Object.fromEntries(Object.entries(makers).filter(([name]) => !names.includes(name)))

export default [
  {
    name: 'messages',
    title: '256-byte messages in one direction',
    unit: 'message',
    contenders: wrap(oneWay, { ...OURS, ...PEERS }),
    goals: {
      encrypt: { SecureChat: { 'libsignal-client': 6, olm: 2 } },
      decrypt: { SecureChat: { 'libsignal-client': 4, olm: 1.7 } },
    },
  },
  {
    name: 'ping-pong',
    title: 'Ping-pong: every message turns the DH ratchet',
    unit: 'message and answer',
    contenders: wrap(pingPong, { ...OURS, ...PEERS }),
    goals: { 'ping-pong': { SecureChat: { 'libsignal-client': 1, olm: 1.8 }, 'SecureChat, node': { 'libsignal-client': 1.4 } } },
  },
  {
    name: 'reverse',
    title: '1,000 messages received in reverse order',
    note: 'olm refuses: it keeps 40 skipped keys.',
    unit: 'message',
    batch: 1000,
    contenders: wrap(reversed, without({ ...OURS, ...PEERS }, 'olm', 'SecureChat, noble', 'SecureChat, stored')),
    goals: { 'reverse order': { SecureChat: { 'libsignal-client': 12 } } },
  },
]
