import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { decodeFrankingReport, decodeFrankingStamp, verifyFrankingReport } from '../../src/franking/server/index.js'
import { frankingTagInput } from '../../src/franking/stamp.js'
import { type CryptoProvider, encodeFrankingReport, type FrankingAudience } from '../../src/index.js'
import { BOB, frankingServer, GROUP, sampleReport, TO_BOB } from '../support/franking.js'
import { DAY, START } from '../support/people.js'
import { providers, sodium } from '../support/providers.js'
import { unhex } from '../support/vectors.js'

/** docs/protocol/vectors/franking.json; SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/franking.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const CASES: readonly { readonly name: string; readonly audience: FrankingAudience; readonly currentKey: number }[] = [
  { name: 'to one account', audience: TO_BOB, currentKey: 2 },
  { name: 'to a group, under an earlier key', audience: { kind: 'group', groupId: GROUP, epoch: 5 }, currentKey: 1 },
]

const verifiedId = (provider: CryptoProvider, bytes: Uint8Array): Uint8Array =>
  verifyFrankingReport(frankingServer(provider), {
    report: decodeFrankingReport(bytes),
    reporter: BOB,
    wasMember: true,
    now: START + DAY,
    maxAge: 90 * DAY,
  }).id

function franked(provider: CryptoProvider, { name, audience, currentKey }: (typeof CASES)[number]) {
  const report = sampleReport(provider, { audience, currentKey })
  const { keyId, time, tag } = decodeFrankingStamp(report.stamp)
  const bytes = encodeFrankingReport(report)
  return {
    name,
    sender: report.sender,
    audience,
    conversationId: report.conversationId,
    messageId: report.messageId,
    frankingKey: hex(report.frankingKey),
    common: hex(report.common),
    commitment: hex(report.commitment),
    keyId,
    time,
    tagInput: hex(frankingTagInput({ ...report, keyId, time })),
    tag: hex(tag),
    stamp: hex(report.stamp),
    report: hex(bytes),
    reportId: hex(verifiedId(provider, bytes)),
  }
}

const compute = (provider: CryptoProvider) => ({
  suite: 1,
  serverKeys: Object.fromEntries([...frankingServer(provider).keys.keys].map(([keyId, key]) => [keyId, hex(key.expose())])),
  reporter: BOB,
  messages: CASES.map((one) => franked(provider, one)),
})

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces and verifies the published vectors of franking', (provider) => {
  const published = JSON.parse(readFileSync(FILE, 'utf8')) as ReturnType<typeof compute>
  expect(compute(provider)).toEqual(published)
  for (const { report, reportId } of published.messages) expect(hex(verifiedId(provider, unhex(report)))).toBe(reportId)
})
