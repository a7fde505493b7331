import { SecureChatError } from '@securechat/protocol'

/** Seconds that a replaced socket waits: two instances of one device would otherwise throw each other out for ever. */
const REPLACED_SECONDS = 30

/**
 * What a server's close code means to a client: RFC 6455 section 7.4.1 and docs/protocol/06-transport.md, "Close codes".
 * An error frame or event before it has already said more where there is more to say.
 */
export function errorOfCloseCode(code: number): SecureChatError {
  const options = { detail: `close ${code}` }
  if (code === 1001 || code === 1012) return new SecureChatError('server/draining', options)
  if (code === 1009) return new SecureChatError('protocol/too-large', options)
  if (code === 1013) return new SecureChatError('server/unavailable', options)
  if (code === 4001) return new SecureChatError('network/closed', { detail: 'replaced by a newer socket of this device', retryAfterSeconds: REPLACED_SECONDS })
  return new SecureChatError('network/closed', options)
}
