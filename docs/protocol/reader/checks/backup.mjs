// 11 Recovery and backup: containers and manifests.
import { EMPTY, hex, requireEqual, utf8 } from '../bytes.mjs'
import { anchorBytes, openManifest, openSegment, recoveryKeys, requireListed, saltOf } from '../recovery.mjs'

function requireRecords(records, expected) {
  requireEqual(records.length, expected.length, 'number of records')
  records.forEach(({ name, value }, i) => {
    requireEqual(name, utf8(expected[i].recordName), 'name')
    if (expected[i].value === null) requireEqual(value, null, 'deleted')
    else requireEqual(value, utf8(expected[i].value), 'value')
  })
}

export function* checks(vectors) {
  const [entropy, backupId, segmentDraw, manifestDraw, nextId, nextSegmentDraw, nextManifestDraw] = vectors.draws.values.map(hex)
  const keys = { backupKey: recoveryKeys(entropy).backupKey, account: hex(vectors.account) }
  yield ['backup key', () => requireEqual(keys.backupKey, hex(vectors.backupKey), 'backup key')]
  const step = ({ segment, manifest }, { id, draws, records, ancestors, entries }) => {
    const opened = openSegment(keys, hex(segment.output))
    requireEqual([opened.kind, opened.number], [segment.kind, segment.number], 'kind and number')
    requireEqual(opened.backupId, id, 'backup id')
    requireRecords(opened.records, records)
    requireEqual(opened.salt, saltOf(keys, opened, draws[0]), 'salt of the segment')
    const listed = openManifest(keys, hex(manifest.output))
    requireEqual(listed.number, manifest.revision, 'revision')
    requireEqual(listed.backupId, id, 'backup id')
    requireEqual(listed.hash, hex(manifest.hash), 'manifest hash')
    requireEqual(listed.salt, saltOf(keys, listed, draws[1]), 'salt of the manifest')
    requireEqual(listed.created, vectors.time, 'time')
    requireEqual(listed.nextNumber, segment.number + 1, 'next number')
    requireEqual(listed.ancestors, ancestors, 'ancestors')
    requireEqual(listed.entries.length, entries.length, 'entries')
    for (const [i, bytes] of entries.entries()) requireListed(listed.entries[i], hex(bytes))
  }
  yield [
    'segment and manifest',
    () => step(vectors, { id: backupId, draws: [segmentDraw, manifestDraw], records: vectors.records, ancestors: EMPTY, entries: [vectors.segment.output] }),
  ]
  yield [
    'continued under another id',
    () => {
      const before = openManifest(keys, hex(vectors.manifest.output))
      step(vectors.continuation, {
        id: nextId,
        draws: [nextSegmentDraw, nextManifestDraw],
        records: vectors.records.slice(0, 1),
        ancestors: anchorBytes(before),
        entries: [vectors.segment.output, vectors.continuation.segment.output],
      })
    },
  ]
}
