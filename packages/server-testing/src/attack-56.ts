import { randomBytes } from 'node:crypto'
import { encodeValue, OPERATIONS } from '@securechat/protocol'
import { expect } from 'vitest'
import { harness, newId, operationNames, sendTo } from './harness.js'
import type { Stage } from './stage.js'

const PHONE = '+14155550100'

/** Every operation of the table, called by a stranger with an account's objects, changes nothing of that account. */
export async function foreignObjects({ open }: Stage): Promise<void> {
  const store = await open()
  const net = harness({ store })
  const [alice, mallory] = [await net.user(PHONE), await net.user('+14155550109')]
  const now = net.clock.now()
  const a = await net.signedIn(alice)
  await net.http('account.setProfile', { version: 1, profile: new Uint8Array([1]) }, { user: alice })
  await net.http('mailbox.send', sendTo(alice), { user: alice })
  const archived = { backupId: randomBytes(16), number: 1 }
  const transferId = new Uint8Array(randomBytes(16))
  await net.http('backups.putSegment', { ...archived, segment: new Uint8Array(5) }, { user: alice })
  await net.http('backups.putManifest', { expected: 0, manifest: new Uint8Array(6) }, { user: alice })
  await net.http('history.open', { transferId }, { user: alice })
  await net.http('history.put', { transferId, number: 1, segment: new Uint8Array(7) }, { user: alice })
  const state = async () => ({
    account: await store.account(alice.accountId),
    device: await store.device(alice.accountId, alice.device.deviceId),
    profile: await store.profile(alice.accountId),
    preKeys: await store.preKeyCount(alice.accountId, alice.device.deviceId),
    rows: await store.readMailbox({ accountId: alice.accountId, deviceId: alice.device.deviceId, after: 0, limit: 10, maxBytes: 1e6 }),
    manifests: await store.manifests({ accountId: alice.accountId, after: 0, limit: 10 }),
    backup: await store.backupManifest(alice.accountId),
    segments: await store.segments({ accountId: alice.accountId, limit: 10 }),
    usage: await store.archiveUsage(alice.accountId),
    part: await store.segment({ accountId: alice.accountId, archiveId: transferId, number: 1, transfer: true }),
  })
  const before = await state()
  const theirs = { accountId: alice.accountId, deviceId: alice.device.deviceId }
  const next = alice.device.manifest(now, { previous: alice.manifest }).bytes
  const preKeys = alice.device.preKeys(now)
  const linkId = newId()
  await net.http('links.open', { linkId, kemKey: new Uint8Array(1184) })
  await net.http('links.answer', { linkId, answer: new Uint8Array(9) }, { user: alice })
  await net.http('links.confirm', { linkId, confirmation: new Uint8Array(98) })
  await net.http('links.handover', { linkId, handover: new Uint8Array(9) }, { user: alice })
  const { loginId } = (await net.http('auth.requestCode', { phone: '+14155550108' })).body
  const { registrationToken } = await net.login('+14155550107')
  /**
   * One for every operation, or this does not compile: what a stranger would send, and what must come back. `ok` is for what is public by design, or
   * acts on the caller whatever is named; `alice`'s state is compared in any case.
   */
  const attacks: Record<keyof typeof OPERATIONS, { input: object; code: string; as?: 'nobody' | 'registration' }> = {
    'server.capabilities': { input: theirs, code: 'ok' },
    'auth.requestCode': { input: { phone: '+14155550106', ...theirs }, code: 'ok', as: 'nobody' },
    'auth.confirmCode': { input: { loginId, code: '0000', ...theirs }, code: 'auth/code-wrong', as: 'nobody' },
    // Mallory's own number has no lock, and Alice's is not asked for with Mallory's token.
    'auth.unlockRegistration': { input: { ...theirs, key: new Uint8Array(32) }, code: 'auth/code-expired', as: 'registration' },
    'auth.refresh': {
      input: { refreshToken: alice.refreshToken, ...mallory.device.refreshProof(alice.refreshToken, now) },
      code: 'auth/invalid-proof',
      as: 'nobody',
    },
    'auth.logout': { input: theirs, code: 'ok' },
    'account.register': {
      input: { manifest: alice.manifest.bytes, ...theirs, preKeys, replaceKeys: true },
      code: 'devices/invalid-manifest',
      as: 'registration',
    },
    'account.lookup': { input: { phone: PHONE }, code: 'ok' },
    'account.setProfile': { input: { ...theirs, version: 9, profile: new Uint8Array([9]) }, code: 'ok' },
    'account.profile': { input: theirs, code: 'ok' },
    'account.setRegistrationLock': { input: { ...theirs, lock: null }, code: 'ok' },
    'account.registrationLock': { input: theirs, code: 'ok' },
    'account.delete': { input: theirs, code: 'request/not-found' },
    'devices.manifest': { input: theirs, code: 'ok' },
    'devices.updateManifest': { input: { ...theirs, manifest: next }, code: 'devices/invalid-manifest' },
    // An invitation is to the caller's own account, whatever is named.
    'devices.invite': { input: theirs, code: 'ok' },
    // The caller's own, whatever is named.
    'devices.renewLease': { input: { ...theirs, next: new Uint8Array(16) }, code: 'ok' },
    'devices.seen': { input: theirs, code: 'ok' },
    'links.open': { input: { linkId, kemKey: new Uint8Array(1184).fill(9) }, code: 'request/conflict', as: 'nobody' },
    // Whoever knows a place's name has seen the code.
    'links.read': { input: { linkId: newId() }, code: 'devices/link-expired', as: 'nobody' },
    'links.answer': { input: { linkId, answer: new Uint8Array(10) }, code: 'request/conflict' },
    'links.confirm': { input: { linkId, confirmation: new Uint8Array(98).fill(1) }, code: 'request/conflict', as: 'nobody' },
    'links.finish': { input: { linkId, manifest: alice.manifest.bytes }, code: 'request/conflict' },
    'links.handover': { input: { linkId, handover: new Uint8Array(10) }, code: 'request/conflict' },
    // All of an archive's operations are about the caller's own account: her names there are free.
    'backups.manifest': { input: theirs, code: 'ok' },
    'backups.putManifest': { input: { ...theirs, expected: 0, manifest: new Uint8Array(9) }, code: 'ok' },
    'backups.putSegment': { input: { ...theirs, ...archived, segment: new Uint8Array(8) }, code: 'ok' },
    'backups.segment': { input: { ...theirs, ...archived }, code: 'ok' },
    'backups.segments': { input: { ...theirs, limit: 10 }, code: 'ok' },
    'backups.deleteSegments': { input: { ...theirs, segments: [archived] }, code: 'ok' },
    'backups.erase': { input: theirs, code: 'ok' },
    'history.open': { input: { ...theirs, transferId: new Uint8Array(16).fill(7) }, code: 'ok' },
    'history.put': { input: { ...theirs, transferId, number: 1, segment: new Uint8Array(8) }, code: 'request/not-found' },
    'history.read': { input: { ...theirs, transferId, number: 1 }, code: 'request/not-found' },
    'history.close': { input: { ...theirs, transferId }, code: 'ok' },
    'prekeys.publish': { input: { ...theirs, ...preKeys }, code: 'prekeys/invalid-bundle' },
    'prekeys.count': { input: theirs, code: 'ok' },
    // Handing out a one-time key is what it is for: counted apart below.
    'prekeys.fetch': { input: { accountId: newId(), deviceIds: [1] }, code: 'ok' },
    'mailbox.send': { input: { ...sendTo(mallory), ...theirs }, code: 'ok' },
    'mailbox.fetch': { input: { ...theirs, after: 0 }, code: 'ok' },
    'mailbox.acknowledge': { input: { ...theirs, upTo: Number.MAX_SAFE_INTEGER }, code: 'ok' },
  }
  // Logging out comes last, since nothing can be called after it.
  const order: (typeof operationNames)[number][] = [...operationNames.filter((name) => name !== 'auth.logout'), 'auth.logout']
  for (const name of order) {
    const { input, code, as } = attacks[name]
    const credentials = as === 'nobody' ? {} : as === 'registration' ? { registrationToken } : { user: mallory }
    const { body } = await net.http(name, input, credentials)
    expect(body.error?.code ?? 'ok', name).toBe(code)
    if (name === 'mailbox.fetch') expect(body.rows.every((row: { sender: { accountId: string } }) => row.sender.accountId === mallory.accountId)).toBe(true)
    if (name === 'backups.segment') expect(body.segment).toEqual(new Uint8Array(8))
    if (name === 'prekeys.count') expect(body.oneTime).toBe(3)
    expect(await state(), name).toEqual(before)
    if (OPERATIONS[name].auth === 'device') expect((await net.http(name, input)).body.error.code, name).toBe('auth/required')
    const signed = encodeValue(input)
    // Another device's proof over the same bytes: Mallory's token is in it, her key is not.
    if (OPERATIONS[name].auth === 'device' && name !== 'auth.logout') {
      const proof = alice.device.requestProof(name, signed, { accessToken: mallory.accessToken, time: now })
      expect((await net.http(name, input, { user: mallory, headers: { 'sc-proof': proof } })).body.error?.code, name).toBe('auth/invalid-proof')
    }
  }
  expect(a.closed).toBeUndefined()
  expect((await net.http('prekeys.count', {}, { user: alice })).body.oneTime).toBe(3)
}
