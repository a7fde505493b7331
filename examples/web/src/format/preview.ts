import type { Message } from '@securechat/client'

/** One line that stands for a message: in the chat list, above a reply. */
export function previewOf(message: Message): string {
  switch (message.kind) {
    case 'text':
      return message.text.replace(/\s+/g, ' ')
    case 'deleted':
      return message.mine ? 'You deleted this message' : 'This message was deleted'
    case 'undecryptable':
      return 'Waiting for this message'
    case 'unsupported':
      return 'A newer kind of message'
    case 'identity-changed':
    case 'identity-recovered':
      return 'The safety number has changed'
  }
}

export const STATUS_LABELS = {
  queued: 'Waiting to be sent',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Not sent',
} as const
