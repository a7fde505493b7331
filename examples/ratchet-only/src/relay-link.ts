import { connect, type Socket } from 'node:net'
import { FrameReader, sendFrame, textOf, utf8 } from './wire.js'

export interface Row {
  readonly row: string
  readonly from: string
  readonly body: Uint8Array
}

const opened = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
  })

/** One participant's connection to the relay: calls, answered in order, and the rows that come in between. */
export class RelayLink {
  readonly #port: number
  readonly #socket: Socket
  readonly #answers: { resolve: (fields: Uint8Array[]) => void; reject: (error: Error) => void }[] = []

  private constructor(port: number, socket: Socket) {
    this.#port = port
    this.#socket = socket
  }

  /** `onRow` may be called before this resolves. */
  static async open(port: number, name: string, onRow: (row: Row) => void): Promise<RelayLink> {
    const link = new RelayLink(port, await opened(port))
    link.#listen(onRow).catch((error: Error) => link.#end(error))
    await link.call('hello', utf8(name))
    return link
  }

  async #listen(onRow: (row: Row) => void): Promise<void> {
    const reader = new FrameReader(this.#socket)
    for (let frame = await reader.next(); frame; frame = await reader.next()) {
      const [type, ...fields] = frame
      if (type === 'answer') this.#answers.shift()?.resolve(fields)
      else if (type === 'row' && fields[2]) onRow({ row: textOf(fields[0]), from: textOf(fields[1]), body: fields[2] })
    }
    this.#end(new Error('the relay has gone'))
  }

  #end(error: Error): void {
    this.#socket.destroy()
    for (const { reject } of this.#answers.splice(0)) reject(error)
  }

  call(type: string, ...fields: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the relay has gone'))
      this.#answers.push({ resolve, reject })
      sendFrame(this.#socket, type, ...fields)
    })
  }

  acknowledge(row: string): void {
    sendFrame(this.#socket, 'acknowledge', utf8(row))
  }

  /** On a connection of its own, in pieces as they come. Resolves when the relay has all of it. */
  async putBlob(id: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const socket = await opened(this.#port)
    sendFrame(socket, 'put', utf8(id))
    for await (const piece of content) if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve))
    socket.end()
    if (!(await new FrameReader(socket).next())) throw new Error('the relay has gone')
  }

  async getBlob(id: string): Promise<AsyncIterable<Uint8Array>> {
    const socket = await opened(this.#port)
    sendFrame(socket, 'get', utf8(id))
    return new FrameReader(socket).rest()
  }

  close(): void {
    this.#socket.end()
  }
}
