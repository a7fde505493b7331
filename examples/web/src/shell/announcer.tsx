import { useClient, useClientEvent, useConversations } from '@securechat/react'
import { useEffect, useState } from 'react'

/** Reads new messages to screen readers. The list itself is no live region: scrolling a virtual list would be read out as news. */
export function Announcer() {
  const client = useClient()
  const [text, setText] = useState('')
  useClientEvent('message', ({ conversation, message }) => {
    if (message.mine || message.kind !== 'text') return
    void client.contacts
      .get(conversation.peerId)
      .then(
        (contact) => contact?.displayName,
        () => undefined,
      )
      .then((name) => setText(`New message from ${name ?? 'a contact'}: ${message.text.slice(0, 200)}`))
  })
  return (
    <p className="sr-only" aria-live="polite">
      {text}
    </p>
  )
}

/** "(3) SecureChat" in the tab's title. Muted chats do not count. */
export function DocumentTitle() {
  const { data } = useConversations()
  const unread = data?.reduce((sum, { unread: count, muted }) => sum + (muted ? 0 : count), 0) ?? 0
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) SecureChat` : 'SecureChat'
  }, [unread])
  return null
}
