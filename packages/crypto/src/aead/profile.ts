import { type AccountId, idToBytes, LABELS, T, u64 } from '@securechat/protocol/core'
import { createSealer, type SealerDeps } from './sealer.js'

export interface ProfileSubject {
  /** 32 bytes, given to contacts inside encrypted messages; a new one after a block or a device's revocation. */
  readonly profileKey: Uint8Array
  readonly accountId: AccountId
  /** Version under which the server keeps it: an old profile cannot be served as a new one. */
  readonly version: number
}

const subjectBytes = ({ accountId, version }: ProfileSubject): Uint8Array => T(LABELS.profile, idToBytes(accountId), u64(version))

export const sealProfile = (deps: SealerDeps, { plaintext, ...subject }: ProfileSubject & { readonly plaintext: Uint8Array }): Uint8Array =>
  createSealer(deps, subject.profileKey).seal(plaintext, subjectBytes(subject))

/** Throws `crypto/authentication-failed` or `protocol/unsupported-version`. */
export const openProfile = (deps: SealerDeps, { sealed, ...subject }: ProfileSubject & { readonly sealed: Uint8Array }): Uint8Array =>
  createSealer(deps, subject.profileKey).open(sealed, subjectBytes(subject))
