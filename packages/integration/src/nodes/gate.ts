import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP connection between two programs that can be cut and mended. */
export interface Gate {
  readonly port: number
  /** From now on not a byte passes; nobody is told, as when a cable is pulled. */
  cut(): void
  /** Bytes pass again. `reset`: those that were waiting are refused instead, as after the time-out of a router. */
  mend(how?: 'resume' | 'reset'): void
  close(): Promise<void>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
}

const listening = (server: Server): Promise<number> =>
  new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port))
  })

/** Ends both ends when one has ended. Broken connections are what these tests are about, so that is no error. */
function join({ near, far }: Pair, onEnd: () => void): void {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.setNoDelay(true)
    one.on('error', () => other.destroy())
    one.on('close', () => {
      other.destroy()
      onEnd()
    })
    one.pipe(other)
  }
}

const closed = (server: Server, open: Iterable<Pair>): Promise<void> =>
  new Promise((done) => {
    server.close(() => done())
    for (const { near, far } of open) {
      near.destroy()
      far.destroy()
    }
  })

/** Forwards to one port. */
export async function startGate(target: number): Promise<Gate> {
  const pairs = new Set<Pair>()
  let isCut = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const pair = { near, far }
    pairs.add(pair)
    join(pair, () => pairs.delete(pair))
    if (isCut) for (const socket of [near, far]) socket.pause()
  })
  return {
    port: await listening(server),
    cut() {
      isCut = true
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.pause()
    },
    mend(how = 'resume') {
      isCut = false
      for (const { near, far } of pairs) for (const socket of [near, far]) how === 'reset' ? socket.resetAndDestroy() : socket.resume()
    },
    close: () => closed(server, pairs),
  }
}

/** A load balancer that knows nothing of sessions: each new connection goes to the next port in turn, or the one after it where nobody listens. */
export async function startBalancer(targets: () => readonly number[]): Promise<{ readonly port: number; close(): Promise<void> }> {
  const pairs = new Set<Pair>()
  let turn = 0
  const server = createServer({ pauseOnConnect: true }, (near) => {
    near.on('error', () => near.destroy())
    const ports = targets()
    const attempt = (tries: number): void => {
      if (tries === ports.length || near.destroyed) {
        near.destroy()
        return
      }
      const far = connect(ports[turn++ % ports.length]!, '127.0.0.1')
      const next = (): void => attempt(tries + 1)
      far.once('error', next)
      far.once('connect', () => {
        far.off('error', next)
        const pair = { near, far }
        pairs.add(pair)
        join(pair, () => pairs.delete(pair))
      })
    }
    attempt(0)
  })
  return { port: await listening(server), close: () => closed(server, pairs) }
}
