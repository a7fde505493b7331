import { type AccountId, idFromBytes } from '@securechat/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BACKUP_KINDS, type BackupAnchor, type BackupKind, startBackup } from '../../src/backup/index.js'
import { Secret } from '../../src/index.js'
import { BackupServer, open, record, restoreAll } from '../support/backups.js'
import { createWorld } from '../support/people.js'
import { sodium } from '../support/providers.js'

const kinds = Object.keys(BACKUP_KINDS) as BackupKind[]
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom(...kinds),
        records: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.string({ maxLength: 8 }))), { maxLength: 5 }),
      }),
    },
    { weight: 1, arbitrary: fc.constant('seal' as const) },
    { weight: 1, arbitrary: fc.constant('lose the device and restore' as const) },
  ),
  { maxLength: 12 },
)

test('whatever was written in whatever order: a restore gives the newest value of each name, once', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const world = createWorld(sodium, 7)
      const accountId = idFromBytes<AccountId>(world.random(16))
      const backupKey = new Secret(world.random(32))
      const server = new BackupServer()
      let state = startBackup(world.deps(), accountId)
      let model = new Map<string, string>()
      let sealed = { model: new Map<string, string>() }
      let anchor: BackupAnchor = { backupId: state.backupId, revision: 0, hash: new Uint8Array(64) }
      const seal = () => {
        const result = server.seal(world.deps(), backupKey, state)
        state = result.state
        anchor = result.anchor
        sealed = { model: new Map(model) }
      }
      seal()
      const opened = () => open(world.deps(), { backupKey, accountId, bytes: server.manifest, anchor })
      for (const step of script) {
        if (step === 'seal') seal()
        else if (step === 'lose the device and restore') {
          // What no manifest lists is lost with the device, and nothing else.
          model = new Map(sealed.model)
          state = startBackup(world.deps(), accountId, opened())
        } else {
          const { kind, records } = step
          state = server.add(world.deps(), backupKey, { state, kind, records: records.map(([name, value]) => record(name, value)) })
          for (const [name, value] of records) {
            if (value === null) model.delete(`${kind} ${name}`)
            else model.set(`${kind} ${name}`, value)
          }
        }
      }
      seal()
      const lines = await restoreAll(world.deps(), { backupKey, opened: opened(), server })
      expect(lines.sort()).toEqual([...model].map(([name, value]) => `${name}=${value}`).sort())
    }),
    { numRuns: 60, seed: 45 },
  )
})
