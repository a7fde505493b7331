import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LABELS, parseT, T } from '@securechat/protocol'
import { describe, expect, test } from 'vitest'
import { generateSigningKeys } from '../../src/identity/keys.js'
import { codeOf } from '../support/codes.js'
import { providers, sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'
import { SIGNATURE_SITES, type SignatureSite, type SiteSigner } from '../support/signature-sites.js'
import { laxVerify, mixedOrderSigner, weakCases } from '../support/weak-signatures.js'

const PACKAGES = join(import.meta.dirname, '../../..')
const keys = generateSigningKeys({ provider: sodium, random: seededRandom(5) })
const genuine: SiteSigner = { publicKey: keys.publicKey, sign: (message) => sodium.ed25519Sign(keys.secretKey.expose(), message) }
const REFUSALS = [
  'devices/invalid-manifest',
  'prekeys/invalid-bundle',
  'auth/invalid-proof',
  'groups/invalid-operation',
  'crypto/invalid-signature',
  'crypto/authentication-failed',
]

/** The bytes that a site signs. */
function messageOf(site: SignatureSite): Uint8Array {
  let signed: Uint8Array | undefined
  site.make({
    ...genuine,
    sign(message) {
      signed = message.slice()
      return genuine.sign(message)
    },
  })
  return signed!
}

describe('the list of places that check a signature', () => {
  test('is complete', () => {
    // Not the folders beside the sources: those of installed packages have tens of thousands of files.
    const sources = readdirSync(PACKAGES).map((name) => join(name, 'src'))
    const files = sources
      .filter((folder) => existsSync(join(PACKAGES, folder)))
      .flatMap((folder) => readdirSync(join(PACKAGES, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
      .filter((file) => /\.tsx?$/.test(file) && !/^crypto\/src\/(primitives|conformance)\//.test(file))
      .filter((file) => /\bed25519Verify\(/.test(readFileSync(join(PACKAGES, file), 'utf8')))
    expect(files.sort()).toEqual([...new Set(SIGNATURE_SITES.map(({ source }) => source))].sort())
  })

  test.each(SIGNATURE_SITES)('$name: a genuine signature passes with every provider', (site) => {
    const verify = site.make(genuine)
    for (const provider of providers) expect(() => verify(provider), provider.name).not.toThrow()
  })
})

describe('attack 07: weak Ed25519 keys and signatures', () => {
  test('attack 07: the cases are what they say: a lax verifier takes them', () => {
    for (const { number, what, lax, signer } of weakCases()) {
      const messages = Array.from({ length: 24 }, (_, i) => Uint8Array.of(i, 7))
      const taken = messages.filter((message) => laxVerify(signer.sign(message), message, signer.publicKey))
      expect(taken.length > 0, `${number}: ${what}`).toBe(lax)
    }
  })

  describe.each(SIGNATURE_SITES)('$name', (site) => {
    test.each(weakCases())('attack 07: case $number, $what, is refused by every provider', ({ signer }) => {
      const verify = site.make(signer)
      const codes = providers.map((provider) => codeOf(() => verify(provider)))
      expect(REFUSALS).toContain(codes[0])
      expect(new Set(codes).size).toBe(1)
    })

    test('attack 07: case 3, mixed order and valid without cofactor, is taken by every provider', () => {
      const verify = site.make(mixedOrderSigner())
      for (const provider of providers) expect(() => verify(provider), provider.name).not.toThrow()
    })
  })
})

describe('attack 08: a signature for one purpose used for another', () => {
  const pairs = SIGNATURE_SITES.flatMap((from) => SIGNATURE_SITES.filter((to) => to.label !== from.label).map((to) => ({ from, to })))

  test.each(pairs)('attack 08: $from.name is no $to.name', ({ from, to }) => {
    const signature = genuine.sign(messageOf(from))
    const verify = to.make({ ...genuine, sign: () => signature })
    for (const provider of providers) expect(REFUSALS, provider.name).toContain(codeOf(() => verify(provider)))
  })

  test('attack 08: what is signed begins with the label of its purpose, and cannot be read under another', () => {
    for (const site of SIGNATURE_SITES) {
      const message = messageOf(site)
      expect(parseT(message, site.label).length, site.name).toBeGreaterThan(0)
      for (const label of Object.values(LABELS)) {
        if (label === site.label) continue
        expect(codeOf(() => parseT(message, label))).toBe('protocol/malformed')
        // Whatever the fields are: the same ones under another label are other bytes, and none is the beginning of the other.
        const other = T(label, ...parseT(message, site.label))
        const shorter = Math.min(other.length, message.length)
        expect(other.subarray(0, shorter)).not.toEqual(message.subarray(0, shorter))
      }
    }
  })

  test('attack 08: labels are unique', () => {
    expect(new Set(Object.values(LABELS)).size).toBe(Object.values(LABELS).length)
    expect(new Set(SIGNATURE_SITES.map(({ label }) => label)).size).toBe(12)
  })
})
