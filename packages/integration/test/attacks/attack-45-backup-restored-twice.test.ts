import { decodeDeviceKeys } from '@securechat/crypto'
import { type BackupRecord, openBackupManifest, openSegment } from '@securechat/crypto/backup'
import { deriveRecoveryKeys, parseRecoveryWords } from '@securechat/crypto/recovery'
import { sodiumProvider } from '@securechat/crypto/sodium'
import { decodeValue, type OperationInput, toBase64Url } from '@securechat/protocol'
import { readStored, type TestClient, type TestNetwork } from '@securechat/testing'
import { describe, expect, it } from 'vitest'
import { accountOf, closeNetworks, friends, messagesOf } from '../../src/attack-scene.js'
import { enableBackup, newPhone, restored } from '../../src/backup-scene.js'
import { sendLedger } from '../../src/send-ledger.js'

closeNetworks()

type Put = OperationInput<'backups.putSegment'> & { readonly client: string }

/** Every segment that is put from now on. */
function watchSegments(net: TestNetwork): Put[] {
  const puts: Put[] = []
  net.malicious.on('backups.putSegment', ({ client, input, forward }) => {
    puts.push({ ...input, client })
    return forward()
  })
  return puts
}

/** Everything that lies on the server, opened as who has the words opens it. */
async function openArchive(net: TestNetwork, client: TestClient, words: readonly string[]): Promise<{ kind: string; record: BackupRecord }[]> {
  const provider = await sodiumProvider()
  const { backupKey } = deriveRecoveryKeys(provider, parseRecoveryWords(words.join(' ')))
  const keys = { backupKey, accountId: await accountOf(client) }
  const stored = await net.store.backupManifest(keys.accountId)
  const { entries } = openBackupManifest(provider, { ...keys, bytes: stored!.bytes })
  const records: { kind: string; record: BackupRecord }[] = []
  for (const entry of entries) {
    const bytes = await net.store.segment({ accountId: keys.accountId, archiveId: entry.backupId, number: entry.number, transfer: false })
    for (const record of openSegment(provider, { ...keys, entry, bytes: bytes! })) records.push({ kind: entry.kind, record })
  }
  return records
}

