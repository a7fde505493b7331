import { SecureChatError } from '@securechat/protocol'
import { describe, expect, it } from 'vitest'
import { transportConformance } from '../src/conformance/index.js'
import type { Channel, ChannelHandlers, Transport } from '../src/index.js'
import { loopbackEcho } from './support/echo.js'

type Mutation = (handlers: ChannelHandlers) => { handlers?: Partial<ChannelHandlers>; channel?: (inner: Channel) => Partial<Channel> }

/** The loopback transport with one deliberate fault. */
function mutant(inner: Transport, mutate: Mutation): Transport {
  return {
    kind: 'mutant',
    async open(handlers, options) {
      const mutation = mutate(handlers)
      const channel = await inner.open(
        { onMessage: (bytes) => handlers.onMessage(bytes), onClose: (error) => handlers.onClose(error), ...mutation.handlers },
        options,
      )
      const changed = mutation.channel?.(channel) ?? {}
      return {
        send: (bytes: Uint8Array) => (changed.send ? changed.send(bytes) : channel.send(bytes)),
        get bufferedBytes() {
          return changed.bufferedBytes ?? channel.bufferedBytes
        },
        close: () => (changed.close ? changed.close() : channel.close()),
      }
    },
  }
}

const MUTANTS: Record<string, Mutation> = {
  'swaps two frames': ({ onMessage }) => {
    let held: Uint8Array | undefined
    let count = 0
    return {
      handlers: {
        onMessage: (bytes) => {
          count++
          if (count === 10) held = bytes
          else {
            onMessage(bytes)
            if (held) onMessage(held)
            held = undefined
          }
        },
      },
    }
  },
  'repeats a frame': ({ onMessage }) => {
    let count = 0
    return {
      handlers: {
        onMessage: (bytes) => {
          onMessage(bytes)
          if (++count === 20) onMessage(bytes.slice())
        },
      },
    }
  },
  'loses a frame': ({ onMessage }) => {
    let count = 0
    return { handlers: { onMessage: (bytes) => (++count === 15 ? undefined : onMessage(bytes)) } }
  },
  'reuses one receive buffer': ({ onMessage }) => {
    const shared = new Uint8Array(4 * 1024 * 1024)
    return {
      handlers: {
        onMessage: (bytes) => {
          shared.set(bytes)
          onMessage(shared.subarray(0, bytes.length))
        },
      },
    }
  },
  'overwrites what it delivered': ({ onMessage }) => {
    let last: Uint8Array | undefined
    return {
      handlers: {
        onMessage: (bytes) => {
          last?.fill(0)
          last = bytes
          onMessage(bytes)
        },
      },
    }
  },
  'hands over Node buffers': ({ onMessage }) => ({ handlers: { onMessage: (bytes) => onMessage(Buffer.from(bytes)) } }),
  'sends the whole buffer behind a view': () => ({ channel: (inner) => ({ send: (bytes) => inner.send(new Uint8Array(bytes.buffer)) }) }),
  'keeps the sender’s buffer and reads it late': () => ({
    channel: (inner) => ({ send: (bytes) => void setImmediate(() => setImmediate(() => inner.send(bytes))) }),
  }),
  'drops empty frames': ({ onMessage }) => ({ handlers: { onMessage: (bytes) => (bytes.length === 0 ? undefined : onMessage(bytes)) } }),
  'cuts frames at 65,535 bytes': ({ onMessage }) => ({ handlers: { onMessage: (bytes) => onMessage(bytes.slice(0, 65_535)) } }),
  'counts what it sent for ever': () => {
    let sent = 0
    return {
      channel: (inner) => ({
        send: (bytes) => {
          sent += bytes.length
          inner.send(bytes)
        },
        get bufferedBytes() {
          return sent
        },
      }),
    }
  },
  'reports the end twice': ({ onClose }) => ({
    handlers: {
      onClose: (error) => {
        onClose(error)
        onClose(error)
      },
    },
  }),
  'reports an own close at once and again with the socket': ({ onClose }) => ({
    channel: (inner) => ({
      close: () => {
        onClose()
        inner.close()
      },
    }),
  }),
  'never reports the end': () => ({ handlers: { onClose: () => {} } }),
  'reports an own close as an error': ({ onClose }) => ({ handlers: { onClose: (error) => onClose(error ?? new SecureChatError('network/closed')) } }),
  'reports the server’s close without an error': ({ onClose }) => ({ handlers: { onClose: () => onClose() } }),
  'reports an untyped error': ({ onClose }) => ({ handlers: { onClose: (error) => onClose(error && (new Error('closed') as SecureChatError)) } }),
  'delivers after the end': ({ onMessage, onClose }) => ({
    handlers: {
      onClose: (error) => {
        onClose(error)
        onMessage(Uint8Array.of(1))
      },
    },
  }),
  'overtakes the last frames with the close': ({ onMessage }) => ({ handlers: { onMessage: (bytes) => void setImmediate(() => onMessage(bytes)) } }),
  'close does not close': () => ({ channel: () => ({ close: () => {} }) }),
  'send throws on a closed channel': () => {
    let closed = false
    return {
      channel: (inner) => ({
        send: (bytes) => {
          if (closed) throw new Error('closed')
          inner.send(bytes)
        },
        close: () => {
          closed = true
          inner.close()
        },
      }),
    }
  },
}

