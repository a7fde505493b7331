import { SecureChatError } from '@securechat/protocol'

const SCHEMES: Readonly<Record<string, string>> = { 'https:': 'wss:', 'http:': 'ws:', 'wss:': 'wss:', 'ws:': 'ws:' }

/**
 * Address of the server (https, http, wss or ws, a path prefix is kept) → address of its socket. Throws `client/invalid-argument`, also for a
 * URL with credentials or a query: addresses end up in logs and histories, so nothing secret may travel in one.
 */
export function socketUrl(server: string): string {
  const invalid = (detail: string): SecureChatError => new SecureChatError('client/invalid-argument', { detail })
  let url: URL
  try {
    url = new URL(server)
  } catch {
    throw invalid('server url')
  }
  const scheme = SCHEMES[url.protocol]
  if (!scheme) throw invalid('scheme of the server url')
  if (url.username || url.password || url.search || url.hash) throw invalid('server url with credentials, query or fragment')
  // Assembled by hand: the setter of `protocol` ignores some changes of scheme.
  return `${scheme}//${url.host}${url.pathname.replace(/\/+$/, '')}/v1/socket`
}
