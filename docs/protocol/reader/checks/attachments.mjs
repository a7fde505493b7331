import { hex, requireEqual } from '../bytes.mjs'
import { openAttachment, readDescriptor, sealAttachment } from '../content.mjs'
import { H } from '../primitives.mjs'

export const RULE = 'byte i is (31*i + floor(i/256)) mod 256'
export const contentOf = (size) => Uint8Array.from({ length: size }, (_, i) => (31 * i + Math.floor(i / 256)) % 256)

function check(vector) {
  const descriptor = readDescriptor(hex(vector.descriptor))
  for (const name of ['chunkBits', 'size', 'mediaType']) requireEqual(descriptor[name], vector[name], name)
  for (const name of ['key', 'ciphertextHash', 'thumbnail']) requireEqual(descriptor[name], hex(vector[name]), name)
  const content = contentOf(vector.size)
  const container = vector.container === undefined ? sealAttachment(descriptor, content) : hex(vector.container)
  requireEqual(container.length, vector.containerBytes, 'length of the container')
  requireEqual(H(container, undefined, 32), hex(vector.containerBlake2b), 'container')
  const opened = openAttachment(descriptor, container)
  requireEqual(opened.content, content, 'content')
  requireEqual(opened.key, hex(vector.chunkKey), 'key of the chunks')
  requireEqual(opened.prefix, hex(vector.noncePrefix), 'nonce prefix')
  requireEqual(opened.commitment, hex(vector.commitment), 'commitment')
}

export function* checks(vectors) {
  yield [
    'suite and contents',
    () => {
      requireEqual(vectors.suite, 3, 'suite')
      requireEqual(vectors.content, RULE, 'rule of the contents')
    },
  ]
  for (const vector of vectors.containers) yield [`container of ${vector.size} bytes in chunks of 2^${vector.chunkBits}`, () => check(vector)]
}
