// 02 Keys and manifests.
import { concat, cursor, EMPTY, key, readKey, readT, readTPrefix, readUint, refuse, same, T, uint, utf8 } from './bytes.mjs'
import { H, verifySignature } from './primitives.mjs'

export const SUITE = uint(1, 1)
const DAY = 86_400_000

/** What a device's DSK signs to accept its place in an account. */
export const acceptance = ({ account, accountKey, device, signingKey, identityKey, transcript = EMPTY }) =>
  T('SC1/device-accept', SUITE, account, key('ed25519', accountKey), uint(4, device), key('ed25519', signingKey), key('x25519', identityKey), transcript)

function readDevices(bytes) {
  const from = cursor(bytes)
  const devices = []
  while (from.rest().length > 0) {
    devices.push({
      device: from.uint(4),
      signingKey: readKey('ed25519', from.take(33)),
      identityKey: readKey('x25519', from.take(33)),
      addedVersion: from.uint(8),
      flags: from.uint(4),
    })
  }
  return devices
}

/** Parses a manifest and checks everything that can be checked without another one. */
export function readManifest(bytes) {
  const from = cursor(bytes)
  const format = from.uint(1)
  if (format !== 1 && format !== 2) refuse('manifest version')
  const core = from.take(from.uint(4))
  const [suite, account, aik, version, prevHash, notBefore, notAfter, recovery, list] = readT(core, 'SC1/manifest')
  if (!same(suite, SUITE) || account.length !== 16) refuse('manifest')
  const accountKey = readKey('ed25519', aik)
  verifySignature(accountKey, core, from.take(64), 'manifest')
  const devices = readDevices(list)
  const number = readUint(version)
  if (devices.length < 1 || devices.length > 32) refuse('number of devices')
  if (number < 1 || (number === 1) !== (prevHash.length === 0)) refuse('prevHash')
  const [start, end] = [readUint(notBefore), readUint(notAfter)]
  if (!(start < end && end <= start + 30 * DAY)) refuse('validity')
  devices.forEach((entry, i) => {
    if (i > 0 && entry.device <= devices[i - 1].device) refuse('order of devices')
    if (entry.addedVersion < 1 || entry.addedVersion > number) refuse('addedVersion')
    const transcript = from.take(from.uint(1))
    verifySignature(entry.signingKey, acceptance({ account, accountKey, transcript, ...entry }), from.take(64), 'acceptance')
  })
  const succession = from.take(from.rest().length)
  if (format === 2 ? succession.length === 0 || number === 1 : succession.length > 0) refuse('succession')
  return { account, accountKey, version: number, prevHash, notBefore: start, notAfter: end, recovery, devices, succession, hash: H(core) }
}

const PREKEY_TYPES = { 1: ['x25519', null], 2: ['x25519', 'mlkem768'], 3: [null, 'mlkem768'] }

/** Parses an uploaded prekey of `owner` and checks its signature. */
export function readPreKey(bytes, owner) {
  const { fields, read, rest } = readTPrefix(bytes, 'SC1/prekey')
  const [suite, account, device, type, keyId, created, notAfter, dh, kem] = fields
  verifySignature(owner.signingKey, read, rest, 'prekey')
  if (!same(suite, SUITE) || !same(account, owner.account) || readUint(device) !== owner.device) refuse('owner of a prekey')
  const kinds = PREKEY_TYPES[readUint(type)] ?? refuse('prekey type')
  const part = (kind, value) => (kind ? readKey(kind, value) : value.length > 0 ? refuse('surplus key') : null)
  return {
    type: readUint(type),
    keyId: readUint(keyId),
    created: readUint(created),
    notAfter: readUint(notAfter),
    dh: part(kinds[0], dh),
    kem: part(kinds[1], kem),
  }
}

function half({ account, accountKey }) {
  let h = H(T('SC1/safety-number', uint(2, 1), account, key('ed25519', accountKey)))
  for (let i = 1; i < 5200; i++) h = H(h, accountKey)
  return Array.from({ length: 6 }, (_, i) => String(readUint(h.subarray(i * 5, i * 5 + 5)) % 100_000).padStart(5, '0')).join('')
}
export const safetyNumber = (a, b) => [half(a), half(b)].sort().join('')

const h = (bytes) => H(bytes, undefined, 32)
/** Transcripts of the proofs of possession. */
export const proofs = {
  socket: ({ challenge, accessToken }) => T('SC1/auth/socket', challenge, h(utf8(accessToken))),
  request: ({ operation, body, accessToken, issuedAt, nonce }) =>
    T('SC1/auth/request', utf8(operation), h(body), h(utf8(accessToken)), uint(8, issuedAt), nonce),
  refresh: ({ refreshToken, issuedAt, nonce }) => T('SC1/auth/refresh', h(utf8(refreshToken)), uint(8, issuedAt), nonce),
}

/** A party of the handshake's transcript, from a verified manifest. */
export const party = (manifest, { device, signingKey, identityKey }) => ({
  fields: [
    manifest.account,
    uint(4, device),
    key('ed25519', manifest.accountKey),
    key('ed25519', signingKey),
    key('x25519', identityKey),
    uint(8, manifest.version),
    manifest.hash.subarray(0, 32),
  ],
  account: manifest.account,
  device,
  signingKey,
  identityKey,
  version: manifest.version,
  hash: manifest.hash.subarray(0, 32),
  endpoint: concat(manifest.account, uint(4, device)),
})
