import * as distribution from '../contenders/distribution.mjs'
import * as groups from '../contenders/groups.mjs'
import * as tsMls from '../contenders/ts-mls.mjs'
import { expectSame, timed } from '../rounds.mjs'

/** `count` different texts of 256 ASCII bytes. */
const texts = (count) => Array.from({ length: count }, (_, i) => String(i).padStart(8, '0').repeat(32))

/** Promises are awaited at each message, plain values are not. */
async function each(items, work) {
  const results = new Array(items.length)
  for (let i = 0; i < items.length; i++) {
    const result = work(items[i])
    results[i] = result instanceof Promise ? await result : result
  }
  return results
}

/** One member writes the batch, another one reads it. */
const messages = (make) => async () => {
  const { encrypt, decrypt, text, end } = await make()
  return {
    async run(n) {
      const plain = texts(n)
      const input = text ? plain : plain.map((value) => new Uint8Array(Buffer.from(value)))
      let wire
      let output
      const times = {
        'group, encrypt': await timed(async () => {
          wire = await each(input, encrypt)
        }),
        'group, decrypt': await timed(async () => {
          output = await each(wire, decrypt)
        }),
      }
      for (let i = 0; i < n; i++) expectSame(text ? Buffer.from(output[i]) : output[i], Buffer.from(plain[i]))
      return times
    },
    ...(end && { end }),
  }
}

/** The others of a group of 1,000. */
const MEMBERS = 999
const FEWER = 100

/** One key for all members is one run; fewer members are counted up, so that all times are of one unit, a member. */
const sharing =
  (make, members = MEMBERS) =>
  async () => {
    const share = await make(members)
    return {
      async run(n) {
        return { 'sender key, send': ((await share()) * n) / members }
      },
    }
  }

export default [
  {
    name: 'group',
    title: '256-byte messages to a group',
    note: 'Sender keys; olm: Megolm; ts-mls: application messages of a group of two, X25519 and AES-128-GCM. SecureChat makes a new chain every 500 messages, which is part of its time; the others go on with one.',
    unit: 'message',
    contenders: {
      SecureChat: messages(() => groups.ours()),
      'SecureChat, node': messages(() => groups.ours('node')),
      'libsignal-client': messages(groups.libsignal),
      olm: messages(groups.megolm),
      'ts-mls': messages(tsMls.pair),
    },
    goals: {
      'group, encrypt': { SecureChat: { 'libsignal-client': 1.1, olm: 1, 'ts-mls': 15 } },
      'group, decrypt': { SecureChat: { 'libsignal-client': 0.6, olm: 1.1, 'ts-mls': 4 } },
    },
  },
  {
    name: 'group-distribution',
    title: 'A new sender key to all others of a group of 1,000, whose sessions exist',
    note: `Until it can be handed to the network; each member's reading of it is checked but not timed. matrix-sdk shares a room key with ${FEWER} members and ts-mls forms a group of ${FEWER} (one commit with a welcome; no session is used), since more would take most of the run: their time per member is of ${FEWER}. olm and libsignal-client: sessions without a post-quantum ratchet of ours, with one of libsignal's.`,
    unit: 'member',
    batch: MEMBERS,
    contenders: {
      SecureChat: sharing(distribution.ours),
      'libsignal-client': sharing(distribution.libsignal),
      olm: sharing(distribution.megolm),
      'matrix-sdk': sharing(distribution.matrixSdk, FEWER),
      'ts-mls': sharing(distribution.mls, FEWER),
    },
    goals: { 'sender key, send': { SecureChat: { 'libsignal-client': 6 } } },
  },
]
