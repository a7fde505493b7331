/** For public data only: it stops at the first difference. What is secret, or proves something, goes through `equalSecretBytes`. */
export function equalPublicBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Negative where `a` comes first, in lexical order; of public bytes, and of one length. */
export function comparePublicBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}

/** Time depends on the lengths only (as far as an engine lets it: docs/threat-model.md, "Not protected"). For keys, tags, commitments, MACs. */
export function equalSecretBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** For public data only, and without a view of the beginning. */
export function beginsWithPublicBytes(bytes: Uint8Array, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i++) if (bytes[i] !== beginning[i]) return false
  return true
}
