import { closingCases } from './closing.js'
import { commitCases } from './commits.js'
import type { StorageCapability, StorageConformanceCase, StorageConformanceContext } from './context.js'
import { listingCases } from './listing.js'
import { valueCases } from './values.js'
import { watchCases } from './watching.js'

export type { StorageCapability, StorageConformanceCase, StorageConformanceContext } from './context.js'

/** What every adapter of the client storage port must pass. Data: bring your own test runner, a fresh context for each case. */
export const storageConformance: readonly StorageConformanceCase[] = [...valueCases, ...listingCases, ...commitCases, ...watchCases, ...closingCases]

/** The cases for an adapter: the core always, the rest as its capabilities say. */
export function casesFor(capabilities: readonly StorageCapability[]): readonly StorageConformanceCase[] {
  return storageConformance.filter(({ requires }) => requires === undefined || capabilities.includes(requires))
}

export interface StorageConformanceResult {
  readonly name: string
  /** undefined: passed. */
  readonly error: string | undefined
}

/** Runs the cases one after the other, for places without a test runner, such as a page in a browser. */
export async function runStorageConformance(
  capabilities: readonly StorageCapability[],
  freshContext: () => Promise<StorageConformanceContext> | StorageConformanceContext,
): Promise<StorageConformanceResult[]> {
  const results: StorageConformanceResult[] = []
  for (const { name, run } of casesFor(capabilities)) {
    try {
      await run(await freshContext())
      results.push({ name, error: undefined })
    } catch (error) {
      results.push({ name, error: error instanceof Error ? error.message : String(error) })
    }
  }
  return results
}
