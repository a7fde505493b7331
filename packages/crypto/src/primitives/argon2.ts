import { argon2id as derive } from 'hash-wasm'

export interface Argon2Cost {
  /** Memory in KiB. */
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** Argon2id version 1.3 (RFC 9106), in WebAssembly. Gives `bytes` bytes. */
export const argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  { memoryKiB, passes, lanes, bytes }: Argon2Cost & { readonly bytes: number },
): Promise<Uint8Array> => derive({ password, salt, memorySize: memoryKiB, iterations: passes, parallelism: lanes, hashLength: bytes, outputType: 'binary' })
