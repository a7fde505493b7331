import { type Bus, type CodeTry, inProcessBus, memoryStore, type ServerStore } from '@securechat/server'
import { busSuite, storeSuite } from '@securechat/server/conformance'
import { describe, expect, test } from 'vitest'

/** Each breaks one promise of the port; the suite must notice, by the named case. */
const mutants: readonly [what: string, caught: RegExp, (store: ServerStore) => Partial<ServerStore>][] = [
  [
    'tries counted after an await',
    /50 parallel guesses/,
    (store) => {
      const used = new Map<string, number>()
      const known = new Map<string, CodeTry>()
      return {
        async tryCode(attempt) {
          const first = known.get(attempt.loginId) ?? (await store.tryCode(attempt))
          known.set(attempt.loginId, first)
          const before = used.get(attempt.loginId) ?? 0
          await Promise.resolve()
          if (first.state !== 'counted' || before >= attempt.maxTries) return { state: 'exhausted' }
          used.set(attempt.loginId, before + 1)
          return { ...first, triesLeft: attempt.maxTries - before - 1 }
        },
      }
    },
  ],
  ['sendings not counted', /sendings/, (store) => ({ openLogin: (login, decide) => store.openLogin(login, () => decide([])) })],
  ['a login redeemed again and again', /redeemed once/, (store) => ({ redeemLogin: (redemption) => store.redeemLogin({ ...redemption, now: 0 }) })],
  [
    'expired registrations accepted',
    /expired token|redeemed once/,
    (store) => ({ register: (one) => store.register({ ...one, now: 0 }), findRegistration: (hash) => store.findRegistration(hash, 0) }),
  ],
  [
    'a registration lock that nobody looks at',
    /who has the code and not the PIN/,
    (store) => ({ register: (one) => store.register({ ...one, recovered: true }) }),
  ],
  ['a lock that never gives way', /idle for long/, (store) => ({ register: (one) => store.register({ ...one, lockedSince: 0 }) })],
  ['PIN tries that are not counted', /parallel tries over two/, (store) => ({ tryPin: (one) => store.tryPin({ ...one, maxTries: 1_000 }) })],
  ['PIN tries that never come back', /tries come back/, (store) => ({ tryPin: (one) => store.tryPin({ ...one, windowMs: 1e12 }) })],
  ['keys replaced without being asked', /wrong or expired token/, (store) => ({ register: (one) => store.register({ ...one, replaceKeys: true }) })],
  [
    'a manifest stored without comparing',
    /parallel successors|gaps/,
    (store) => ({
      async updateManifest(update) {
        const { manifestVersion = 0, manifestHash } = (await store.account(update.accountId)) ?? {}
        return store.updateManifest({ ...update, manifest: { ...update.manifest, version: manifestVersion + 1, prevHash: manifestHash ?? new Uint8Array(0) } })
      },
    }),
  ],
  [
    'dropped devices stay',
    /no longer listed/,
    (store) => ({ updateManifest: async (update) => ({ ...(await store.updateManifest(update)), revokedDeviceIds: [] }) }),
  ],
  [
    'refresh without end of the session',
    /exchanged once/,
    (store) => {
      const used = new Map<string, Uint8Array>()
      return {
        async rotateRefresh(one) {
          const before = used.get(one.presentedHash.join())
          if (before) return { kind: 'repeated', sealedSuccessor: before }
          used.set(one.presentedHash.join(), one.sealedSuccessor)
          return store.rotateRefresh(one)
        },
      }
    },
  ],
  ['expired refresh tokens found', /absent/, (store) => ({ findRefresh: (hash) => store.findRefresh(hash, 0) })],
  [
    'a prekey handed out twice',
    /distinct one-time keys/,
    (store) => {
      let last: Uint8Array | undefined
      return {
        async claimPreKeys(claim) {
          const bundles = await store.claimPreKeys(claim)
          return bundles.map((bundle) => {
            const before = last
            last = bundle.oneTime
            return bundle.oneTime && before ? { ...bundle, oneTime: before } : bundle
          })
        },
      }
    },
  ],
  [
    'no bundle once exhausted',
    /distinct one-time keys/,
    (store) => ({ claimPreKeys: async (claim) => (await store.claimPreKeys(claim)).filter(({ oneTime }) => oneTime || !claim.oneTime) }),
  ],
  [
    'claimed prekeys come back',
    /brings back no claimed key/,
    (store) => ({
      publishPreKeys: (accountId, deviceId, upload) =>
        store.publishPreKeys(accountId, deviceId, { ...upload, oneTime: upload.oneTime.map((key) => ({ ...key, keyId: key.keyId + 1_000 })) }),
    }),
  ],
  [
    'not all or none',
    /all recipients or none/,
    (store) => ({
      async append(send) {
        for (const recipient of send.recipients.slice(0, -1))
          await store.append({ ...send, sendId: `${send.sendId.slice(0, 20)}_A` as typeof send.sendId, recipients: [recipient] })
        return store.append(send)
      },
    }),
  ],
  [
    'sends repeated',
    /repeated send id/,
    (store) => ({ append: (send) => store.append({ ...send, sendId: crypto.randomUUID() as unknown as typeof send.sendId }) }),
  ],
  [
    'old manifests accepted',
    /all recipients or none|stale manifest/,
    (store) => ({ append: (send) => store.append({ ...send, recipients: send.recipients.map((one) => ({ ...one, manifestVersion: 9_999 })) }) }),
  ],
  ['no limit of rows', /the limit counts/, (store) => ({ append: (send) => store.append({ ...send, maxRows: send.maxRows === 0 ? 0 : 1e9 }) })],
  ['order of rows', /in the order of their appends/, (store) => ({ readMailbox: async (query) => (await store.readMailbox(query)).reverse() })],
  ['a page ignores its bytes', /a page ends with its bytes/, (store) => ({ readMailbox: (query) => store.readMailbox({ ...query, maxBytes: 1e9 }) })],
  [
    'one row too many acknowledged',
    /acknowledging deletes|makes room/,
    (store) => ({ acknowledge: (accountId, deviceId, upTo) => store.acknowledge(accountId, deviceId, upTo + 1) }),
  ],
  [
    'appends resolve in another order',
    /order of resolving|appends resolve/,
    (store) => {
      let n = 0
      return {
        async append(send) {
          const outcome = await store.append(send)
          if (n++ % 3 === 0) for (let i = 0; i < 5; i++) await null
          return outcome
        },
      }
    },
  ],
  ['nothing acknowledged', /acknowledging deletes/, () => ({ acknowledge: async () => {} })],
  [
    'mailboxes of other accounts acknowledged too',
    /acknowledging deletes/,
    (store) => {
      const accounts = new Set<Parameters<ServerStore['acknowledge']>[0]>()
      return {
        append: (send) => {
          for (const { accountId } of send.recipients) accounts.add(accountId)
          return store.append(send)
        },
        acknowledge: async (_, deviceId, upTo) => {
          for (const accountId of accounts) await store.acknowledge(accountId, deviceId, upTo)
        },
      }
    },
  ],
  [
    'a leaking namespace',
    /erase|other mailbox|as they were sent|registers|replacing/,
    (store) => {
      let first: Parameters<ServerStore['readMailbox']>[0]['accountId'] | undefined
      return {
        readMailbox: (query) => {
          first ??= query.accountId
          return store.readMailbox({ ...query, accountId: first })
        },
      }
    },
  ],
  [
    'aliased buffers',
    /copied in and out/,
    (store) => {
      const sent = new Map<number, Uint8Array>()
      return {
        async append(send) {
          const outcome = await store.append(send)
          if (outcome.kind === 'stored') outcome.sequences.forEach((sequence, i) => void sent.set(sequence, send.recipients[i]!.envelope))
          return outcome
        },
        readMailbox: async (query) => (await store.readMailbox(query)).map((row) => ({ ...row, envelope: sent.get(row.sequence) ?? row.envelope })),
      }
    },
  ],
  ['an erasure that leaves the number', /erase/, (store) => ({ erase: async (accountId) => (await store.account(accountId)) !== undefined })],
  [
    'a profile overwritten by an older one',
    /profiles/,
    (store) => ({ setProfile: (accountId, profile) => store.setProfile(accountId, { ...profile, version: 1e9 + Math.floor(Math.random() * 1e6) }) }),
  ],
  ['kept values overwritten', /kept values/, (store) => ({ keepOnce: async (name, value) => (await store.keepOnce(name, value)) && value })],
  ['a sweep too early', /sweep/, (store) => ({ sweep: (expiry) => store.sweep({ ...expiry, mailboxBefore: expiry.now + 1 }) })],
  ['a sweep that deletes nothing', /sweep/, () => ({ sweep: async () => 0 })],
  ['a store that answers after its end', /close/, () => ({ close: async () => {} })],
]

