import { xchacha20 } from '@noble/ciphers/chacha.js'
import { ATTACHMENT_SUITE, encodeSharedBodyHeader, LABELS, T, u32 } from '@securechat/protocol'
import { expect, test } from 'vitest'
import { ciphertextHash, LeafList } from '../../src/attachment/hashes.js'
import { type AttachmentDescriptor, decryptAttachment, memorySink, openAttachment, webCryptoChunkCipher } from '../../src/attachment/index.js'
import { layoutOf } from '../../src/attachment/layout.js'
import { expand, openSharedBody, Secret, type SharedBodyReference } from '../../src/index.js'
import { codeOf } from '../support/codes.js'
import { NOTHING } from '../support/people.js'
import { sodium } from '../support/providers.js'
import { seededRandom } from '../support/random.js'
import { twoKeyCiphertext } from '../support/two-keys.js'
import { twoKeyGcmCiphertext } from '../support/two-keys-gcm.js'

const cipher = webCryptoChunkCipher()
const deps = { provider: sodium, cipher }

/** One chunk that WebCrypto opens under two keys, and a descriptor for each, true in all else: what a sender shows to two recipients, or to one and a moderator. */
async function twoKeyAttachment() {
  const random = seededRandom(29)
  const [chunkBits, size] = [8, 256]
  const secretsOf = (key: Uint8Array) => {
    const out = expand(sodium, key, T(LABELS.attachment, Uint8Array.of(1, ATTACHMENT_SUITE, chunkBits)), 71)
    return { key: out.subarray(0, 32), nonce: Uint8Array.from([...out.subarray(32, 39), 0, 0, 0, 0, 1]), commitment: out.subarray(39) }
  }
  const keys = [random(32), random(32)] as const
  const [one, two] = [secretsOf(keys[0]), secretsOf(keys[1])]
  const chunk = twoKeyGcmCiphertext(
    [one, two],
    Array.from({ length: size / 16 }, () => random(16)),
  )
  const layout = layoutOf({ size, chunkBits })
  const contents: Uint8Array[] = []
  const descriptors: AttachmentDescriptor[] = []
  for (const [index, { key, nonce, commitment }] of [one, two].entries()) {
    const content = await (await cipher.importKey(key)).open(nonce, chunk)
    const leaves = new LeafList()
    leaves.add(await cipher.sha256(chunk))
    const header = Uint8Array.from([1, ATTACHMENT_SUITE, chunkBits, ...commitment])
    contents.push(content)
    descriptors.push({
      key: new Secret((keys[index] as Uint8Array).slice()),
      chunkBits,
      ciphertextHash: ciphertextHash(sodium, { header, layout, leaves }),
      size,
      mediaType: 'image/png',
      thumbnail: NOTHING,
    })
  }
  return { container: Uint8Array.from([1, ATTACHMENT_SUITE, chunkBits, ...one.commitment, ...chunk]), contents, descriptors }
}

const codeOfOpening = (work: Promise<unknown>) =>
  work.then(
    () => 'opened',
    (error: unknown) =>
      codeOf(() => {
        throw error
      }),
  )

test('attack 29: an attachment that AES-GCM opens under two keys is opened under the committed one only', async () => {
  const { container, contents, descriptors } = await twoKeyAttachment()
  expect(contents[0]).not.toEqual(contents[1])
  const open = async (descriptor: AttachmentDescriptor): Promise<Uint8Array> => {
    const to = memorySink(1000)
    await decryptAttachment(deps, { descriptor, from: container, to })
    return to.bytes()
  }
  expect(await open(descriptors[0] as AttachmentDescriptor)).toEqual(contents[0])
  expect(await codeOfOpening(open(descriptors[1] as AttachmentDescriptor))).toBe('crypto/authentication-failed')
})

test('attack 29: a reader that seeks refuses an attachment under the key that it is not committed to', async () => {
  const { container, contents, descriptors } = await twoKeyAttachment()
  const readAt = async (offset: number, length: number) => container.slice(offset, offset + length)
  const reader = await openAttachment(deps, { descriptor: descriptors[0] as AttachmentDescriptor, readAt })
  expect(await reader.read({ offset: 0, length: 256 })).toEqual(contents[0])
  expect(await codeOfOpening(openAttachment(deps, { descriptor: descriptors[1] as AttachmentDescriptor, readAt }))).toBe('crypto/authentication-failed')
})

test('attack 29: a shared body that the cipher opens under two keys, well padded under both, is opened under the committed one only', () => {
  const header = encodeSharedBodyHeader(new Uint8Array(16).fill(29))
  const [LENGTH, PADDED] = [252, 256]
  // Found by search: under both keys the stream begins with the same four bytes, so that both texts can begin with a true length.
  const keys = [13_836, 47_219].map((number) => Uint8Array.from([...u32(number), ...new Uint8Array(28)]))
  const secrets = keys.map((key) => {
    const out = expand(sodium, key, T(LABELS.sharedBody, header), 88)
    return { key: out.subarray(0, 32), nonce: out.subarray(32, 56), commitment: out.subarray(56) }
  })
  const [one, two] = secrets as [(typeof secrets)[number], (typeof secrets)[number]]
  const stream = xchacha20(one.key, one.nonce, new Uint8Array(64 + 4)).subarray(64)
  const prefix = new Uint8Array(PADDED - 32)
  prefix.set(stream.map((byte, i) => byte ^ (u32(LENGTH)[i] as number)))
  const ciphertext = twoKeyCiphertext([one, two], NOTHING, prefix)
  const body = Uint8Array.from([...header, ...one.commitment, ...ciphertext])
  const hash = sodium.blake2b(32, T(LABELS.sharedBodyHash, body))
  const texts = secrets.map(({ key, nonce }) => sodium.aeadOpen(key, nonce, { data: ciphertext, associatedData: NOTHING }).subarray(4))
  expect(texts[0]).not.toEqual(texts[1])

  const reference = (index: number): SharedBodyReference => ({
    id: header.slice(4),
    key: new Secret(keys[index] as Uint8Array),
    hash,
    size: body.length,
  })
  const open = (index: number) => openSharedBody({ provider: sodium }, { reference: reference(index), headerId: header.slice(4), body })
  expect(open(0)).toEqual(texts[0])
  expect(codeOf(() => open(1))).toBe('crypto/authentication-failed')
})
