import { createHash } from 'node:crypto'
import { parseEnvelope, type SendFrame } from '@securechat/protocol'

export interface SendLedger {
  /** Message keys (session, ratchet key, counter) that carried two different ciphertexts: must stay empty. */
  readonly reused: readonly string[]
  /** Send ids under which two different frames went out: a retry repeats its bytes. */
  readonly changed: readonly string[]
  readonly keys: number
  readonly repeated: number
}

const hashOf = (...parts: Uint8Array[]): string => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')

/** The books over everything that clients have put on the wire. */
export function sendLedger(sends: readonly { readonly frame: SendFrame }[]): SendLedger {
  const keys = new Map<string, string>()
  const frames = new Map<string, string>()
  const [reused, changed]: [string[], string[]] = [[], []]
  let repeated = 0
  for (const { frame } of sends) {
    const whole = hashOf(...frame.recipients.map(({ envelope }) => envelope))
    const before = frames.get(frame.sendId)
    if (before !== undefined) repeated++
    if (before !== undefined && before !== whole) changed.push(frame.sendId)
    frames.set(frame.sendId, whole)
    for (const { envelope } of frame.recipients) {
      const parsed = parseEnvelope(envelope)
      if (parsed.kind === 'unknown') throw new Error('an envelope of an unknown kind')
      const { sessionTag, ratchetKey, counter } = parsed.ratchet
      const key = `${Buffer.from(sessionTag).toString('hex')}:${Buffer.from(ratchetKey).toString('hex')}:${counter}`
      const hash = hashOf(parsed.header, parsed.ciphertext)
      if (keys.has(key) && keys.get(key) !== hash) reused.push(key)
      keys.set(key, hash)
    }
  }
  return { reused, changed, keys: keys.size, repeated }
}
