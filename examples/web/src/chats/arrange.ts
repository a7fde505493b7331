import type { ConversationSnapshot } from '@securechat/client'

export interface ArrangedChats {
  readonly shown: readonly ConversationSnapshot[]
  readonly requests: readonly ConversationSnapshot[]
}

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase()

/** A name's word begins with what is searched, or the number contains its digits. */
export function matches(chat: ConversationSnapshot, search: string): boolean {
  const wanted = fold(search.trim())
  if (wanted === '') return true
  const name = fold(chat.peer.displayName)
  if (name.startsWith(wanted) || name.includes(` ${wanted}`)) return true
  const digits = wanted.replace(/\D/g, '')
  return digits.length >= 3 && (chat.peer.phone ?? '').includes(digits)
}

/** Pinned first, else in the order that they come in (newest first). Strangers wait apart until they are accepted. */
export function arrange(chats: readonly ConversationSnapshot[], search: string): ArrangedChats {
  const found = chats.filter((chat) => matches(chat, search))
  const requests = found.filter(({ peer }) => peer.relation === 'request')
  const known = found.filter(({ peer }) => peer.relation !== 'request')
  return { shown: [...known.filter(({ pinned }) => pinned), ...known.filter(({ pinned }) => !pinned)], requests }
}
