import type { ConversationSnapshot, Message } from '@securechat/client'
import { describe, expect, test } from 'vitest'
import { arrange, matches } from '../src/chats/arrange.js'
import { rowsOf, unreadStart } from '../src/conversation/rows.js'
import { formatRoute, parseRoute } from '../src/shell/route.js'
import { contact } from './demo/data.js'

const chat = (name: string, changes: Partial<ConversationSnapshot> = {}, phone = '+14155550100'): ConversationSnapshot => ({
  id: name as ConversationSnapshot['id'],
  peer: contact(name, name, { phone }),
  unread: 0,
  updatedAt: 0,
  draft: '',
  muted: false,
  pinned: false,
  archived: false,
  typing: false,
  ...changes,
})

const START = new Date('2026-11-20T10:00:00').getTime()
const message = (id: string, minutes: number, changes: Partial<Message> = {}): Message => ({
  id: id as Message['id'],
  conversationId: 'c' as Message['conversationId'],
  sender: (changes.mine ? 'me' : 'peer') as Message['sender'],
  mine: false,
  kind: 'text',
  text: id,
  sentAt: START + minutes * 60_000,
  order: 0,
  edited: false,
  reactions: [],
  ...changes,
})

describe('the chat list', () => {
  test('pinned first, strangers apart, the order otherwise as it comes', () => {
    const stranger = chat('eve', { peer: contact('eve', 'eve', { relation: 'request' }) })
    const { shown, requests } = arrange([chat('a'), stranger, chat('b', { pinned: true }), chat('c')], '')
    expect(shown.map(({ id }) => id)).toEqual(['b', 'a', 'c'])
    expect(requests.map(({ id }) => id)).toEqual(['eve'])
  })

  test.each([
    ['sam', true],
    ['riv', true],
    ['RIVÉRA', true],
    ['ivera', false],
    ['555 01', true],
    ['01', false],
    ['  ', true],
  ])('Sam Rivéra is found by %s: %s', (search, found) => {
    expect(matches(chat('Sam Rivéra'), search)).toBe(found)
  })
})

describe('the rows of a conversation', () => {
  const kinds = (messages: Message[], unreadFrom?: Parameters<typeof rowsOf>[1]['unreadFrom']) =>
    rowsOf(messages, { unreadFrom, complete: false }).map((row) =>
      row.kind === 'message' ? `${row.message.id}${row.first ? ' first' : ''}${row.last ? ' last' : ''}` : row.kind,
    )

  test('messages of one person within five minutes are a group', () => {
    expect(kinds([message('a', 0), message('b', 2), message('c', 10), message('d', 11, { mine: true })])).toEqual([
      'day',
      'a first',
      'b last',
      'c first last',
      'd first last',
      'end',
    ])
  })

  test('a new day, a notice and the unread marker end a group', () => {
    const notice = message('n', 3, { kind: 'identity-changed' })
    const day = 24 * 60
    expect(kinds([message('a', 0), notice, message('b', 3), message('c', 4), message('d', day)], { id: 'c' as Message['id'], count: 2 })).toEqual([
      'day',
      'a first last',
      'n first last',
      'b first last',
      'unread',
      'c first last',
      'day',
      'd first last',
      'end',
    ])
  })

  test('the beginning is shown when nothing lies before; every key is there once', () => {
    const rows = rowsOf([message('a', 0), message('b', 1)], { unreadFrom: undefined, complete: true })
    expect(rows[0]?.kind).toBe('beginning')
    expect(new Set(rows.map(({ key }) => key)).size).toBe(rows.length)
  })

  test('the unread ones are counted from the end, over the other side’s messages alone', () => {
    const messages = [message('a', 0), message('b', 1), message('m', 2, { mine: true }), message('n', 3, { kind: 'identity-changed' }), message('c', 4)]
    expect(unreadStart(messages, 2)).toEqual({ id: 'b', count: 2 })
    expect(unreadStart(messages, 0)).toBeUndefined()
    expect(unreadStart(messages, 9)).toBeUndefined()
  })
})

describe('routes', () => {
  test.each(['#/', '#/settings', '#/chats/AbC_-123', '#/requests/x'])('%s comes back as it was', (hash) => {
    expect(formatRoute(parseRoute(hash))).toBe(hash)
  })

  test.each([
    ['', 'chats', undefined],
    ['#', 'chats', undefined],
    ['#/nonsense', 'chats', undefined],
    ['#/chats/<script>', 'chats', undefined],
    ['#/chats/', 'chats', undefined],
  ])('%s is %s', (hash, pane, id) => {
    expect(parseRoute(hash)).toEqual({ pane, chat: id })
  })
})
