import { idToBytes, LABELS, transientT, u32 } from '@securechat/protocol'

interface Endpoint {
  readonly accountId: string
  readonly deviceId: number
}

/** AD = T("SC1/ad", th, sender account, device, recipient account, device, the header as sent). */
export const associatedData = (
  th: Uint8Array,
  { from, to, header }: { readonly from: Endpoint; readonly to: Endpoint; readonly header: Uint8Array },
): Uint8Array => transientT(LABELS.associatedData, th, idToBytes(from.accountId), u32(from.deviceId), idToBytes(to.accountId), u32(to.deviceId), header)
