import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LABELS, parseSharedBody, T } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { type CryptoProvider, decodeSharedBodyReference, encodeSharedBodyReference, expand, openSharedBody, sealSharedBody } from '../../src/index.js'
import { contentOf } from '../support/attachments.js'
import { providers, sodium } from '../support/providers.js'
import { unhex } from '../support/vectors.js'

/** docs/protocol/vectors/shared-body.json; SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/shared-body.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function body(provider: CryptoProvider, size: number) {
  const [id, key] = [new Uint8Array(16).fill(size & 0xff), new Uint8Array(32).fill(0x50 + (size & 0x0f))]
  const draws = [id.slice(), key.slice()]
  const { body: bytes, reference } = sealSharedBody({ provider, random: () => draws.shift() as Uint8Array }, contentOf(size))
  const secrets = expand(provider, key, T(LABELS.sharedBody, parseSharedBody(bytes).header), 88)
  return {
    size,
    draws: { order: 'id 16, key 32', values: [hex(id), hex(key)] },
    bodyKey: hex(secrets.subarray(0, 32)),
    nonce: hex(secrets.subarray(32, 56)),
    commitment: hex(secrets.subarray(56)),
    body: hex(bytes),
    hash: hex(reference.hash),
    reference: hex(encodeSharedBodyReference(reference)),
  }
}

const compute = (provider: CryptoProvider) => ({
  suite: 1,
  content: 'byte i is (31*i + floor(i/256)) mod 256',
  bodies: [0, 1, 252, 253, 5000].map((size) => body(provider, size)),
})

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces and opens the published vectors of shared bodies', (provider) => {
  const published = JSON.parse(readFileSync(FILE, 'utf8')) as ReturnType<typeof compute>
  expect(compute(provider)).toEqual(published)
  for (const vector of published.bodies) {
    const reference = decodeSharedBodyReference(unhex(vector.reference))
    expect(openSharedBody({ provider }, { reference, headerId: reference.id, body: unhex(vector.body) })).toEqual(contentOf(vector.size))
  }
})
