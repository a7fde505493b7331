import { SecureChatError } from '@securechat/protocol'

const tooLarge = (): never => {
  throw new SecureChatError('protocol/too-large')
}

/** Reads a body of at most `maxBytes`: a larger announced length is refused before the first byte, a larger real one when it is passed. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = request.headers.get('content-length')
  if (announced !== null && Number(announced) > maxBytes) tooLarge()
  if (!request.body) return new Uint8Array(0)
  const reader = request.body.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new SecureChatError('request/aborted', { cause })
    })
    if (done) break
    size += value.length
    if (size > maxBytes) {
      // Errors of a stream that nobody reads any more are of no interest.
      reader.cancel().catch(() => undefined)
      tooLarge()
    }
    parts.push(value)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    body.set(part, at)
    at += part.length
  }
  return body
}
