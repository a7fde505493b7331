import type { ClientStorage } from '@securechat/storage'
import type { Transport } from '@securechat/transport'

/** One moment in the life of a process: right before or after something that outlives it. */
export interface CrashStep {
  readonly what: 'read' | 'commit' | 'open' | 'send' | 'receive'
  readonly when: 'before' | 'after'
}

/**
 * One process: everything of it that others could see goes through these two ports, so a death of the process is a death of the ports. With
 * `dieAt` it dies, as by kill -9, at that step (from 0): the store answers nothing and keeps nothing any more, the socket is gone. Every
 * await of a client on its store or its socket lies between two steps.
 */
export interface CrashPoints {
  readonly wrapStorage: (storage: ClientStorage) => ClientStorage
  readonly wrapTransport: (transport: Transport) => Transport
  /** What has happened so far; the length of a full run says how many points there are. */
  readonly steps: readonly CrashStep[]
  readonly dead: boolean
  /** Dies now. */
  kill(): void
}

export function createCrashPoints({ dieAt = Number.POSITIVE_INFINITY, from }: { readonly dieAt?: number; readonly from?: () => boolean } = {}): CrashPoints {
  const steps: CrashStep[] = []
  const cuts = new Set<() => void>()
  let dead = false

  const kill = (): void => {
    if (dead) return
    dead = true
    for (const cut of [...cuts]) cut()
  }
  /** True while the process lives, after this step too. */
  const pass = (what: CrashStep['what'], when: CrashStep['when']): boolean => {
    if (dead) return false
    if (from && !from()) return true
    if (steps.length === dieAt) kill()
    else steps.push({ what, when })
    return !dead
  }
  const never = <T>(): Promise<T> => new Promise<T>(() => {})
  const around = async <T>(what: CrashStep['what'], work: () => Promise<T>): Promise<T> => {
    if (!pass(what, 'before')) return never()
    const result = await work()
    return pass(what, 'after') ? result : never()
  }

  return {
    steps,
    get dead() {
      return dead
    },
    kill,
    wrapStorage: (inner) => ({
      get: (key) => around('read', () => inner.get(key)),
      getMany: (keys) => around('read', () => inner.getMany(keys)),
      list: (prefix, range) => around('read', () => inner.list(prefix, range)),
      commit: (writes, options) => around('commit', () => inner.commit(writes, options)),
      watch: (prefix, listener) => inner.watch(prefix, (keys) => void (dead || listener(keys))),
      close: () => inner.close(),
    }),
    wrapTransport: (inner) => ({
      kind: inner.kind,
      async open(handlers, options) {
        if (!pass('open', 'before')) return never()
        const channel = await inner.open(
          {
            onMessage: (bytes) => void (pass('receive', 'before') && handlers.onMessage(bytes)),
            onClose: (error) => {
              cuts.delete(cut)
              if (!dead) handlers.onClose(error)
            },
          },
          options,
        )
        const cut = (): void => channel.close()
        cuts.add(cut)
        if (!pass('open', 'after')) {
          cut()
          return never()
        }
        return {
          send: (bytes) => {
            if (!pass('send', 'before')) return
            channel.send(bytes)
            pass('send', 'after')
          },
          get bufferedBytes() {
            return channel.bufferedBytes
          },
          close: () => channel.close(),
        }
      },
    }),
  }
}
