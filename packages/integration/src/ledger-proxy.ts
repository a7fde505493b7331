import { createHash } from 'node:crypto'
import { decodeCounter, decodeDeliver, decodeFrame, decodeSend, parseEnvelope } from '@securechat/protocol'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

/**
 * Stands between clients and server, forwards every frame unchanged and keeps the books: which sends have no answer yet,
 * and which message key (ratchet key and counter, so one key and nonce) carried which ciphertext.
 */
export interface LedgerProxy {
  readonly url: string
  /** Sends that left a client and whose `sent` has not come back. */
  inFlight(): number
  /** Clients that were given rows and have not acknowledged the last of them. */
  unacknowledged(): number
  /** Distinct message keys seen, and those that carried two different ciphertexts: must stay empty. */
  readonly keys: ReadonlyMap<string, string>
  readonly reused: readonly string[]
  /** Sends seen more than once (retries after a crash). */
  readonly repeated: number
  close(): Promise<void>
}

const bytesOf = (data: RawData): Uint8Array => (Array.isArray(data) ? new Uint8Array(Buffer.concat(data)) : new Uint8Array(data as Buffer))

export async function ledgerProxy(target: () => string): Promise<LedgerProxy> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await new Promise<void>((done) => wss.once('listening', done))
  const { port } = wss.address() as { port: number }
  const waiting = new Map<WebSocket, Set<number>>()
  const mailboxes = new Map<WebSocket, { delivered: number; acknowledged: number }>()
  const keys = new Map<string, string>()
  const sends = new Set<string>()
  const reused: string[] = []
  let repeated = 0

  const record = (frame: Uint8Array): void => {
    const send = decodeSend(frame)
    if (sends.has(send.sendId)) repeated++
    sends.add(send.sendId)
    for (const { envelope } of send.recipients) {
      const decoded = parseEnvelope(envelope)
      if (decoded.kind === 'unknown') throw new Error('an envelope of an unknown kind')
      const { ratchetKey, counter, sessionTag } = decoded.ratchet
      const key = `${Buffer.from(sessionTag).toString('hex')}:${Buffer.from(ratchetKey).toString('hex')}:${counter}`
      const hash = createHash('sha256').update(decoded.header).update(decoded.ciphertext).digest('hex')
      const before = keys.get(key)
      if (before !== undefined && before !== hash) reused.push(key)
      keys.set(key, hash)
    }
  }

  wss.on('connection', (client, request) => {
    const upstream = new WebSocket(`${target().replace(/^http/, 'ws')}${request.url}`, client.protocol || undefined, { perMessageDeflate: false })
    const open = new Set<number>()
    waiting.set(client, open)
    const mailbox = { delivered: 0, acknowledged: 0 }
    mailboxes.set(client, mailbox)
    const early: Uint8Array[] = []
    client.on('message', (data) => {
      const bytes = bytesOf(data)
      const frame = decodeFrame(bytes)
      if (frame.kind === 'send') {
        open.add(frame.id)
        record(frame.body)
      }
      if (frame.kind === 'acknowledge') mailbox.acknowledged = Math.max(mailbox.acknowledged, decodeCounter(frame.body))
      if (upstream.readyState === WebSocket.OPEN) upstream.send(bytes)
      else early.push(bytes)
    })
    upstream.on('open', () => {
      for (const bytes of early) upstream.send(bytes)
    })
    upstream.on('message', (data) => {
      const bytes = bytesOf(data)
      const frame = decodeFrame(bytes)
      if (frame.kind === 'sent' || frame.kind === 'error') open.delete(frame.id)
      if (frame.kind === 'deliver') mailbox.delivered = Math.max(mailbox.delivered, decodeDeliver(frame.body).at(-1)?.sequence ?? 0)
      client.send(bytes)
    })
    const end = (): void => {
      waiting.delete(client)
      mailboxes.delete(client)
      client.close()
      upstream.close()
    }
    client.on('close', end)
    upstream.on('close', end)
    // A killed server refuses connections for a while; the client sees its socket close and comes again.
    upstream.on('error', end)
    client.on('error', end)
  })

  return {
    url: `http://127.0.0.1:${port}`,
    inFlight: () => [...waiting.values()].reduce((sum, open) => sum + open.size, 0),
    unacknowledged: () => [...mailboxes.values()].filter(({ delivered, acknowledged }) => delivered > acknowledged).length,
    keys,
    reused,
    get repeated() {
      return repeated
    },
    close: () =>
      new Promise((done) => {
        for (const client of wss.clients) client.terminate()
        wss.close(() => done())
      }),
  }
}
