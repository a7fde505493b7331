import { isSecureChatError } from '@securechat/protocol/core'

/** Bytes, a verdict, or words: what one case computes. A typed error counts as its code, another one as a failure. */
export type Outcome = Uint8Array | boolean | string

/** One input, for any implementation: a `CryptoProvider`, a `ChunkCipher`. */
export interface Probe<Subject> {
  /** As the source numbers it. */
  readonly id: string
  run(subject: Subject): Outcome | Promise<Outcome>
}

export interface VectorCase<Subject> extends Probe<Subject> {
  /** Hexadecimal bytes, `true`, `false`, words, or the code of the error. */
  readonly expected: string
}

/** Cases of a file that say nothing about us, and why. */
export interface NotApplicable {
  readonly count: number
  readonly reason: string
}

export interface VectorPlan<Subject> {
  readonly cases: readonly VectorCase<Subject>[]
  readonly notApplicable: readonly NotApplicable[]
}

/** The vectors of one file, or those that a specification prints. */
export interface VectorSet<Subject> {
  readonly name: string
  /** Path below the folder of the public vectors. Absent: `plan` needs no data. */
  readonly file?: string
  /** What to compute and what must come of it; runs nothing. `data` is the parsed file. */
  plan(data?: unknown): VectorPlan<Subject>
}

export const unhex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16))
export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** What a case comes to, as text. Throws what is not a typed error. */
export async function outcomeOf<Subject>(probe: Probe<Subject>, subject: Subject): Promise<string> {
  try {
    const outcome = await probe.run(subject)
    return outcome instanceof Uint8Array ? hex(outcome) : String(outcome)
  } catch (error) {
    if (isSecureChatError(error)) return error.code
    throw error
  }
}

export interface VectorResult {
  readonly passed: number
  /** `id: what came, not what should have`; empty where all is well. */
  readonly failures: readonly string[]
}

/** Runs every case of a plan with one implementation, one after the other. Rejects for no case, whatever it throws. */
export async function runVectors<Subject>({ cases }: VectorPlan<Subject>, subject: Subject): Promise<VectorResult> {
  const failures: string[] = []
  for (const one of cases) {
    const outcome = await outcomeOf(one, subject).catch((error: unknown) => `untyped ${String(error)}`)
    if (outcome !== one.expected) failures.push(`${one.id}: ${outcome}, not ${one.expected}`)
  }
  return { passed: cases.length - failures.length, failures }
}
