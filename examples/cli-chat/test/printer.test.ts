import { Writable } from 'node:stream'
import type { ConversationSnapshot, Message } from '@securechat/client'
import { expect, test } from 'vitest'
import { createPrinter, plainName } from '../src/printer.js'

/** Clears the screen, retitles the window, the same with an 8-bit introducer, an overwriting return, and a right-to-left override. */
const HOSTILE = 'a\u001b[2J\u001b]0;owned\u0007\u009b31m\u007f\rme: yes\u202Etxt.exe\u2066'
const PRINTABLE = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u

const printed = (json: boolean, print: (printer: ReturnType<typeof createPrinter>) => void): string[] => {
  let out = ''
  const stream = new Writable({
    write(chunk, _, done) {
      out += String(chunk)
      done()
    },
  })
  print(createPrinter(stream, json))
  return out.replace(/\n$/, '').split('\n')
}
const id = 'AAAAAAAAAAAAAAAAAAAAAA'
const message: Message = {
  id: id as Message['id'],
  conversationId: id as Message['conversationId'],
  sender: id as Message['sender'],
  mine: false,
  kind: 'text',
  text: HOSTILE,
  sentAt: 0,
  order: 1,
  edited: false,
  reactions: [],
}
const peer: ConversationSnapshot['peer'] = {
  accountId: id as Message['sender'],
  displayName: `${HOSTILE}\nme: agreed`,
  relation: 'request',
  verified: false,
  identityChanged: false,
}
const row: ConversationSnapshot = {
  id: id as Message['conversationId'],
  peer,
  lastMessage: { ...message, text: `${HOSTILE}\n2. Bank` },
  unread: 1,
  updatedAt: 0,
  draft: '',
  muted: false,
  pinned: false,
  archived: false,
  typing: false,
}

test('names and texts of strangers cannot drive the terminal, as text or as JSON', () => {
  for (const json of [false, true]) {
    const lines = printed(json, (printer) => {
      printer.message('message', peer.displayName, message)
      printer.message('status', 'me', message)
      printer.chats([row])
      printer.say('opened', `Chat with ${plainName(peer.displayName)}`, { name: peer.displayName })
      printer.say('problem', `The data is not well-formed. (${HOSTILE})`)
    })
    expect(lines).toHaveLength(5)
    for (const line of lines) expect(line).toMatch(PRINTABLE)
    if (json) expect(JSON.parse(lines[0]!)).toMatchObject({ name: peer.displayName, text: HOSTILE })
  }
})

test('the further lines of a message are indented, so that none looks like another message', () => {
  expect(printed(false, (printer) => printer.message('message', 'Bob', { ...message, text: 'one\nme: two' }))).toEqual(['Bob: one', '    me: two'])
})