/** Faults of the opening, which the wrapper above cannot have. */
const OPENING_MUTANTS: Record<string, (inner: Transport) => Transport> = {
  'ignores the signal': (inner) => ({ kind: 'mutant', open: (handlers) => inner.open(handlers, { signal: new AbortController().signal }) }),
  'rejects with an untyped error': (inner) => ({
    kind: 'mutant',
    open: async (handlers, options) => {
      if (options.signal.aborted) throw new Error('AbortError')
      return inner.open(handlers, options)
    },
  }),
  'reports a rejected opening to the handlers': (inner) => ({
    kind: 'mutant',
    open: async (handlers, options) => {
      try {
        return await inner.open(handlers, options)
      } catch (error) {
        handlers.onClose()
        throw error
      }
    },
  }),
  'ends the channel with the signal of its opening': (inner) => ({
    kind: 'mutant',
    open: async (handlers, options) => {
      const channel = await inner.open(handlers, options)
      options.signal.addEventListener('abort', () => channel.close())
      return channel
    },
  }),
  'calls an absent server reachable': (inner) => ({
    kind: 'mutant',
    open: async (handlers, options) => {
      try {
        return await inner.open(handlers, options)
      } catch (error) {
        if (options.signal.aborted) throw error
        return { send: () => {}, bufferedBytes: 0, close: () => handlers.onClose() }
      }
    },
  }),
  'gives every opening the same channel': (inner) => {
    let shared: Promise<Channel> | undefined
    return {
      kind: 'mutant',
      open: (handlers, options) => {
        shared ??= inner.open(handlers, options)
        return shared
      },
    }
  },
}

/** The case that must catch each mutant; others may, too. */
const CAUGHT_BY: Record<string, string> = {
  'swaps two frames': 'frames arrive in the order of sending, each once',
  'repeats a frame': 'frames arrive in the order of sending, each once',
  'loses a frame': 'frames arrive in the order of sending, each once',
  'reuses one receive buffer': 'received bytes belong to the receiver: plain, separate, never written again',
  'overwrites what it delivered': 'received bytes belong to the receiver: plain, separate, never written again',
  'hands over Node buffers': 'received bytes belong to the receiver: plain, separate, never written again',
  'sends the whole buffer behind a view': 'a view into a larger buffer is sent as what it shows',
  'keeps the sender’s buffer and reads it late': 'what the sender does with its buffer afterwards does not reach the receiver',
  'drops empty frames': 'an empty frame arrives as an empty frame',
  'cuts frames at 65,535 bytes': 'frames of all sizes arrive whole and unchanged',
  'counts what it sent for ever': 'bufferedBytes is a count that goes back to zero',
  'reports the end twice': 'both close at once: onClose once',
  'reports an own close at once and again with the socket': 'own close: onClose once, without an error, and the server sees it',
  'never reports the end': 'close of the server: onClose once, with a typed error',
  'reports an own close as an error': 'own close: onClose once, without an error, and the server sees it',
  'reports the server’s close without an error': 'close of the server: onClose once, with a typed error',
  'reports an untyped error': 'close of the server: onClose once, with a typed error',
  'delivers after the end': 'nothing arrives after the end',
  'overtakes the last frames with the close': 'what the server sent before it closed still arrives, before the end',
  'close does not close': 'own close: onClose once, without an error, and the server sees it',
  'send throws on a closed channel': 'a closed channel takes frames without effect and without throwing',
  'ignores the signal': 'a signal during the opening rejects it with request/aborted and leaves no socket',
  'rejects with an untyped error': 'an aborted signal rejects the opening with request/aborted and opens nothing',
  'reports a rejected opening to the handlers': 'an aborted signal rejects the opening with request/aborted and opens nothing',
  'ends the channel with the signal of its opening': 'a signal after the opening changes nothing',
  'gives every opening the same channel': 'two channels do not mix',
  'calls an absent server reachable': 'nobody there: network/unreachable',
}

async function caught(makeTransport: (inner: Transport) => Transport): Promise<string[]> {
  const names: string[] = []
  for (const { name, run } of transportConformance) {
    const context = loopbackEcho()
    try {
      await run({ ...context, transport: makeTransport(context.transport), unreachable: makeTransport(context.unreachable!) })
    } catch {
      names.push(name)
    }
  }
  return names
}

describe('conformance catches deliberate mutants', () => {
  it('and passes what it mutates', async () => {
    expect(await caught((inner) => mutant(inner, () => ({})))).toEqual([])
  })
  for (const [name, mutate] of Object.entries(MUTANTS)) {
    it(name, async () => expect(await caught((inner) => mutant(inner, mutate))).toContain(CAUGHT_BY[name]))
  }
  for (const [name, make] of Object.entries(OPENING_MUTANTS)) {
    it(name, async () => expect(await caught(make)).toContain(CAUGHT_BY[name]))
  }
})
