import { unhex, type VectorCase, type VectorSet } from './case.js'

export interface WycheproofCase {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  /** Its fields, all of them hexadecimal; absent ones are empty. */
  bytes(field: string): Uint8Array
  text(field: string): string
  /** Fields of the group that it stands in. */
  readonly group: Readonly<Record<string, unknown>>
}

/** All cases of a file of C2SP/wycheproof with the group that each stands in. */
export function wycheproofCases(data: unknown): WycheproofCase[] {
  const { testGroups } = data as { testGroups: { tests: Record<string, unknown>[]; [field: string]: unknown }[] }
  return testGroups.flatMap(({ tests, ...group }) =>
    tests.map((fields) => {
      const text = (field: string): string => String(fields[field] ?? '')
      return { tcId: fields['tcId'] as number, result: fields['result'] as WycheproofCase['result'], bytes: (field) => unhex(text(field)), text, group }
    }),
  )
}

/** A file of which every case applies: `judge` makes one case of each. */
export function wycheproof<Subject>(name: string, file: string, judge: (vector: WycheproofCase) => Omit<VectorCase<Subject>, 'id'>): VectorSet<Subject> {
  return {
    name: `Wycheproof ${name}`,
    file: `wycheproof/${file}`,
    plan: (data) => ({ cases: wycheproofCases(data).map((vector) => ({ id: `tcId ${vector.tcId}`, ...judge(vector) })), notApplicable: [] }),
  }
}
