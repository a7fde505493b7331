import type { AccountId, DeviceId } from '@securechat/protocol'

/** Who calls an operation. */
export interface Caller {
  /** Remote address as the host told it (IPv6: its /64); one bucket for all where it told none. */
  readonly address: string
  /** Set where the operation asked for it and the proof was right. */
  readonly device?: DeviceCaller
  /** As given, not yet checked. */
  readonly registrationToken?: string
}
export interface DeviceCaller {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly sessionId: string
}

/** One key for what one customer line may hold: an IPv6 /64 is one household. */
export function addressKey(remoteAddress: string | undefined): string {
  if (!remoteAddress) return 'unknown'
  const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const rest = tail.split(':').filter((group) => group !== '')
  while (groups.length < 8 - rest.length) groups.push('0')
  return `${[...groups, ...rest].slice(0, 4).join(':')}::/64`
}
