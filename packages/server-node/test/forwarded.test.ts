import { describe, expect, it } from 'vitest'
import { clientAddress } from '../src/forwarded.js'

const asked = (trusted: readonly string[], peer: string | undefined, forwarded?: string | string[]) =>
  clientAddress(trusted)({ socket: { remoteAddress: peer } as never, headers: forwarded === undefined ? {} : ({ 'x-forwarded-for': forwarded } as never) })
    .remoteAddress

describe('whom limits are charged to', () => {
  it('is the peer of the socket, whatever a header says, unless that is a trusted proxy', () => {
    expect(asked([], '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9')
    expect(asked(['10.0.0.0/8'], '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9')
    expect(asked(['10.0.0.0/8'], '10.1.2.3', '198.51.100.1')).toBe('198.51.100.1')
    expect(asked(['10.0.0.0/8'], '10.1.2.3')).toBe('10.1.2.3')
    expect(asked(['10.0.0.0/8'], undefined, '198.51.100.1')).toBeUndefined()
  })

  it('is the last address that is no proxy: what stands before it, the client wrote itself', () => {
    const trusted = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']
    expect(asked(trusted, '10.1.2.3', '8.8.8.8, 198.51.100.1, 192.0.2.7')).toBe('198.51.100.1')
    expect(asked(trusted, '2001:db8::1', ['8.8.8.8', '198.51.100.1,10.0.0.1'])).toBe('198.51.100.1')
    expect(asked(trusted, '10.1.2.3', '10.9.9.9, 10.8.8.8')).toBe('10.9.9.9')
  })

  it('knows an IPv4 address that came over an IPv6 socket', () => {
    expect(asked(['10.0.0.0/8'], '::ffff:10.1.2.3', '::ffff:198.51.100.1')).toBe('198.51.100.1')
    expect(asked([], '::ffff:198.51.100.1')).toBe('198.51.100.1')
  })

  it('is the proxy where what it forwards is no address', () => {
    for (const junk of ['', 'unknown', '198.51.100.1:443', '8.8.8.8, _hidden']) expect(asked(['10.0.0.0/8'], '10.1.2.3', junk)).toBe('10.1.2.3')
  })

  it('takes addresses and networks, nothing else', () => {
    for (const wrong of ['proxy', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', ''])
      expect(() => clientAddress([wrong])).toThrowError(expect.objectContaining({ code: 'client/invalid-argument' }))
  })
})
