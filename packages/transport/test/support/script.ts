import {
  decodeAs,
  decodeFrame,
  decodeValue,
  type ErrorCode,
  encodeCounter,
  encodeDeliver,
  encodeFrame,
  encodeValue,
  type Frame,
  type FrameKind,
  type Hello,
  helloSchema,
  type MailboxRow,
} from '@securechat/protocol'
import type { Transport } from '../../src/index.js'
import { loopbackTransport, type ServerSocket } from '../../src/loopback/index.js'

export const ACCOUNT = { accountId: 'AAAAAAAAAAAAAAAAAAAAAA', deviceId: 1 }
export const TOKEN = 'token-token-token'

/** One socket as the scripted server has it; every frame that came is kept. */
export class Peer {
  readonly frames: Frame[] = []
  readonly socket: ServerSocket
  closed = false
  delivered = 0

  constructor(socket: ServerSocket) {
    this.socket = socket
  }
  send(kind: FrameKind, id: number, value: unknown): void {
    this.socket.send(encodeFrame(kind, id, encodeValue(value)))
  }
  raw(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }
  error(id: number, code: ErrorCode | string, more: object = {}): void {
    this.send('error', id, { code, ...more })
  }
  deliver(rows: MailboxRow[], id = ++this.delivered): void {
    this.socket.send(encodeFrame('deliver', id, encodeDeliver(rows)))
  }
  sent(id: number, time: number): void {
    this.socket.send(encodeFrame('sent', id, encodeCounter(time)))
  }
  of(kind: FrameKind): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind)
  }
  hello(): Hello {
    return decodeAs(helloSchema, this.of('hello')[0]!.body)
  }
  request(at = 0): { id: number; name: unknown; input: unknown; rest: unknown[] } {
    const frame = this.of('request').at(at)!
    const [name, input, ...rest] = decodeValue(frame.body) as unknown[]
    return { id: frame.id, name, input, rest }
  }
}

export interface Script {
  readonly transport: Transport
  readonly peers: Peer[]
  /** The newest socket. */
  readonly peer: () => Peer
  /** Live settings. */
  greet: boolean
  /** Answers a hello; null: not at all. */
  welcome: ((peer: Peer, hello: Hello, id: number) => void) | null
  onFrame: (peer: Peer, frame: Frame) => void
  refuse: boolean
  time: () => number
  versions: number[]
}

export function script(): Script {
  const peers: Peer[] = []
  const self: Script = {
    peers,
    peer: () => peers.at(-1)!,
    greet: true,
    refuse: false,
    versions: [1],
    time: () => 1_700_000_005_000,
    welcome: (peer, hello, id) =>
      peer.send('welcome', id, {
        version: 1,
        time: self.time(),
        capabilities: { versions: self.versions, features: [], limits: {} },
        ...(hello.login && { account: ACCOUNT }),
      }),
    onFrame: () => {},
    transport: loopbackTransport((socket) => {
      if (self.refuse) throw new Error('refused')
      const peer = new Peer(socket)
      peers.push(peer)
      if (self.greet) peer.send('challenge', 0, { challenge: new Uint8Array(32).fill(peers.length), time: self.time() })
      return {
        onMessage: (bytes) => {
          const frame = decodeFrame(bytes)
          peer.frames.push(frame)
          if (frame.kind === 'hello') self.welcome?.(peer, decodeAs(helloSchema, frame.body), frame.id)
          self.onFrame(peer, frame)
        },
        onClose: () => {
          peer.closed = true
        },
      }
    }),
  }
  return self
}

export const row = (sequence: number, size = 4): MailboxRow => ({ sequence, time: 1_700_000_000_000, envelope: new Uint8Array(size).fill(sequence & 0xff) })
