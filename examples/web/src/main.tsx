import { type Client, createClient, storeLocks } from '@securechat/client'
import { indexedDbStorage } from '@securechat/storage-indexeddb'
import { webSocketTransport } from '@securechat/transport/websocket'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.js'
import { describeBrowser } from './devices/describe-browser.js'
import { obeyLocks } from './lock/lock-now.js'
import type { MadeLock } from './lock/make-lock.js'
import './styles.css'

const name = 'example-web'

async function open(lock?: MadeLock): Promise<Client> {
  const storage = indexedDbStorage({ name })
  try {
    const client = await createClient({
      storage,
      // The server that delivers this page is the server of the chats.
      transport: webSocketTransport({ url: location.origin }),
      deviceName: describeBrowser(navigator.userAgent),
      ...(lock && { unlock: lock }),
    })
    return {
      ...client,
      async close() {
        await client.close()
        await storage.close()
      },
    }
  } catch (error) {
    // The next try opens it anew; a connection left open would stand in its way.
    await storage.close()
    throw error
  }
}

async function locks() {
  const storage = indexedDbStorage({ name })
  try {
    return await storeLocks(storage)
  } finally {
    await storage.close()
  }
}

obeyLocks()
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App store={{ name, open, locks }} />
  </StrictMode>,
)
