const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const little = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)

/** Randomness from which the OPRF library draws exactly this scalar: it takes 48 bytes modulo (order − 1), plus 1. */
export function drawOfScalar(scalar: Uint8Array): Uint8Array {
  let rest = (((little(scalar) - 1n) % (ORDER - 1n)) + ORDER - 1n) % (ORDER - 1n)
  return Uint8Array.from({ length: 48 }, () => {
    const byte = Number(rest & 255n)
    rest >>= 8n
    return byte
  })
}
