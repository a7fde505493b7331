import { type AccountId, type ConversationId, type DeviceId, idFromBytes, type MessageId } from '@securechat/protocol'
import { type FrankingServerDeps, frankingStamp } from '../../src/franking/server/index.js'
import { type CryptoProvider, type FrankingAudience, type FrankingReport, frankingCommitment, Secret } from '../../src/index.js'
import { bytesOf, START } from './people.js'

const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte)
export const ALICE = idFromBytes<AccountId>(id(0xa1))
export const BOB = idFromBytes<AccountId>(id(0xb2))
export const MALLORY = idFromBytes<AccountId>(id(0xee))
export const CONVERSATION = idFromBytes<ConversationId>(id(0xc3))
export const GROUP = idFromBytes<ConversationId>(id(0x99))

/** A server with two keys, of which the second is in use. */
export const frankingServer = (provider: CryptoProvider, current = 2): FrankingServerDeps => ({
  provider,
  keys: { current, keys: new Map([1, 2].map((keyId) => [keyId, new Secret(new Uint8Array(32).fill(keyId))])) },
})

export const TO_BOB: FrankingAudience = { kind: 'account', accountId: BOB }

export interface SampleOptions {
  readonly sender?: AccountId
  readonly audience?: FrankingAudience
  readonly common?: Uint8Array
  readonly currentKey?: number
}

/** A message of Alice's first device, stamped at START, as Bob would report it. */
export function sampleReport(
  provider: CryptoProvider,
  { sender = ALICE, audience = TO_BOB, common = bytesOf('words'), currentKey = 2 }: SampleOptions = {},
): FrankingReport {
  const from = { accountId: sender, deviceId: 1 as DeviceId }
  const message = { frankingKey: new Uint8Array(32).fill(6), common, conversationId: CONVERSATION, messageId: idFromBytes<MessageId>(id(7)) }
  const commitment = frankingCommitment(provider, { ...message, ...from })
  const stamp = frankingStamp(frankingServer(provider, currentKey), { commitment, sender: from, audience, time: START })
  return { ...message, sender: from, audience, commitment, stamp }
}
