import type { VectorSet } from '@securechat/crypto/conformance'
import { toBase64Url } from '@securechat/protocol'
import { consoleOtp, createServer, memoryStore } from '@securechat/server'

/** A running server, as what judges bearer tokens. */
export interface TokenJudge {
  /** The code of the error. */
  refusalOf(token: string): Promise<string>
}

interface SignatureFile {
  readonly testGroups: readonly { readonly tests: readonly { readonly tcId: number; readonly jws: string }[] }[]
}

/** None of them is EdDSA, so none may pass for an access token, whatever key it was signed with. */
export const TOKEN_VECTORS: readonly VectorSet<TokenJudge>[] = [
  {
    name: 'Wycheproof JSON Web Signatures',
    file: 'wycheproof/json_web_signature_test.json',
    plan: (data) => ({
      // `auth/required`: what does not even look like a token of ours.
      cases: (data as SignatureFile).testGroups
        .flatMap(({ tests }) => tests)
        .map(({ tcId, jws }) => ({
          id: `tcId ${tcId}`,
          expected: 'refused',
          async run(server) {
            const code = await server.refusalOf(jws)
            return code === 'auth/invalid-token' || code === 'auth/required' ? 'refused' : code
          },
        })),
      notApplicable: [],
    }),
  },
]

const PROOF = toBase64Url(new Uint8Array(8 + 16 + 64))

/** A server for as long as `work` takes. */
export async function withTokenJudge<Result>(work: (judge: TokenJudge) => Promise<Result>): Promise<Result> {
  const store = memoryStore()
  const server = createServer({ store, otp: consoleOtp(() => undefined), rateLimiter: { take: () => 0 } })
  const headers = { 'sc-proof': PROOF, 'content-type': 'application/json', accept: 'application/json' }
  try {
    return await work({
      async refusalOf(token) {
        const request = new Request('http://localhost/v1/prekeys.count', {
          method: 'POST',
          headers: { ...headers, authorization: `SecureChat ${token}` },
          body: '{}',
        })
        const { error } = (await (await server.fetch(request)).json()) as { error: { code: string } }
        return error.code
      },
    })
  } finally {
    await server.close()
    await store.close()
  }
}
