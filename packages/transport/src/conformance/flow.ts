import { equalPublicBytes, LIMITS } from '@securechat/protocol'
import { type ConformanceCase, check, opened, until } from './context.js'

const numbered = (n: number, size = 2): Uint8Array => {
  const bytes = new Uint8Array(size)
  bytes[0] = n >> 8
  bytes[1] = n & 0xff
  return bytes
}
const numberOf = (bytes: Uint8Array): number => (bytes[0]! << 8) | bytes[1]!

/** Bytes of every value, so that an encoding in between shows. */
function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8)
  return bytes
}

export const flowCases: readonly ConformanceCase[] = [
  {
    name: 'frames of all sizes arrive whole and unchanged',
    async run(context) {
      const { channel, recorder } = await opened(context)
      const sizes = [1, 6, 125, 126, 127, 65_535, 65_536, 70_000, LIMITS.frameBytes]
      for (const size of sizes) channel.send(pattern(size))
      await until(context, () => recorder.messages.length >= sizes.length, 'frames are missing')
      for (const [i, size] of sizes.entries()) check(equalPublicBytes(recorder.messages[i]!, pattern(size)), `a frame of ${size} bytes was changed`)
      channel.close()
    },
  },
  {
    name: 'an empty frame arrives as an empty frame',
    async run(context) {
      const { channel, recorder } = await opened(context)
      channel.send(new Uint8Array(0))
      channel.send(Uint8Array.of(1))
      await until(context, () => recorder.messages.length >= 2, 'frames are missing')
      check(recorder.messages[0]!.length === 0 && recorder.messages[1]!.length === 1, 'frames were merged or changed')
      channel.close()
    },
  },
  {
    name: 'frames arrive in the order of sending, each once',
    async run(context) {
      const { channel, recorder } = await opened(context)
      const count = 500
      for (let i = 0; i < count; i++) channel.send(numbered(i, 2 + (i % 7) * 100))
      await until(context, () => recorder.messages.length >= count, 'frames are missing')
      check(recorder.messages.length === count, 'frames came twice')
      for (const [i, bytes] of recorder.messages.entries()) check(numberOf(bytes) === i, `frame ${numberOf(bytes)} came in place ${i}`)
      channel.close()
    },
  },
  {
    name: 'what the sender does with its buffer afterwards does not reach the receiver',
    async run(context) {
      const { channel, recorder } = await opened(context)
      const buffer = new Uint8Array(64)
      for (let i = 0; i < 8; i++) {
        buffer.fill(i)
        channel.send(buffer)
        await context.pause()
      }
      buffer.fill(0xff)
      await until(context, () => recorder.messages.length >= 8, 'frames are missing')
      for (const [i, bytes] of recorder.messages.entries())
        check(
          bytes.every((byte) => byte === i),
          'the received bytes changed with the sent ones',
        )
      channel.close()
    },
  },
  {
    name: 'received bytes belong to the receiver: plain, separate, never written again',
    async run(context) {
      const { channel, recorder } = await opened(context)
      channel.send(numbered(1, 32))
      await until(context, () => recorder.messages.length === 1, 'the frame is missing')
      const [first] = recorder.messages
      check(first !== undefined && Object.getPrototypeOf(first) === Uint8Array.prototype, 'not a plain Uint8Array')
      check(first.buffer.byteLength === first.byteLength, 'a view into a shared buffer')
      const before = first.slice()
      for (let i = 2; i < 10; i++) channel.send(numbered(i, 32))
      await until(context, () => recorder.messages.length >= 9, 'frames are missing')
      check(equalPublicBytes(first, before), 'a received frame was written again')
      first.fill(0xee)
      check(
        recorder.messages.slice(1).every((bytes, i) => numberOf(bytes) === i + 2),
        'two received frames share memory',
      )
      channel.close()
    },
  },
  {
    name: 'a view into a larger buffer is sent as what it shows',
    async run(context) {
      const { channel, recorder } = await opened(context)
      channel.send(pattern(100).subarray(10, 20))
      await until(context, () => recorder.messages.length === 1, 'the frame is missing')
      check(equalPublicBytes(recorder.messages[0]!, pattern(100).slice(10, 20)), 'other bytes than those of the view')
      channel.close()
    },
  },
  {
    name: 'the server may speak first and unasked',
    async run(context) {
      const { channel, recorder } = await opened(context)
      await until(context, () => context.echo.open() === 1, 'the server has no socket')
      context.echo.broadcast(Uint8Array.of(9))
      await until(context, () => recorder.messages.length === 1, 'the frame is missing')
      check(recorder.messages[0]![0] === 9, 'another frame')
      channel.close()
    },
  },
  {
    name: 'what the server sent before it closed still arrives, before the end',
    async run(context) {
      const { recorder } = await opened(context)
      await until(context, () => context.echo.open() === 1, 'the server has no socket')
      for (let i = 0; i < 50; i++) context.echo.broadcast(numbered(i))
      context.echo.closeAll()
      await until(context, () => recorder.closes.length > 0, 'onClose was not called')
      check(recorder.messages.length === 50, `${50 - recorder.messages.length} frames were lost`)
      check(recorder.late() === 0, 'onMessage after onClose')
    },
  },
  {
    name: 'two channels do not mix',
    async run(context) {
      const a = await opened(context)
      const b = await opened(context)
      for (let i = 0; i < 20; i++) {
        a.channel.send(numbered(i))
        b.channel.send(numbered(1_000 + i))
      }
      await until(context, () => a.recorder.messages.length >= 20 && b.recorder.messages.length >= 20, 'frames are missing')
      check(
        a.recorder.messages.every((bytes, i) => numberOf(bytes) === i),
        'the first channel got other frames',
      )
      check(
        b.recorder.messages.every((bytes, i) => numberOf(bytes) === 1_000 + i),
        'the second channel got other frames',
      )
      a.channel.close()
      b.channel.send(numbered(2_000))
      await until(context, () => b.recorder.messages.length === 21, 'closing one channel ended the other')
      b.channel.close()
    },
  },
  {
    name: 'bufferedBytes is a count that goes back to zero',
    async run(context) {
      const { channel, recorder } = await opened(context)
      for (let i = 0; i < 8; i++) channel.send(pattern(256 * 1024))
      check(Number.isSafeInteger(channel.bufferedBytes) && channel.bufferedBytes >= 0, 'bufferedBytes is no count')
      await until(context, () => recorder.messages.length >= 8, 'frames are missing')
      await until(context, () => channel.bufferedBytes === 0, 'bufferedBytes does not go back')
      channel.close()
    },
  },
]
