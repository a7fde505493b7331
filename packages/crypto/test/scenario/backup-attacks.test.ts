import type { DeviceId } from '@securechat/protocol'
import { type AccountId, idFromBytes, LABELS, SUITE, T, u8 } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { openContainer } from '../../src/backup/container.js'
import { startBackup } from '../../src/backup/index.js'
import {
  type CryptoProvider,
  decodeAccountKeys,
  encodeAccountKeys,
  expand,
  generateAccountKeys,
  generateDeviceKeys,
  generatePreKeys,
  Secret,
} from '../../src/index.js'
import { BackupServer, open, record, restoreAll } from '../support/backups.js'
import { codeOf } from '../support/codes.js'
import { bytesOf, NOTHING, START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'
import { twoKeyCiphertext } from '../support/two-keys.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Writes down each (key, nonce) that encrypts, with what it encrypts. */
function ledger(): { provider: CryptoProvider; uses: Map<string, Set<string>> } {
  const uses = new Map<string, Set<string>>()
  const provider: CryptoProvider = {
    ...sodium,
    aeadSeal(key, nonce, message) {
      const use = `${hex(key)} ${hex(nonce)}`
      uses.set(use, (uses.get(use) ?? new Set()).add(hex(message.data)))
      return sodium.aeadSeal(key, nonce, message)
    },
  }
  return { provider, uses }
}

test('attack 45: a backup restored twice, even by clones with one random state, uses no key twice', async () => {
  const { provider, uses } = ledger()
  const accountId = idFromBytes<AccountId>(new Uint8Array(16).fill(1))
  const backupKey = new Secret(new Uint8Array(32).fill(2))
  const server = new BackupServer()
  const first = { provider, random: seededRandom(1), now: START }
  const account = generateAccountKeys(first)
  const aik = { name: bytesOf('aik'), value: encodeAccountKeys(account) }
  let state = server.add(first, backupKey, { state: startBackup(first, accountId), kind: 'account', records: [aik] })
  state = server.add(first, backupKey, { state, kind: 'messages', records: [record('1', 'hello')] })
  state = server.seal(first, backupKey, state).state

  const everything: string[] = []
  const restoreOn = async (seed: number, text: string) => {
    const deps = { provider, random: seededRandom(seed), now: START }
    const opened = open(deps, { backupKey, accountId, bytes: server.manifest })
    everything.push(...(await restoreAll(deps, { backupKey, opened, server })))
    const deviceKeys = generateDeviceKeys(deps)
    const preKeys = generatePreKeys(deps, { accountId, deviceId: 2 as DeviceId, deviceKeys, firstKeyId: 1, count: 2 })
    const own = new BackupServer()
    const next = own.add(deps, backupKey, { state: startBackup(deps, accountId, opened), kind: 'messages', records: [record('2', text)] })
    return { ids: [deviceKeys.signing, deviceKeys.identity].map(({ publicKey }) => hex(publicKey)), preKeys, own, sealed: own.seal(deps, backupKey, next) }
  }
  // Two devices, and two clones of one machine that draw the very same random bytes.
  const restores = [await restoreOn(2, 'from one'), await restoreOn(3, 'from two'), await restoreOn(4, 'clone one'), await restoreOn(4, 'clone two')]

  expect(uses.size).toBe(3 + 2 * restores.length)
  for (const plaintexts of uses.values()) expect(plaintexts.size).toBe(1)
  // The device that was lost goes on as well, and so does a device whose store was rolled back: the number is the same, the key is not.
  const lost = new BackupServer()
  for (const text of ['one', 'two']) lost.add({ ...first, random: seededRandom(9) }, backupKey, { state, kind: 'messages', records: [record('3', text)] })
  expect(uses.size).toBe(5 + 2 * restores.length)
  for (const plaintexts of uses.values()) expect(plaintexts.size).toBe(1)

  // What a restored device signs and agrees with is its own: nothing of a session, a prekey or a device came out of the backup.
  expect(everything.filter((line) => !/^(account aik|messages 1)=/.test(line))).toEqual([])
  expect(new Set([...restores.slice(0, 3).flatMap(({ ids }) => ids)]).size).toBe(6)
  expect(decodeAccountKeys(aik.value).publicKey).toEqual(account.publicKey)
})

test('attack 29: a backup container that the cipher opens under two keys is opened under the committed one only', () => {
  const accountId = idFromBytes<AccountId>(new Uint8Array(16).fill(5))
  const [backupId, salt, number, kind] = [new Uint8Array(16).fill(6), new Uint8Array(32).fill(7), 3, 6]
  const head = Uint8Array.from([1, SUITE, kind, ...backupId, 0, 0, 0, 0, 0, 0, 0, number])
  const keys = [new Uint8Array(32).fill(8), new Uint8Array(32).fill(9)].map((bytes) => ({ accountId, backupKey: new Secret(bytes) }))
  const [one, two] = keys.map(({ backupKey }) => {
    const root = expand(sodium, backupKey.expose(), T(LABELS.backup, u8(SUITE), new Uint8Array(16).fill(5), backupId), 32)
    const out = expand(sodium, root, T(LABELS.backupSegment, head, salt), 88)
    return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
  }) as [{ key: Uint8Array; nonce: Uint8Array; commitment: Uint8Array }, { key: Uint8Array; nonce: Uint8Array; commitment: Uint8Array }]
  const ciphertext = twoKeyCiphertext([one, two], NOTHING)
  const texts = [one, two].map(({ key, nonce }) => sodium.aeadOpen(key, nonce, { data: ciphertext, associatedData: NOTHING }))
  expect(texts[0]).not.toEqual(texts[1])

  const bytes = Uint8Array.from([...head, ...salt, ...one.commitment, ...ciphertext])
  const openUnder = (which: number) => openContainer(sodium, keys[which] as (typeof keys)[number], { kind, backupId, number, bytes })
  expect(openUnder(0)).toEqual(texts[0])
  expect(codeOf(() => openUnder(1))).toBe('crypto/authentication-failed')
})
