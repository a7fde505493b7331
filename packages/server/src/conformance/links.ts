import { type ConformanceCase, expectEqual, expectThat, type StoreContext } from './case.js'
import { device, manifestAfter, NOW, newAccount, newSession, preKeys, UNLOCKED, uniqueBytes, uniqueId } from './fixtures.js'

const MINUTES = 60_000
const place = () => ({ linkId: uniqueId(), kemKey: uniqueBytes(1184), now: NOW, expiresAt: NOW + 10 * MINUTES })

export const linkCases: readonly ConformanceCase<StoreContext>[] = [
  {
    name: 'links: a place keeps its key, and each part that is put there once',
    async run({ open }) {
      const store = await open()
      const opened = place()
      const { linkId, kemKey, expiresAt } = opened
      expectEqual(await store.link(linkId, NOW), undefined, 'before it is opened')
      expectEqual(await store.openLink(opened), true, 'opening')
      expectEqual(await store.openLink({ ...opened, expiresAt: expiresAt + MINUTES }), true, 'opening again')
      expectEqual(await store.openLink({ ...opened, kemKey: uniqueBytes(1184) }), false, 'opening with another key')
      expectEqual(await store.link(linkId, NOW), { kemKey, expiresAt }, 'the place')
      const parts = { answer: uniqueBytes(2_000), confirmation: uniqueBytes(98), manifest: uniqueBytes(500), handover: uniqueBytes(900) }
      for (const part of ['answer', 'confirmation', 'manifest', 'handover'] as const) {
        expectEqual(await store.putLinkPart({ linkId, part, bytes: parts[part], now: NOW }), 'stored', part)
        expectEqual(await store.putLinkPart({ linkId, part, bytes: parts[part], now: NOW }), 'stored', `${part} again`)
        expectEqual(await store.putLinkPart({ linkId, part, bytes: uniqueBytes(98), now: NOW }), 'conflict', `another ${part}`)
      }
      expectEqual(await store.link(linkId, NOW), { kemKey, expiresAt, ...parts }, 'all parts')
      expectEqual(await store.putLinkPart({ linkId: uniqueId(), part: 'answer', bytes: parts.answer, now: NOW }), 'absent', 'an unknown place')
    },
  },
  {
    name: 'links: a place ends with its time, and can be opened anew',
    async run({ open }) {
      const store = await open()
      const opened = place()
      const { linkId, expiresAt } = opened
      await store.openLink(opened)
      await store.putLinkPart({ linkId, part: 'answer', bytes: uniqueBytes(50), now: NOW })
      expectThat((await store.link(linkId, expiresAt - 1)) !== undefined, 'it is there to the end')
      expectEqual(await store.link(linkId, expiresAt), undefined, 'after its time')
      expectEqual(await store.putLinkPart({ linkId, part: 'confirmation', bytes: uniqueBytes(98), now: expiresAt }), 'absent', 'a part after its time')
      const again = { ...opened, kemKey: uniqueBytes(1184), now: expiresAt, expiresAt: expiresAt + MINUTES }
      expectEqual(await store.openLink(again), true, 'opening anew')
      expectEqual(await store.link(linkId, expiresAt), { kemKey: again.kemKey, expiresAt: again.expiresAt }, 'nothing of the old one')
      while ((await store.sweep({ now: again.expiresAt, mailboxBefore: 0, limit: 100 })) > 0);
      expectEqual(await store.link(linkId, expiresAt), undefined, 'swept')
    },
  },
  {
    name: 'links: of 20 parallel answers one is kept',
    async run({ open }) {
      const store = await open()
      const opened = place()
      await store.openLink(opened)
      const answers = Array.from({ length: 20 }, () => uniqueBytes(100))
      const outcomes = await Promise.all(answers.map((bytes) => store.putLinkPart({ linkId: opened.linkId, part: 'answer', bytes, now: NOW })))
      expectEqual(outcomes.filter((outcome) => outcome === 'stored').length, 1, 'stored answers')
      expectEqual((await store.link(opened.linkId, NOW))?.answer, answers[outcomes.indexOf('stored')], 'the answer that was stored')
    },
  },
  {
    name: 'invitations: the invited device registers with the stored manifest, and nothing else does',
    async run({ open }) {
      const store = await open()
      const { accountId, manifest, device: first } = await newAccount(store)
      const registrationHash = uniqueBytes(32)
      const second = device(2)
      const invitation = { registrationHash, accountId, deviceId: second.deviceId, expiresAt: NOW + 10 * MINUTES }
      expectEqual(await store.invite({ ...invitation, accountId: uniqueId(), registrationHash: uniqueBytes(32) }), false, 'for an unknown account')
      expectEqual(await store.invite(invitation), true, 'an invitation')
      expectEqual((await store.findRegistration(registrationHash, NOW))?.deviceId, 2, 'whom it is for')
      expectEqual(await store.findRegistration(registrationHash, invitation.expiresAt), undefined, 'after its time')
      const next = manifestAfter(manifest, [first, second])
      const registration = {
        registrationHash,
        accountId,
        deviceId: second.deviceId,
        manifest: next,
        preKeys: preKeys([1]),
        replaceKeys: true,
        session: newSession(),
        now: NOW,
        ...UNLOCKED,
      }
      expectEqual(await store.register(registration), { kind: 'conflict' }, 'with a manifest of its own')
      expectEqual((await store.account(accountId))?.manifestVersion, 1, 'the manifest')
      await store.updateManifest({ accountId, manifest: next, now: NOW })
      const asFirst = { ...registration, deviceId: first.deviceId, session: newSession() }
      expectEqual(await store.register(asFirst), { kind: 'conflict' }, 'as another device')
      expectEqual(await store.register(registration), { kind: 'repeated', revokedDeviceIds: [] }, 'as invited')
      expectEqual(await store.preKeyCount(accountId, second.deviceId), { oneTime: 1, signedKeyId: 1_000_001, lastResortKeyId: 1_000_002 }, 'its prekeys')
      expectEqual((await store.session(registration.session.sessionId))?.deviceId, 2, 'its session')
    },
  },
]
