import { decodeAs, decodeFrame, decodeValue, encodeFrame, encodeValue, helloSchema, welcomeSchema } from '@securechat/protocol'
import type { Transport } from '@securechat/transport'

/** A client of the next protocol version: it offers version 2 besides 1, and speaks what the server chose. `spoken`: versions of its sockets, the latest last. */
export function nextVersion(transport: Transport): Transport & { readonly spoken: number[] } {
  const spoken: number[] = []
  return {
    ...transport,
    spoken,
    async open(handlers, options) {
      const channel = await transport.open(
        {
          ...handlers,
          onMessage(bytes) {
            const frame = decodeFrame(bytes)
            if (frame.kind !== 'welcome') return handlers.onMessage(bytes)
            const welcome = decodeAs(welcomeSchema, frame.body)
            spoken.push(welcome.version)
            handlers.onMessage(encodeFrame('welcome', frame.id, encodeValue({ ...(decodeValue(frame.body) as object), version: 1 })))
          },
          onClose: (error) => handlers.onClose(error),
        },
        options,
      )
      return {
        get bufferedBytes() {
          return channel.bufferedBytes
        },
        close: () => channel.close(),
        send(bytes) {
          const frame = decodeFrame(bytes)
          if (frame.kind !== 'hello') return channel.send(bytes)
          decodeAs(helloSchema, frame.body)
          channel.send(encodeFrame('hello', frame.id, encodeValue({ ...(decodeValue(frame.body) as object), versions: [2, 1] })))
        },
      }
    },
  }
}