describe('the store suite catches', () => {
  for (const [what, caught, mutate] of mutants) {
    test(what, async () => {
      const failed: string[] = []
      for (const { name, requires, run } of storeSuite) {
        if (requires) continue
        const open = async (): Promise<ServerStore> => {
          const store = memoryStore()
          return { ...store, ...mutate(store) }
        }
        await run({ open }).catch(() => failed.push(name))
      }
      expect(
        failed.filter((name) => caught.test(name)),
        `failed: ${failed.join(' | ')}`,
      ).not.toEqual([])
    })
  }
})

const busMutants: readonly [string, () => Bus][] = [
  [
    'a lost wake-up',
    () => {
      const bus = inProcessBus()
      let n = 0
      return { ...bus, publish: (message) => void (n++ % 7 === 3 || bus.publish(message)) }
    },
  ],
  [
    'another order',
    () => {
      const bus = inProcessBus()
      let held: Parameters<Bus['publish']>[0] | undefined
      return {
        ...bus,
        publish(message) {
          if (held) {
            bus.publish(message)
            bus.publish(held)
            held = undefined
          } else held = message
        },
      }
    },
  ],
  [
    'a throwing listener that stops the others',
    () => {
      const listeners: ((message: Parameters<Bus['publish']>[0]) => void)[] = []
      return {
        publish: (message) => {
          try {
            for (const listener of listeners) listener(message)
          } catch {
            return
          }
        },
        subscribe: (listener) => {
          listeners.push(listener)
          return () => void listeners.splice(listeners.indexOf(listener), 1)
        },
      }
    },
  ],
  [
    'no end of a subscription',
    () => {
      const bus = inProcessBus()
      return {
        ...bus,
        subscribe: (listener) => {
          bus.subscribe(listener)
          return () => {}
        },
      }
    },
  ],
]

describe('the bus suite catches', () => {
  for (const [what, make] of busMutants) {
    test(what, async () => {
      const results = await Promise.allSettled(
        busSuite.map(({ run }) => {
          const bus = make()
          return run({ open: async () => ({ a: bus, b: bus }), settle: async () => {} })
        }),
      )
      expect(results.some(({ status }) => status === 'rejected')).toBe(true)
    })
  }
})
