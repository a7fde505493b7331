/** Protocol versions that this code speaks, newest first. A peer picks the highest that both speak. */
export const PROTOCOL_VERSIONS = [1] as const
export const FRAME_VERSION = 1
export const ENVELOPE_VERSION = 1
/** X25519, Ed25519, ML-KEM-768, XChaCha20-Poly1305, BLAKE2b. 0x02 is reserved for ML-KEM-1024. */
export const SUITE = 0x01
/** Attachments: AES-256-GCM chunks, SHA-256 of chunks, BLAKE2b for keys and hash roots (docs/protocol/10-attachments.md). */
export const ATTACHMENT_SUITE = 0x03
/** Type bytes that stand before every encoded public key. */
export const KEY_TYPES = { ed25519: 0x01, x25519: 0x02, mlkem768: 0x03 } as const
