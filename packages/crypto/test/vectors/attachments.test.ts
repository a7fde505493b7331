import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ATTACHMENT_SUITE, LABELS, T } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { encodeAttachmentDescriptor } from '../../src/attachment/index.js'
import { type CryptoProvider, expand } from '../../src/index.js'
import { contentOf, seal } from '../support/attachments.js'
import { providers, sodium } from '../support/providers.js'

/** docs/protocol/vectors/attachments.json; SECURECHAT_WRITE_VECTORS=1 writes the file anew. */
const FILE = resolve(import.meta.dirname, '../../../../docs/protocol/vectors/attachments.json')
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const SHOWN = 1200

async function container(provider: CryptoProvider, { chunkBits, size, seed }: { chunkBits: number; size: number; seed: number }) {
  const key = new Uint8Array(32).fill(seed)
  const thumbnail = contentOf(seed === 1 ? 5 : 0)
  const mediaType = 'image/jpeg'
  const { descriptor, container: bytes } = await seal(contentOf(size), { provider, random: () => key.slice(), chunkBits, mediaType, thumbnail })
  const secrets = expand(provider, key, T(LABELS.attachment, Uint8Array.of(1, ATTACHMENT_SUITE, chunkBits)), 71)
  return {
    chunkBits,
    size,
    key: hex(key),
    chunkKey: hex(secrets.subarray(0, 32)),
    noncePrefix: hex(secrets.subarray(32, 39)),
    commitment: hex(secrets.subarray(39)),
    containerBytes: bytes.length,
    ...(bytes.length <= SHOWN && { container: hex(bytes) }),
    containerBlake2b: hex(provider.blake2b(32, bytes)),
    ciphertextHash: hex(descriptor.ciphertextHash),
    mediaType,
    thumbnail: hex(thumbnail),
    descriptor: hex(encodeAttachmentDescriptor(descriptor)),
  }
}

const cases = [
  { chunkBits: 8, size: 0, seed: 1 },
  { chunkBits: 8, size: 1, seed: 2 },
  { chunkBits: 8, size: 256, seed: 3 },
  { chunkBits: 8, size: 700, seed: 4 },
  { chunkBits: 10, size: 4097, seed: 5 },
  { chunkBits: 16, size: 200_000, seed: 6 },
  { chunkBits: 20, size: 1_048_576, seed: 7 },
]

async function compute(provider: CryptoProvider) {
  const containers = []
  for (const one of cases) containers.push(await container(provider, one))
  return { suite: ATTACHMENT_SUITE, content: 'byte i is (31*i + floor(i/256)) mod 256', containers }
}

if (process.env.SECURECHAT_WRITE_VECTORS === '1') writeFileSync(FILE, `${JSON.stringify(await compute(sodium), null, 2)}\n`)

test.each(providers)('$name reproduces the published vectors of attachments', async (provider) => {
  expect(await compute(provider)).toEqual(JSON.parse(readFileSync(FILE, 'utf8')))
})
