import { type AccountId, idToBytes, LABELS, SecureChatError, T, type Timestamp } from '@securechat/protocol/core'
import type { CryptoProvider } from '../../primitives/provider.js'
import type { Secret } from '../../secret.js'
import { verifyFrankingCommitment } from '../commitment.js'
import type { FrankingReport } from '../report.js'
import { decodeFrankingStamp, encodeFrankingStamp, FRANKING_TAG_BYTES, type FrankedDelivery, type FrankingStamp, frankingTagInput } from '../stamp.js'

/** The server's own MAC keys (docs/protocol/09-bodies-and-franking.md, "Rotation"). 32 random bytes each; an id is never used for a second key. */
export interface FrankingKeys {
  /** Id of the key for new stamps. */
  readonly current: number
  /** Current and earlier keys, as long as messages of their time may be reported. */
  readonly keys: ReadonlyMap<number, Secret>
}

export interface FrankingServerDeps {
  readonly provider: Pick<CryptoProvider, 'blake2b' | 'equal'>
  readonly keys: FrankingKeys
}

type TagSubject = FrankedDelivery & Pick<FrankingStamp, 'time' | 'keyId'> & { readonly commitment: Uint8Array }

function tagOf({ provider, keys }: FrankingServerDeps, subject: TagSubject): Uint8Array | null {
  const key = keys.keys.get(subject.keyId)?.expose()
  if (key && key.length !== 32) throw new SecureChatError('crypto/invalid-key', { detail: 'franking server key' })
  return key ? provider.blake2b(FRANKING_TAG_BYTES, frankingTagInput(subject), key) : null
}

export interface StampInput extends FrankedDelivery {
  /** From the envelope's header; 32 bytes. */
  readonly commitment: Uint8Array
  readonly time: Timestamp
}

/**
 * What the server stores and delivers beside a franked message, 45 bytes. `sender` is the device that the server authenticated, never a name out of the
 * message. Throws `crypto/invalid-key` where the current key is missing, `client/invalid-argument`.
 */
export function frankingStamp(deps: FrankingServerDeps, input: StampInput): Uint8Array {
  const keyId = deps.keys.current
  const tag = tagOf(deps, { ...input, keyId })
  if (!tag) throw new SecureChatError('crypto/invalid-key', { detail: 'franking server key' })
  return encodeFrankingStamp({ keyId, time: input.time, tag })
}

export interface VerifyReportInput {
  readonly report: FrankingReport
  /** The account that reports, as authenticated. */
  readonly reporter: AccountId
  /** For a group: whether the reporter was a member in the epoch that the report names. Not read where the message went to one account. */
  readonly wasMember: boolean
  readonly now: Timestamp
  /** Milliseconds after which a message cannot be reported any more. */
  readonly maxAge: number
}

export interface VerifiedReport {
  /** 16 bytes, the same for every report of this message: count a pair of it and reporter once. */
  readonly id: Uint8Array
  /** When the server accepted the message. */
  readonly time: Timestamp
}

/**
 * True or thrown, by the server alone: this device sent exactly this content, at this time, to this audience, and the reporter belongs to it. Throws
 * `crypto/authentication-failed` otherwise; the detail says which part, and only the server sees it.
 */
export function verifyFrankingReport(deps: FrankingServerDeps, { report, reporter, wasMember, now, maxAge }: VerifyReportInput): VerifiedReport {
  const refuse = (detail: string): never => {
    throw new SecureChatError('crypto/authentication-failed', { detail })
  }
  const { keyId, time, tag } = decodeFrankingStamp(report.stamp)
  const expected = tagOf(deps, { ...report, keyId, time })
  if (!expected) return refuse('report key')
  if (!deps.provider.equal(expected, tag)) refuse('report tag')
  if (now - time > maxAge) refuse('report age')
  const { audience, sender, commitment } = report
  if (audience.kind === 'account' ? audience.accountId !== reporter : !wasMember) refuse('report audience')
  // The commitment names the sender too: one that was copied from somebody else's message does not open here.
  verifyFrankingCommitment(deps.provider, { ...report, ...sender })
  return { id: deps.provider.blake2b(16, T(LABELS.frankReportId, idToBytes(sender.accountId), commitment)), time }
}
