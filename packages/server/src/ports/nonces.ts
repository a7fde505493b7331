/**
 * The nonces of request proofs, shared by the nodes of one server: without it a captured call could be made once more at every other node. Each node
 * remembers its own besides.
 */
export interface SharedNonces {
  /** True for the first claim of `key` within `seconds`, false for every further one. Rejects where that cannot be known; the node then relies on its own memory. */
  claim(key: string, seconds: number): Promise<boolean>
}
