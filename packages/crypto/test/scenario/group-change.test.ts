import { type ConversationId, idFromBytes } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { applyGroupOperation, changeGroup, createGroup, decodeGroupOperation } from '../../src/group/index.js'
import { codeOf } from '../support/codes.js'
import { GROUP, groupDeps, groupOf, groupPerson, NO_HASH } from '../support/groups.js'
import { START } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'

const [alice, bob] = [groupPerson(1), groupPerson(2)]
const create = { type: 'create', title: NO_HASH } as const

test('a change is signed, applied here, and applied by others to the same state', () => {
  const created = changeGroup(groupDeps(), null, { local: alice.local, change: create, groupId: GROUP })
  expect(created.record).toEqual(createGroup(sodium, { operation: created.operation, actor: alice.remote }))
  expect(created.record.state).toMatchObject({ groupId: GROUP, epoch: 0 })
  expect(decodeGroupOperation(created.operation)).toMatchObject({ groupId: GROUP, epoch: 0, parentHash: NO_HASH, time: START })

  const add = { type: 'add', accountId: bob.local.accountId, role: 'member' } as const
  const added = changeGroup(groupDeps(), created.record, { local: alice.local, change: add })
  expect(added.record).toEqual(applyGroupOperation(sodium, created.record, { operation: added.operation, actor: alice.remote }))
  expect(added.record.state.epoch).toBe(1)
  expect(decodeGroupOperation(added.operation)).toMatchObject({ epoch: 1, parentHash: created.record.hash })
})

test('a group without a given id gets 16 random bytes', () => {
  const { record } = changeGroup(groupDeps(), null, { local: alice.local, change: create })
  expect(record.state.groupId).toBe(idFromBytes<ConversationId>(seededRandom(5)(16)))
})

test('what exists is not created, and what does not is not changed', () => {
  const record = groupOf([alice, bob])
  expect(codeOf(() => changeGroup(groupDeps(), record, { local: alice.local, change: create }))).toBe('client/invalid-argument')
  expect(codeOf(() => changeGroup(groupDeps(), null, { local: alice.local, change: { type: 'accept' } }))).toBe('client/invalid-argument')
  expect(codeOf(() => changeGroup(groupDeps(), record, { local: bob.local, change: { type: 'remove', accountId: alice.local.accountId } }))).toBe(
    'groups/not-allowed',
  )
})
