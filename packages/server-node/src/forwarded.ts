import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { SecureChatError } from '@securechat/protocol'

const invalid = (entry: string): never => {
  throw new SecureChatError('client/invalid-argument', { detail: `trusted proxy ${entry}: an address, or a network such as 10.0.0.0/8` })
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
/** An IPv4 address that came over an IPv6 socket is the same address. */
const plain = (address: string): string => (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address)

function networks(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...more] = entry.split('/')
    const largest = isIP(address) === 6 ? 128 : 32
    if (isIP(address) === 0 || more.length > 0) return invalid(entry)
    if (bits === undefined) list.addAddress(address, family(address))
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= largest) list.addSubnet(address, Number(bits), family(address))
    else return invalid(entry)
  }
  return list
}

/**
 * Whom limits are charged to. The peer of the socket, unless that is one of the trusted proxies: then the last address of X-Forwarded-For that is not one of them. What stands
 * before it was written by the client itself and is never believed. Throws `client/invalid-argument` for an entry that is no address and no network.
 */
export function clientAddress(trusted: readonly string[]): (request: Pick<IncomingMessage, 'socket' | 'headers'>) => { remoteAddress?: string } {
  const proxies = networks(trusted)
  const isProxy = (address: string): boolean => proxies.check(address, family(address))
  return ({ socket, headers }) => {
    if (socket.remoteAddress === undefined) return {}
    let address = plain(socket.remoteAddress)
    const header = headers['x-forwarded-for']
    const forwarded = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((part) => plain(part.trim()))
    while (isProxy(address) && forwarded.length > 0) {
      const before = forwarded.pop()!
      // What is no address (empty, `unknown`, with a port) says nothing: the proxy itself is charged.
      if (isIP(before) === 0) break
      address = before
    }
    return { remoteAddress: address }
  }
}
