// A relay that knows nothing: it keeps public keys under names, carries bytes from name to name until they are acknowledged, and keeps blobs.
// Everything is in its memory. It could lie about all of it; what that is worth is shown by packages/integration/test/attacks.
import { createServer, type Socket } from 'node:net'
import { FrameReader, sendFrame, textOf, utf8 } from './wire.js'

interface Mailbox {
  /** manifest, signed prekey, last-resort prekey. */
  keys: readonly Uint8Array[]
  oneTime: Uint8Array[]
  /** Rows that nobody has acknowledged, by number: sender and bytes. */
  readonly rows: Map<number, readonly [Uint8Array, Uint8Array]>
  socket: Socket | null
}

const mailboxes = new Map<string, Mailbox>()
const blobs = new Map<string, Uint8Array[]>()
/** Ids of what was stored, so that a repeated send is stored once. */
const stored = new Set<string>()
let rowNumber = 0

const mailboxOf = (name: string): Mailbox => {
  const mailbox = mailboxes.get(name) ?? { keys: [], oneTime: [], rows: new Map(), socket: null }
  mailboxes.set(name, mailbox)
  return mailbox
}
const deliver = (socket: Socket, row: number, [from, body]: readonly [Uint8Array, Uint8Array]): void => sendFrame(socket, 'row', utf8(String(row)), from, body)

async function serve(socket: Socket): Promise<void> {
  const reader = new FrameReader(socket)
  let name = ''
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    const [type, first, second, third, ...more] = frame
    if (type === 'hello') {
      name = textOf(first)
      const mailbox = mailboxOf(name)
      mailbox.socket = socket
      sendFrame(socket, 'answer')
      for (const [row, content] of mailbox.rows) deliver(socket, row, content)
    } else if (type === 'publish' && first && second && third) {
      Object.assign(mailboxOf(name), { keys: [first, second, third], oneTime: more })
      sendFrame(socket, 'answer')
    } else if (type === 'manifest') {
      sendFrame(socket, 'answer', ...mailboxOf(textOf(first)).keys.slice(0, 1))
    } else if (type === 'fetch') {
      const { keys, oneTime } = mailboxOf(textOf(first))
      // Each one-time key is given out once. Without one the last-resort key serves.
      sendFrame(socket, 'answer', ...keys, ...oneTime.splice(0, 1))
    } else if (type === 'send' && second && third) {
      const id = `${name}/${textOf(first)}`
      const mailbox = mailboxOf(textOf(second))
      if (!stored.has(id)) {
        stored.add(id)
        const row = ++rowNumber
        mailbox.rows.set(row, [utf8(name), third])
        if (mailbox.socket && !mailbox.socket.destroyed) deliver(mailbox.socket, row, [utf8(name), third])
      }
      sendFrame(socket, 'answer')
    } else if (type === 'acknowledge') {
      mailboxOf(name).rows.delete(Number(textOf(first)))
    } else if (type === 'put') {
      const pieces: Uint8Array[] = []
      for await (const piece of reader.rest()) pieces.push(piece)
      blobs.set(textOf(first), pieces)
      sendFrame(socket, 'answer')
      break
    } else if (type === 'get') {
      for (const piece of blobs.get(textOf(first)) ?? []) socket.write(piece)
      break
    }
  }
  socket.end()
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  // A participant that was killed is no news for a relay.
  socket.on('error', () => socket.destroy())
  serve(socket).catch(() => socket.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address && typeof address === 'object') process.stdout.write(`relay ${address.port}\n`)
})
