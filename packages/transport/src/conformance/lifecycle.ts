import { isSecureChatError } from '@securechat/protocol'
import { type ConformanceCase, check, opened, quiet, record, rejection, until } from './context.js'

export const lifecycleCases: readonly ConformanceCase[] = [
  {
    name: 'an aborted signal rejects the opening with request/aborted and opens nothing',
    async run(context) {
      const recorder = record()
      check(
        (await rejection(context.transport.open(recorder.handlers, { signal: AbortSignal.abort() }))) === 'request/aborted',
        'another code than request/aborted',
      )
      await quiet(context)
      check(context.echo.open() === 0, 'the server still has a socket')
      check(recorder.closes.length === 0 && recorder.messages.length === 0, 'a rejected opening called a handler')
    },
  },
  {
    name: 'a signal during the opening rejects it with request/aborted and leaves no socket',
    async run(context) {
      const recorder = record()
      const abort = new AbortController()
      const opening = context.transport.open(recorder.handlers, { signal: abort.signal })
      abort.abort()
      check((await rejection(opening)) === 'request/aborted', 'another code than request/aborted')
      await until(context, () => context.echo.open() === 0, 'the server still has a socket')
      await quiet(context)
      check(context.echo.open() === 0, 'a socket was opened after the abort')
      check(recorder.closes.length === 0 && recorder.messages.length === 0, 'a rejected opening called a handler')
    },
  },
  {
    name: 'a signal after the opening changes nothing',
    async run(context) {
      const recorder = record()
      const abort = new AbortController()
      const channel = await context.transport.open(recorder.handlers, { signal: abort.signal })
      abort.abort()
      channel.send(Uint8Array.of(1))
      await until(context, () => recorder.messages.length === 1, 'the channel ended with the signal of its opening')
      check(recorder.closes.length === 0, 'the channel was closed')
      channel.close()
    },
  },
  {
    name: 'nobody there: network/unreachable',
    requires: 'unreachable',
    async run({ unreachable }) {
      check(unreachable !== undefined, 'the context lacks what the case requires')
      check((await rejection(unreachable.open(record().handlers, { signal: new AbortController().signal }))) === 'network/unreachable', 'another code')
    },
  },
  {
    name: 'own close: onClose once, without an error, and the server sees it',
    async run(context) {
      const { channel, recorder } = await opened(context)
      await until(context, () => context.echo.open() === 1, 'the server has no socket')
      channel.close()
      channel.close()
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      await until(context, () => context.echo.open() === 0, 'the server still has the socket')
      await quiet(context)
      check(recorder.closes.length === 1, `onClose came ${recorder.closes.length} times`)
      check(recorder.closes[0] === undefined, 'an own close is no error')
    },
  },
  {
    name: 'close of the server: onClose once, with a typed error',
    async run(context) {
      const { channel, recorder } = await opened(context)
      await until(context, () => context.echo.open() === 1, 'the server has no socket')
      context.echo.closeAll()
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      channel.close()
      await quiet(context)
      check(recorder.closes.length === 1, `onClose came ${recorder.closes.length} times`)
      check(isSecureChatError(recorder.closes[0]), 'the server’s close came without a typed error')
    },
  },
  {
    name: 'both close at once: onClose once',
    async run(context) {
      const { channel, recorder } = await opened(context)
      await until(context, () => context.echo.open() === 1, 'the server has no socket')
      context.echo.closeAll()
      channel.close()
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      await quiet(context)
      check(recorder.closes.length === 1, `onClose came ${recorder.closes.length} times`)
    },
  },
  {
    name: 'a closed channel takes frames without effect and without throwing',
    async run(context) {
      const { channel, recorder } = await opened(context)
      channel.close()
      channel.send(Uint8Array.of(1))
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      channel.send(Uint8Array.of(2))
      await quiet(context)
      check(recorder.messages.length === 0, 'an answer came to a closed channel')
      check(channel.bufferedBytes === 0, 'a closed channel claims bytes on their way')
    },
  },
  {
    name: 'nothing arrives after the end',
    async run(context) {
      const { channel, recorder } = await opened(context)
      for (let i = 0; i < 20; i++) channel.send(Uint8Array.of(i))
      channel.close()
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      await quiet(context)
      check(recorder.late() === 0, 'onMessage after onClose')
    },
  },
  {
    name: 'a transport opens again after a close',
    async run(context) {
      const first = await opened(context)
      first.channel.close()
      await until(context, () => first.recorder.closes.length === 1, 'onClose was not called')
      const second = await opened(context)
      second.channel.send(Uint8Array.of(7))
      await until(context, () => second.recorder.messages.length === 1, 'the second channel is dead')
      check(first.recorder.messages.length === 0, 'the first channel got a frame of the second')
      second.channel.close()
    },
  },
]
