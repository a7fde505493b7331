import type { CryptoProvider } from '../../primitives/provider.js'
import { sodiumProvider } from '../../primitives/sodium.js'

export { Secret } from '../../secret.js'
export { decodeFrankingReport, type FrankingReport } from '../report.js'
export { decodeFrankingStamp, type FrankedDelivery, type FrankingAudience, type FrankingStamp } from '../stamp.js'
export {
  type FrankingKeys,
  type FrankingServerDeps,
  frankingStamp,
  type StampInput,
  type VerifiedReport,
  type VerifyReportInput,
  verifyFrankingReport,
} from './server-franking.js'

/** libsodium, narrowed to what stamps and reports need: the relay has no use for more. */
export async function frankingProvider(): Promise<Pick<CryptoProvider, 'blake2b' | 'equal'>> {
  const { blake2b, equal } = await sodiumProvider()
  return { blake2b, equal }
}
