import { type CryptoDeps, type DecryptResult, decryptMessage, type PreKeyLookup, type RemoteDevice, remoteDevice, requiredPreKeys } from '@securechat/crypto'
import { type AccountId, type DeviceId, type MailboxRow, SecureChatError } from '@securechat/protocol'
import type { Self } from '../context.js'
import { recordOf } from '../send/ensure-sessions.js'
import { resolveLocal } from '../send/resolve-devices.js'
import type { Reader, Transaction } from '../state/database.js'
import { type Pins, readPins } from '../state/pins.js'
import { deletePreKey, readPreKey } from '../state/prekeys.js'
import { readSession, writeSession } from '../state/sessions.js'

export interface Opened {
  readonly sender: { readonly accountId: AccountId; readonly deviceId: DeviceId }
  readonly result: DecryptResult
  readonly local: Pins
  readonly remote: Pins
}

/** The device that wrote a row, under the newest list that names it: the believed one, or the changed identity that waits for consent. */
function findRemote({ pin, candidate }: Pins, deviceId: DeviceId): RemoteDevice {
  const manifest = [pin.manifest, candidate?.manifest].find((listed) => listed?.devices.some((device) => device.deviceId === deviceId))
  if (!manifest) throw new SecureChatError('devices/stale-manifest', { detail: 'unknown device' })
  return remoteDevice(manifest, deviceId)
}

async function readPreKeyLookup(reader: Reader, envelope: Uint8Array): Promise<PreKeyLookup> {
  const needed = requiredPreKeys(envelope)
  if (!needed) return {}
  const [signed, kem] = [await readPreKey(reader, needed.signedPreKeyId), await readPreKey(reader, needed.kemId)]
  return { ...(signed && { signed: signed.private }), ...(kem && { kem: kem.private }) }
}

/**
 * Decrypts a row and puts the new session state and the deletion of the used prekey into the caller's commit. Throws the codes that
 * `classifyReceiveFailure` knows; then the transaction is as before.
 */
export async function decryptRow(tx: Transaction, deps: CryptoDeps, { self, row }: { readonly self: Self; readonly row: MailboxRow }): Promise<Opened> {
  const { sender, envelope } = row
  // Rows without a sender are for a later version (sealed sender).
  if (!sender) throw new SecureChatError('protocol/unsupported-version', { detail: 'sender' })
  const { local, pins: own } = await resolveLocal(tx, deps.provider, self)
  const pins = sender.accountId === self.accountId ? own : await readPins(tx, deps.provider, sender.accountId)
  if (!pins) throw new SecureChatError('devices/stale-manifest', { detail: 'unknown account' })
  const remote = findRemote(pins, sender.deviceId)
  const record = recordOf(await readSession(tx, sender), remote)
  const preKeys = await readPreKeyLookup(tx, envelope)
  const result = decryptMessage(deps, { record, local, remote, envelope, preKeys })
  writeSession(tx, sender, result.record)
  if (result.consumed.oneTimePreKeyId !== undefined) deletePreKey(tx, result.consumed.oneTimePreKeyId)
  return { sender, result, local: own, remote: pins }
}
