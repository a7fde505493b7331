import type { ConformanceCase } from './context.js'
import { flowCases } from './flow.js'
import { lifecycleCases } from './lifecycle.js'

export type { ConformanceCase, ConformanceContext, EchoServer } from './context.js'

/**
 * What every transport must do, as data for any test runner: run each case with a fresh context and fail on a rejection. A case with
 * `requires` may be left out where the platform cannot provide it, and must then be reported as left out.
 */
export const transportConformance: readonly ConformanceCase[] = [...lifecycleCases, ...flowCases]
