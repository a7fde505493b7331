import { type Clock, LIMITS, type MailboxRow, type OperationInput, type OperationOutput, SecureChatError, type SendFrame } from '@securechat/protocol'
import type { DeviceCaller } from '../caller.js'
import type { Bus } from '../ports/bus.js'
import type { Metrics } from '../ports/metrics.js'
import type { MailboxStore } from '../ports/store.js'

export interface MailboxDeps {
  readonly store: MailboxStore
  readonly bus: Bus
  readonly clock: Clock
  /** Hands a stored row to the recipient's socket in this process, if there is one that is up to date. */
  readonly offer: (recipient: Pick<DeviceCaller, 'accountId' | 'deviceId'>, row: MailboxRow) => void
  readonly metrics?: Metrics
}
export interface MailboxService {
  /** Resolves with the time of the send when it is on disk. Throws `mailbox/…`, `devices/stale-manifest`, `auth/revoked`, `protocol/…`. */
  send(send: SendFrame, sender: DeviceCaller): Promise<number>
  fetch(input: OperationInput<'mailbox.fetch'>, caller: DeviceCaller): Promise<OperationOutput<'mailbox.fetch'>>
  acknowledge(upTo: number, caller: DeviceCaller): Promise<void>
}

const REFUSALS = {
  revoked: 'auth/revoked',
  'unknown-recipient': 'mailbox/unknown-recipient',
  'stale-manifest': 'devices/stale-manifest',
  full: 'mailbox/full',
} as const

/** The envelope is opaque: its size and its first byte, the version, is all that the relay looks at. */
function checkEnvelopes({ recipients, body }: SendFrame): void {
  if (body && body.length > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'body' })
  for (const { envelope } of recipients) {
    if (envelope.length === 0 || envelope[0] === 0) throw new SecureChatError('protocol/malformed', { detail: 'envelope' })
    if (envelope.length > LIMITS.envelopeBytes) throw new SecureChatError('protocol/too-large', { detail: 'envelope' })
  }
}

/**
 * What a send costs its sender's budget: one for each mailbox it is put into, and one more for every 4 KiB of an envelope or of the body. By calls alone, one
 * account could fill a mailbox of 100,000 rows with 49 of them, and a disk with 2 GiB a second.
 */
export function sendCost({ recipients, body }: SendFrame): number {
  let cost = recipients.length + (body ? Math.floor(body.length / LIMITS.sendUnitBytes) : 0)
  for (const { envelope } of recipients) cost += Math.floor(envelope.length / LIMITS.sendUnitBytes)
  return cost
}

export function createMailboxService({ store, bus, clock, offer, metrics }: MailboxDeps): MailboxService {
  return {
    async send(send, { accountId, deviceId }) {
      checkEnvelopes(send)
      const sender = { accountId, deviceId }
      const { body, recipients } = send
      const outcome = await store.append({ sender, sendId: send.sendId, time: clock.now(), recipients, maxRows: LIMITS.mailboxRows, ...(body && { body }) })
      if (outcome.kind === 'repeated') return outcome.time
      if (outcome.kind !== 'stored') throw new SecureChatError(REFUSALS[outcome.kind], outcome.kind === 'full' ? { retryAfterSeconds: 3_600 } : {})
      const { time, sequences } = outcome
      metrics?.rows('stored', recipients.length)
      for (let i = 0; i < recipients.length; i++) {
        const recipient = recipients[i]!
        const sequence = sequences[i]!
        const { envelope } = recipient
        if (store.exclusive || store.consecutive) offer(recipient, body ? { sequence, time, sender, envelope, body } : { sequence, time, sender, envelope })
        bus.publish({ type: 'mailbox', accountId: recipient.accountId, deviceId: recipient.deviceId, sequence })
      }
      return time
    },

    async fetch({ after, limit = LIMITS.deliveryBatch }, { accountId, deviceId }) {
      const rows = await store.readMailbox({ accountId, deviceId, after, limit, maxBytes: LIMITS.deliveryBatchBytes })
      return { rows: rows.map((row) => ({ ...row, ...(row.sender && { sender: { ...row.sender } }) }) as OperationOutput<'mailbox.fetch'>['rows'][number]) }
    },

    acknowledge: (upTo, { accountId, deviceId }) => store.acknowledge(accountId, deviceId, upTo),
  }
}
