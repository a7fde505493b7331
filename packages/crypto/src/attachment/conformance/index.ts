import { contentCases } from './contents.js'
import type { AttachmentCapability, AttachmentConformanceCase, AttachmentConformanceContext } from './context.js'
import { fileCases } from './files.js'

export type { AttachmentCapability, AttachmentConformanceCase, AttachmentConformanceContext, AttachmentVectors, ConformanceFile } from './context.js'

/** What attachments must do on every runtime and with every `ChunkCipher`. Data: bring your own test runner. */
export const attachmentConformance: readonly AttachmentConformanceCase[] = [...contentCases, ...fileCases]

/** The cases for a runtime: the core always, the rest as its capabilities say. */
export function attachmentCasesFor(capabilities: readonly AttachmentCapability[]): readonly AttachmentConformanceCase[] {
  return attachmentConformance.filter(({ requires }) => requires === undefined || capabilities.includes(requires))
}

export interface AttachmentConformanceResult {
  readonly name: string
  /** undefined: passed. */
  readonly error: string | undefined
}

/** Runs the cases one after the other, for places without a test runner, such as a page in a browser or an app on a phone. */
export async function runAttachmentConformance(
  capabilities: readonly AttachmentCapability[],
  context: AttachmentConformanceContext,
): Promise<AttachmentConformanceResult[]> {
  const results: AttachmentConformanceResult[] = []
  for (const { name, run } of attachmentCasesFor(capabilities)) {
    try {
      await run(context)
      results.push({ name, error: undefined })
    } catch (error) {
      results.push({ name, error: error instanceof Error ? error.message : String(error) })
    }
  }
  return results
}
