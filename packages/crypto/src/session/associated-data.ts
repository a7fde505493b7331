import { ID_BYTES, idToBytes, LABELS, sizeOfTHead, transientBytes, writeField, writeTHead, writeU32Field } from '@securechat/protocol/core'

interface Endpoint {
  readonly accountId: string
  readonly deviceId: number
}

/** Six lengths, two accounts, two devices. */
const FRAMING = 6 * 4 + 2 * ID_BYTES + 2 * 4

/** AD = T("SC1/ad", th, sender account, device, recipient account, device, the header as sent). */
export function associatedData(
  th: Uint8Array,
  { from, to, header }: { readonly from: Endpoint; readonly to: Endpoint; readonly header: Uint8Array },
): Uint8Array {
  const ad = transientBytes(sizeOfTHead(LABELS.associatedData) + FRAMING + th.length + header.length)
  let at = writeTHead(ad, 0, LABELS.associatedData, 6)
  at = writeField(ad, at, th)
  at = writeField(ad, at, idToBytes(from.accountId))
  at = writeU32Field(ad, at, from.deviceId)
  at = writeField(ad, at, idToBytes(to.accountId))
  at = writeU32Field(ad, at, to.deviceId)
  writeField(ad, at, header)
  return ad
}
