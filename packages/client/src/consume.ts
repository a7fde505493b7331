import { asSecureChatError, SecureChatError } from '@securechat/protocol'
import type { Context } from './context.js'
import type { Conversations } from './conversations/conversations.js'
import { presentMessage } from './conversations/present.js'
import { readConversation } from './state/conversations.js'
import { nextReceived, readConsumer, writeConsumer } from './state/inbox.js'
import { PREFIX } from './state/keys.js'
import { readMessage } from './state/messages.js'
import type { Client } from './types.js'
import { backoffMs, Signal, sleep } from './waiting.js'

export interface ConsumeDeps {
  readonly context: Context
  readonly conversations: Conversations
  readonly onClose: (end: () => void) => () => void
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/

/** One message after the other, from a durable cursor. The cursor moves after the handler, so a crash in between gives the message again. */
export function consumeMessages(
  { context, conversations, onClose }: ConsumeDeps,
  name: string,
  handler: Parameters<Client['consume']>[1],
): () => Promise<void> {
  if (!NAME.test(name)) throw new SecureChatError('client/invalid-argument', { detail: 'consumer name' })
  const { db, storage, clock, random, logger } = context
  const stopped = new AbortController()
  const wake = new Signal()
  const unwatch = storage.watch(PREFIX.log, () => wake.wake())

  /** False: there is nothing behind the cursor. */
  const step = async (): Promise<boolean> => {
    const next = await nextReceived(db, await readConsumer(db, name))
    if (!next) return false
    const [message, conversation] = [await readMessage(db, next.conversation, next.message), await readConversation(db, next.conversation)]
    if (message && conversation) {
      const self = (await context.identity.self()).accountId
      await handler({ conversation: conversations.handle(conversation.id, conversation.peer), message: presentMessage(message, self) })
    }
    await db.run(async (tx) => writeConsumer(tx, name, next.number))
    return true
  }
  const loop = async (): Promise<void> => {
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        if (!(await step())) await wake.wait(stopped.signal)
        failures = 0
      } catch (error) {
        logger.warn('client.consumer-failed', { code: asSecureChatError(error, 'client/invalid-argument').code })
        await sleep(clock, backoffMs(++failures, { random }), stopped.signal)
      }
    }
  }

  stopped.signal.addEventListener('abort', unwatch)
  const forget = onClose(() => stopped.abort())
  const done = loop()
  return async () => {
    stopped.abort()
    forget()
    await done
  }
}
