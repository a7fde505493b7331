import { hex, requireEqual } from '../bytes.mjs'
import { openSharedBody, readReference } from '../content.mjs'
import { contentOf, RULE } from './attachments.mjs'

function check(vector) {
  const reference = readReference(hex(vector.reference))
  const [id, key] = vector.draws.values.map(hex)
  requireEqual(reference.id, id, 'id')
  requireEqual(reference.key, key, 'K')
  const opened = openSharedBody(reference, hex(vector.body))
  requireEqual(opened.content, contentOf(vector.size), 'content')
  requireEqual(opened.key, hex(vector.bodyKey), 'key')
  requireEqual(opened.nonce, hex(vector.nonce), 'nonce')
  requireEqual(opened.commitment, hex(vector.commitment), 'commitment')
  requireEqual(opened.hash, hex(vector.hash), 'hash')
}

export function* checks(vectors) {
  yield [
    'suite and contents',
    () => {
      requireEqual(vectors.suite, 1, 'suite')
      requireEqual(vectors.content, RULE, 'rule of the contents')
    },
  ]
  for (const vector of vectors.bodies) yield [`body of ${vector.size} bytes`, () => check(vector)]
}
