// `node --import` of this makes a server of the next protocol version: the same one, except that it speaks version 2 besides 1.
import { register } from 'node:module'

const hooks = `
  const NOW = 'PROTOCOL_VERSIONS = [1]'
  export async function load(url, context, next) {
    const loaded = await next(url, context)
    if (!url.includes('/packages/protocol/dist/') || !loaded.source) return loaded
    const source = String(loaded.source)
    return source.includes(NOW) ? { ...loaded, source: source.replace(NOW, 'PROTOCOL_VERSIONS = [2, 1]') } : loaded
  }`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
