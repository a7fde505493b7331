// 07 Post-quantum ratchet.
import { concat, T, uint } from './bytes.mjs'
import { H } from './primitives.mjs'

const CHUNK = 176

export const keyTag = (th, epoch, ek) => H(T('SC1/pq', th, uint(4, epoch), ek))
/** h, of ek and ct. */
export const epochHash = (th, epoch, ek, ct) => H(T('SC1/pq', th, uint(4, epoch), ek, ct))

/** chunk = u32 e ‖ u8 kind ‖ u8 i ‖ tag 8 ‖ bytes; kind 1 is ek, 2 is ct. */
export const chunkOf = ({ epoch, kind, index, hash }, object) =>
  concat(uint(4, epoch), uint(1, kind), uint(1, index), hash.subarray(0, 8), object.subarray(CHUNK * index, CHUNK * (index + 1)))
