import { type AccountId, type DeviceId, ID_BYTES, idToBytes } from '@securechat/protocol'
import type { Append } from '@securechat/server'
import { int4Array, int8Array } from './types.js'

export interface Acknowledgement {
  readonly accountId: AccountId
  readonly deviceId: DeviceId
  readonly upTo: number
}

/** Bytes that a send brings into a batch. */
export function sizeOf({ recipients, body }: Append): number {
  let size = 2 * ID_BYTES + (body?.length ?? 0)
  for (const { envelope } of recipients) size += ID_BYTES + envelope.length
  return size
}

/** The arguments of `mailbox_write_1` (mailbox-functions.ts): all bytes copied once, into one value. */
export function encodeWrite(sends: readonly Append[], acknowledgements: readonly Acknowledgement[]): Buffer[] {
  let size = acknowledgements.length * ID_BYTES
  for (const send of sends) size += sizeOf(send)
  const blob = Buffer.allocUnsafe(size)
  let at = 0
  /** Copies and answers the position, which SQL counts from 1. */
  const put = (bytes: Uint8Array): number => {
    blob.set(bytes, at)
    at += bytes.length
    return at - bytes.length + 1
  }
  const s = { at: [] as number[], device: [] as number[], time: [] as number[], body: [] as number[], max: [] as number[] }
  const r = { send: [] as number[], at: [] as number[], device: [] as number[], manifest: [] as number[], length: [] as number[] }
  const a = { at: [] as number[], device: [] as number[], upTo: [] as number[] }
  for (let i = 0; i < sends.length; i++) {
    const { sender, sendId, time, body, recipients, maxRows } = sends[i]!
    s.at.push(put(idToBytes(sender.accountId)))
    put(idToBytes(sendId))
    if (body) put(body)
    s.device.push(sender.deviceId)
    s.time.push(time)
    s.body.push(body ? body.length : -1)
    s.max.push(maxRows)
    for (const { accountId, deviceId, manifestVersion, envelope } of recipients) {
      r.send.push(i + 1)
      r.at.push(put(idToBytes(accountId)))
      put(envelope)
      r.device.push(deviceId)
      r.manifest.push(manifestVersion)
      r.length.push(envelope.length)
    }
  }
  for (const { accountId, deviceId, upTo } of acknowledgements) {
    a.at.push(put(idToBytes(accountId)))
    a.device.push(deviceId)
    a.upTo.push(upTo)
  }
  return [
    blob,
    int4Array(s.at),
    int8Array(s.device),
    int8Array(s.time),
    int4Array(s.body),
    int4Array(s.max),
    int4Array(r.send),
    int4Array(r.at),
    int8Array(r.device),
    int8Array(r.manifest),
    int4Array(r.length),
    int4Array(a.at),
    int8Array(a.device),
    int8Array(a.upTo),
  ]
}