describe('attack 45: a backup is restored twice', () => {
  it('attack 45: two devices from one backup share no key: not of devices, not of messages, not of the backups that they make', {
    timeout: 180_000,
  }, async () => {
    const { net, alice, bob, toAlice } = await friends()
    await toAlice.send('before')
    await net.settle()
    const puts = watchSegments(net)
    const words = await enableBackup(net, alice)
    const manifest = await net.store.backupManifest(await accountOf(alice))
    const phones: TestClient[] = []
    const first = [...puts]
    // Both are shown the very same backup, as a server can that keeps everything.
    net.malicious.on('backups.segment', ({ input, forward }) => {
      const kept = first.find(({ backupId, number }) => number === input.number && toBase64Url(backupId) === toBase64Url(input.backupId))
      return kept ? { segment: kept.segment } : forward()
    })
    net.malicious.on('backups.manifest', async ({ forward }) => ({ ...(await forward()), manifest: manifest! }))
    for (let i = 0; i < 2; i++) {
      const phone = await newPhone(net, phones.at(-1) ?? alice, words, { name: `Phone ${i}` })
      await restored(net, phone, words)
      const chat = (await phone.conversations.get((await phone.conversations.list())[0]!.id))!
      await chat.send(`from phone ${i}`)
      await net.settle()
      await net.drive(phone.backups.run().catch(() => undefined))
      phones.push(phone)
    }
    const stores = await Promise.all([alice, ...phones].map(({ disk }) => readStored(disk)))
    const signing = stores.map((rows) => toBase64Url(decodeDeviceKeys(rows.get('keys/device')!).signing.publicKey))
    expect(new Set(signing).size).toBe(3)
    const privateRows = stores.map((rows) => [...rows].flatMap(([key, value]) => (/^(session|prekey)\//.test(key) ? [toBase64Url(value)] : [])))
    expect(privateRows.every((rows) => rows.length > 0)).toBe(true)
    expect(new Set(privateRows.flat()).size).toBe(privateRows.flat().length)
    expect(sendLedger(net.malicious.sends)).toMatchObject({ reused: [], changed: [] })

    const writers = new Map<string, Set<string>>()
    for (const { backupId, client } of puts) writers.set(toBase64Url(backupId), (writers.get(toBase64Url(backupId)) ?? new Set()).add(client))
    expect([...writers.values()].map(({ size }) => size)).toEqual([...writers.values()].map(() => 1))
    expect([...new Set([...writers.values()].flatMap((clients) => [...clients]))]).toEqual(['Alice', 'Phone 0', 'Phone 1'])
    const salts = puts.map(({ segment }) => toBase64Url(segment.subarray(27, 59)))
    expect(new Set(salts).size).toBe(new Set(puts.map(({ segment }) => toBase64Url(segment))).size)
    expect((await messagesOf(bob)).map(({ text }) => text)).toEqual(expect.arrayContaining(['from phone 0', 'from phone 1']))
  })

  it('attack 45: an archive has no record of what lives on one device alone, and no field that a record may not have', async () => {
    const { net, alice, bob, toAlice } = await friends()
    const toBob = await net.drive(alice.conversations.direct({ accountId: await accountOf(bob) }))
    await toAlice.send('to be archived')
    await net.settle()
    await toBob.react((await messagesOf(alice)).at(-1)!.id, '👍')
    await net.settle()
    await alice.close()
    const again = await net.client('Alice', { disk: alice.disk, phone: alice.phone })
    const words = await enableBackup(net, again)
    const records = await openArchive(net, again, words)
    const fields: Record<string, Set<string>> = {}
    for (const { kind, record } of records) {
      const seen = fields[kind] ?? new Set()
      for (const field of Object.keys(decodeValue(record.value!, 1e6) as object)) seen.add(field)
      fields[kind] = seen
    }
    const allowed: Record<string, readonly string[]> = {
      account: ['v', 'accountId', 'phone', 'accountKeys', 'key', 'version', 'name', 'avatar'],
      manifests: ['v', 'pin', 'candidate'],
      contacts: ['v', 'accountId', 'phone', 'relation', 'relationBefore', 'identityChanged', 'verifiedKey', 'profileKey', 'profile'],
      conversations: ['v', 'id', 'peer', 'updatedAt', 'nextOrder', 'readOrder', 'draft', 'muted', 'pinned', 'archived'],
      messages: ['v', 'id', 'conversation', 'sender', 'kind', 'text', 'sentAt', 'order', 'status', 'edited', 'replyTo', 'reactions', 'body', 'unread'],
    }
    expect(Object.keys(fields).sort()).toEqual(Object.keys(allowed).sort())
    for (const [kind, names] of Object.entries(fields)) expect([...names].filter((name) => !allowed[kind]!.includes(name))).toEqual([])
    const rows = await readStored(again.disk)
    const archived = records.map(({ record }) => Buffer.from(record.value!))
    const { signing, identity } = decodeDeviceKeys(rows.get('keys/device')!)
    const secrets = [signing.secretKey.expose().subarray(0, 32), identity.secretKey.expose(), rows.get('tokens')!, rows.get('keys/device')!]
    for (const [key, value] of rows) if (/^(session|prekey|outbox|wanted|sent)\//.test(key)) secrets.push(value)
    for (const secret of secrets) expect(archived.some((value) => value.includes(Buffer.from(secret)))).toBe(false)
    expect(archived.some((value) => value.includes('to be archived'))).toBe(true)
    // Neither the words nor what they are made of is anywhere on the device.
    const kept = [...rows.values()].map((value) => Buffer.from(value))
    expect(kept.some((value) => value.includes(Buffer.from(parseRecoveryWords(words.join(' ')).expose())))).toBe(false)
  })
})
