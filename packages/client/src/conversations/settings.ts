import type { ConversationId } from '@securechat/protocol'
import type { Context } from '../context.js'
import { requireConversation, writeConversation } from '../state/conversations.js'
import type { Transaction } from '../state/database.js'
import { shareSoon } from '../sync/due.js'
import { CHAT_SETTINGS, type ChatSetting, chatKey, chatSettings } from '../sync/kinds/chat.js'

export interface SettingsInput {
  readonly conversation: ConversationId
  readonly changes: { readonly [Setting in ChatSetting]?: (Setting extends 'draft' ? string : boolean) | undefined }
}

/** What the user has set for a chat; the own other devices are told of what is different now. */
export async function updateSettings(context: Context, tx: Transaction, { conversation, changes }: SettingsInput): Promise<void> {
  const before = await requireConversation(tx, conversation)
  const changed = CHAT_SETTINGS.filter((setting) => changes[setting] !== undefined && changes[setting] !== before[setting])
  if (changed.length === 0) return
  const after = Object.fromEntries(changed.map((setting) => [setting, changes[setting]]))
  writeConversation(tx, { ...before, ...after })
  await shareSoon(context, tx, { kind: chatSettings.name, keys: changed.map((setting) => chatKey(conversation, setting)) })
}
