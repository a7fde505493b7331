import { type ConversationId, idToBytes, LABELS, LIMITS, SecureChatError, T } from '@securechat/protocol/core'
import { createSealer, type SealerDeps } from '../aead/sealer.js'

export interface TitleSubject {
  /** 32 bytes, made with the group and given to members inside pairwise messages. */
  readonly titleKey: Uint8Array
  readonly groupId: ConversationId
}

/** The server stores and passes on operations, so it is given titles encrypted. Throws `protocol/too-large`, `crypto/invalid-key`. */
export function sealGroupTitle(deps: SealerDeps, { titleKey, groupId, title }: TitleSubject & { readonly title: Uint8Array }): Uint8Array {
  const sealed = createSealer(deps, titleKey).seal(title, T(LABELS.groupTitle, idToBytes(groupId)))
  if (sealed.length > LIMITS.groupTitleBytes) throw new SecureChatError('protocol/too-large', { detail: 'group title' })
  return sealed
}

/** Throws `crypto/authentication-failed`, `protocol/unsupported-version`, `crypto/invalid-key`. */
export const openGroupTitle = (deps: SealerDeps, { titleKey, groupId, sealed }: TitleSubject & { readonly sealed: Uint8Array }): Uint8Array =>
  createSealer(deps, titleKey).open(sealed, T(LABELS.groupTitle, idToBytes(groupId)))
